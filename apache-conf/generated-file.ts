// A generated file knows whether somebody has changed it since: a line of its
// head carries the checksum of the rest.
import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { errorCode } from '../config/error-code.ts'
import { found } from '../config/problem.ts'

const line = /^# Checksum:.*\n/m

/** The text with its checksum in the line that is there for it. */
export function seal(text: string): string {
  return text.replace(line, `# Checksum: ${checksum(text)}\n`)
}

/** Whether nobody has changed it since it was sealed. */
export function isSealed(text: string): boolean {
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

/**
 * Puts a sealed text into a file, whole or not at all, with the mode and owner
 * the file had. A link is followed: a2enconf's point to the file that is meant.
 *
 * @param isForced also in the place of what somebody has changed or written
 */
export function writeGenerated(
  name: string,
  text: string,
  isForced: boolean,
): Written {
  let file = resolve(name)
  let mode = 0o644
  let owner: { uid: number; gid: number } | undefined
  let before: string | undefined
  try {
    file = realpathSync(file)
    const stats = statSync(file)
    if (!stats.isFile())
      return refused(
        `--output must name a regular file, got ${found(name)}, which is something else`,
      )
    mode = stats.mode & 0o7777
    owner = stats
    before = readFileSync(file, 'utf8')
  } catch (err) {
    if (errorCode(err) !== 'ENOENT') return refused(cannot(name, err))
  }
  if (before === text) return { kind: 'unchanged', file }
  if (before !== undefined && !isForced && !isSealed(before))
    return refused(
      line.test(before)
        ? `${name} was changed by hand since it was made and is left as it is; --force writes over it`
        : `${name} was not made by apache-conf and is left as it is; --force writes over it`,
    )
  const aside = `${dirname(file)}/.${basename(file)}.${process.pid}.tmp`
  try {
    writeWhole(aside, text, mode)
    // httpd's own user needs no right to it: it is read before that is taken
    if (owner !== undefined) chownSync(aside, owner.uid, owner.gid)
    renameSync(aside, file)
  } catch (err) {
    rmSync(aside, { force: true })
    return refused(cannot(name, err))
  }
  return { kind: 'written', file, isNew: before === undefined }
}

function writeWhole(file: string, text: string, mode: number): void {
  const fd = openSync(file, 'wx', mode)
  try {
    const bytes = Buffer.from(text)
    let written = 0
    while (written < bytes.length) written += writeSync(fd, bytes, written)
    // a crash must not leave an empty file that ends httpd
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  chmodSync(file, mode)
}

function refused(why: string): Written {
  return { kind: 'refused', why }
}

function cannot(name: string, err: unknown): string {
  return `--output must name a file that can be written, got ${found(name)} (${errorCode(err)})`
}
