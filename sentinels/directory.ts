// The sentinel directory itself: its names, and whether it can be trusted. It
// may contain a hundred thousand foreign files: then only the known names are
// checked, one by one.
import {
  lstatSync,
  opendirSync,
  readdirSync,
  statSync,
  type Stats,
} from 'node:fs'
import { dirname } from 'node:path'
import { errorCode } from '../system/error-code.ts'
import {
  meaningOf,
  readerPrograms,
  readerReportFile,
  type ReaderProgram,
} from './names.ts'
import type { DirectoryProblem } from './snapshot.ts'

/** With more foreign files than this, known files are checked by name. */
const maxForeign = 1_000

/** Up to this many files are checked one by one. */
const fewFiles = 64

/** The content of a directory. */
type Listing =
  /** all names */
  | { readonly kind: 'names'; readonly names: readonly string[] }
  /** more than the limit */
  | { readonly kind: 'huge' }
  | { readonly kind: 'failed'; readonly code: string }

/** @param limit stop after this many names */
function listUpTo(directory: string, limit: number): Listing {
  try {
    const names: string[] = []
    const handle = opendirSync(directory, { bufferSize: 1_024 })
    try {
      for (;;) {
        const entry = handle.readSync()
        if (entry === null) return { kind: 'names', names }
        if (names.length === limit) return { kind: 'huge' }
        names.push(entry.name)
      }
    } finally {
      handle.closeSync()
    }
  } catch (err) {
    return { kind: 'failed', code: errorCode(err) }
  }
}

/**
 * Differs for a recreated directory: the birth time counts, too, because a freed
 * inode number is reused at once.
 *
 * @returns undefined when there is none
 * @throws any other error of stat
 */
export function directoryIdentity(directory: string): string | undefined {
  const stats = statSync(directory, { throwIfNoEntry: false })
  return stats && `${stats.dev} ${stats.ino} ${stats.birthtimeMs}`
}

/**
 * Whether an error means that the file does not exist, not only unreachable.
 */
export function isAbsence(code: string): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/**
 * The files of the list that exist, in the order of the list.
 *
 * @param files known names
 */
export function presentFiles(
  directory: string,
  files: readonly string[],
): string[] {
  if (files.length <= fewFiles)
    return files.filter(file => exists(`${directory}/${file}`))
  // listing a small directory is cheaper than checking many names
  const listing = listUpTo(directory, files.length + maxForeign)
  if (listing.kind === 'failed' && isAbsence(listing.code)) return []
  if (listing.kind !== 'names')
    return files.filter(file => exists(`${directory}/${file}`))
  const names = new Set(listing.names)
  return files.filter(file => names.has(file))
}

/** Also false for a file that cannot be checked. */
function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    // closed to us, or a disk error: unknown
    return false
  }
}

/**
 * The reports of map programs and other readers; undefined when the directory
 * cannot be listed right now. In a huge directory it finds only the reports of
 * existing processes.
 */
export function reportFiles(directory: string): ReportFile[] | undefined {
  const listing = listUpTo(directory, 2 * maxForeign)
  switch (listing.kind) {
    case 'names':
      return listing.names.flatMap(reportFile)
    case 'huge':
      return processes()
        .flatMap(pid =>
          readerPrograms.map(program => readerReportFile(program, pid)),
        )
        .filter(file => exists(`${directory}/${file}`))
        .flatMap(reportFile)
    case 'failed':
      return isAbsence(listing.code) ? [] : undefined
  }
}

/** The report of a program that answers from the table. */
type ReportFile = {
  readonly name: string
  readonly program: ReaderProgram
  readonly pid: number
}

function reportFile(name: string): ReportFile[] {
  const meaning = meaningOf(name)
  if (meaning.kind === 'map-report')
    return [{ name, program: 'rewritemap', pid: meaning.pid }]
  if (meaning.kind !== 'reader-report') return []
  return [{ name, program: meaning.program, pid: meaning.pid }]
}

