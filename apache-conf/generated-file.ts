// A generated file shows whether it was edited: a line in its head carries the
// checksum of the rest.
import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { errorCode } from '../system/error-code.ts'
import { pathNode } from '../system/path-node.ts'
import { describeValue } from '../text/describe.ts'
import { weakPoint } from '../system/trusted-path.ts'

const line = /^# Checksum:.*\n/m

/** The text with its checksum in the line that is there for it. */
export function seal(text: string): string {
  return text.replace(line, `# Checksum: ${checksum(text)}\n`)
}

/** Whether it is unchanged since it was sealed. */
function isSealed(text: string): boolean {
  return line.test(text) && seal(text) === text
}

function checksum(text: string): string {
  return createHash('sha256').update(text.replace(line, '')).digest('hex')
}

export type Written =
  /** `isNew`: there was none before */
  | { readonly kind: 'written'; readonly file: string; readonly isNew: boolean }
  /** it says the same already */
  | { readonly kind: 'unchanged'; readonly file: string }
  | { readonly kind: 'refused'; readonly why: string }

/** World-readable: it contains nothing secret. */
const mode = 0o644

/**
 * Puts a sealed text into a file, whole or not at all. The file is new: it
 * belongs to the user who runs this, with mode 644, and has neither the mode nor
 * the owner of what was there. A link is followed: a2enconf's point to the file
 * that is meant.
 *
 * Root does not write where another user can swap files.
 *
 * @param isForced also replaces a file that was edited or written by hand
 */
export function writeGenerated(
  name: string,
  text: string,
  isForced: boolean,
): Written {
  let file = resolve(name)
  let before: string | undefined
  const unsafe = unsafeDirectory(name, file)
  if (unsafe !== undefined) return refused(unsafe)
  try {
    file = realpathSync(file)
    if (!statSync(file).isFile())
      return refused(
        `--output must name a regular file, got ${describeValue(name)}, which is something else`,
      )
    before = readFileSync(file, 'utf8')
  } catch (err) {
    if (errorCode(err) !== 'ENOENT') return refused(cannot(name, err))
  }
  // the directory that a link leads to
  const unsafeTarget = unsafeDirectory(name, file)
  if (unsafeTarget !== undefined) return refused(unsafeTarget)
  if (before === text) return { kind: 'unchanged', file }
  if (before !== undefined && !isForced && !isSealed(before))
    return refused(
      line.test(before)
        ? `${name} was changed by hand since it was made and is left as it is; --force writes over it`
        : `${name} was not made by apache-conf and is left as it is; --force writes over it`,
    )
  const aside = `${dirname(file)}/.${basename(file)}.${process.pid}.tmp`
  try {
    if (!replaceBy(file, aside, text))
      return refused(
        `${name} was replaced by another program while it was being written; see who can write in ${dirname(file)}`,
      )
  } catch (err) {
    // one that was there already is another program's
    if (errorCode(err) !== 'EEXIST') rmSync(aside, { force: true })
    return refused(cannot(name, err))
  }
  return { kind: 'written', file, isNew: before === undefined }
}

/** What root must not write to, as a sentence with the remedy. */
function unsafeDirectory(name: string, file: string): string | undefined {
  if (process.geteuid?.() !== 0) return undefined
  const weak = weakPoint(pathNode, dirname(file))
  if (weak === undefined) return undefined
  return `--output must name a file in a directory that only root can change when root writes it, got ${describeValue(name)}: ${weak.text}; run this as that user, or name a file in /etc/apache2`
}

/**
 * Everything about the new file goes through its descriptor, for its name can
 * lead elsewhere a moment later.
 *
 * @returns false when the file that is there in the end is another one
 */
function replaceBy(file: string, aside: string, text: string): boolean {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const fd = openSync(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode)
  try {
    const bytes = Buffer.from(text)
    let written = 0
    while (written < bytes.length) written += writeSync(fd, bytes, written)
    fchmodSync(fd, mode)
    // a crash must not leave an empty file that ends httpd
    fsyncSync(fd)
    renameSync(aside, file)
    const ours = fstatSync(fd)
    const there = lstatSync(file)
    return there.ino === ours.ino && there.dev === ours.dev
  } finally {
    closeSync(fd)
  }
}

function refused(why: string): Written {
  return { kind: 'refused', why }
}

function cannot(name: string, err: unknown): string {
  return `--output must name a file that can be written, got ${describeValue(name)} (${errorCode(err)})`
}