function processes(): number[] {
  try {
    return readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .map(Number)
  } catch {
    // no /proc on this system
    return []
  }
}

/**
 * The names to read, and the problems of the directory.
 *
 * @param wanted known names
 */
export function listDirectory(
  directory: string,
  wanted: () => readonly string[],
  problems: DirectoryProblem[],
): Listing | { readonly kind: 'untrusted' } {
  const report = (text: string): void => {
    problems.push({ key: text, text })
  }
  let problem
  try {
    problem = directoryProblem(directory, statSync(directory))
  } catch (err) {
    const code = errorCode(err)
    report(`${directory} cannot be read (${code}); ${directoryRemedy(code)}`)
    return { kind: 'failed', code }
  }
  if (problem !== undefined) {
    report(problem)
    return { kind: 'untrusted' }
  }
  const files = wanted()
  const listing = listUpTo(directory, files.length + maxForeign)
  if (listing.kind === 'huge') {
    report(
      `${directory} holds more than ${maxForeign} foreign files; only the names of the configuration are read; remove the others`,
    )
    return { kind: 'names', names: presentFiles(directory, files) }
  }
  if (listing.kind === 'failed')
    report(
      `${directory} cannot be read (${listing.code}); ${directoryRemedy(listing.code)}`,
    )
  return listing
}

/** The remedy for a directory that cannot be used. */
export function directoryRemedy(code: string): string {
  switch (code) {
    case 'ENOENT':
      return 'create it, or start the monitor, which does'
    case 'ENOTDIR':
      return 'something else is in its place: move that away or set another directory'
    case 'EACCES':
    case 'EPERM':
      return `give this user (uid ${process.getuid?.() ?? '?'}) the right to it: chown or chmod a+rx`
    case 'ENOSPC':
      return 'make room on its file system'
    case 'EROFS':
      return 'its file system is read-only: set another directory'
    case 'EMFILE':
    case 'ENFILE':
      return 'raise the limit of open files (LimitNOFILE=)'
    default:
      return 'fix that or set another directory'
  }
}

/**
 * Why a directory cannot be trusted; undefined when it can. A user who can put
 * a file into it decides where visitors go. So it must not be world-writable,
 * sticky or not: that bit prevents removing files, not creating them. Nor may
 * its parent be world-writable: then the whole directory could be replaced. A
 * group with write access is the administrator's choice.
 */
export function directoryProblem(
  directory: string,
  stats: Stats,
): string | undefined {
  if ((stats.mode & 0o002) !== 0)
    return `${directory} must not be writable by all users (mode ${modeText(stats)}): any of them could take a backend out of service or bring it back; nothing in it is used; type: chmod o-w,-t ${directory}`
  for (
    let parent = dirname(directory), below = directory;
    parent !== below;
    below = parent, parent = dirname(parent)
  ) {
    const above = statOf(parent)
    if (above !== undefined && (above.mode & 0o1002) === 0o002)
      return `${parent}, above ${directory}, must not be writable by all users (mode ${modeText(above)}): any of them could put another directory in its place; nothing in it is used; type: chmod o-w ${parent}`
  }
  return undefined
}

/**
 * Why root must not work in a directory; undefined when it may. The owner could
 * replace every file in it, and so control what root's program does.
 */
export function foreignOwner(
  directory: string,
  stats: Stats,
): string | undefined {
  return process.geteuid?.() === 0 && stats.uid !== 0
    ? `${directory} must belong to root while the monitor runs as root, got uid ${stats.uid}; run the monitor as that user (User= in its unit, or: setpriv --reuid=${stats.uid} --regid=${stats.gid} --clear-groups zope-failover monitor), or type: chown root ${directory}`
    : undefined
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    // closed to us: a program with access reports it
    return undefined
  }
}

function modeText({ mode }: Stats): string {
  return (mode & 0o7777).toString(8)
}
