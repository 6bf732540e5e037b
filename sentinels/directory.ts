// The sentinel directory itself: which names it holds, and whether it can be
// trusted. It may hold a hundred thousand files of others: then only the names
// that mean something here are looked for, one by one.
import { lstatSync, opendirSync, readdirSync, statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { dirname } from 'node:path'
import { errorCode } from '../system/error-code.ts'
import { meaningOf, readerPrograms, readerReportFile } from './names.ts'
import type { ReaderProgram } from './names.ts'
import type { DirectoryProblem } from './snapshot.ts'

/** Files of others that are listed; with more of them, ours are looked for by name. */
const maxForeign = 1_000

/** So few are looked for one by one. */
const fewFiles = 64

/** What is in a directory. */
export type Listing =
  /** all names there are */
  | { readonly kind: 'names'; readonly names: readonly string[] }
  /** more than the limit */
  | { readonly kind: 'huge' }
  | { readonly kind: 'failed'; readonly code: string }

/** @param limit stop after so many names */
export function listUpTo(directory: string, limit: number): Listing {
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

/** Whether an error says that the thing is not there, and not only unreachable. */
export function isAbsence(code: string): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/**
 * Which of these files are there, in their order.
 *
 * @param files names of files that mean something here
 */
export function presentFiles(
  directory: string,
  files: readonly string[],
): string[] {
  if (files.length <= fewFiles)
    return files.filter(file => isThere(`${directory}/${file}`))
  // to list a small directory is cheaper than to ask for each of many names
  const listing = listUpTo(directory, files.length + maxForeign)
  if (listing.kind === 'failed' && isAbsence(listing.code)) return []
  if (listing.kind !== 'names')
    return files.filter(file => isThere(`${directory}/${file}`))
  const names = new Set(listing.names)
  return files.filter(file => names.has(file))
}

/** False also for what cannot be looked at. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    // closed to us, or an error of the disk: nothing is known of it
    return false
  }
}

/**
 * The reports of map programs and other readers; undefined when the directory cannot be listed
 * just now. In a huge directory only those of processes that exist are found.
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
        .filter(file => isThere(`${directory}/${file}`))
        .flatMap(reportFile)
    case 'failed':
      return isAbsence(listing.code) ? [] : undefined
  }
}

/** What a program that answers from the table tells about itself. */
export type ReportFile = {
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
 * The names to read, and what is wrong with the directory.
 *
 * @param wanted files that mean something here
 */
export function listDirectory(
  directory: string,
  wanted: () => readonly string[],
  problems: DirectoryProblem[],
): Listing | { readonly kind: 'untrusted' } {
  const tell = (text: string): void => {
    problems.push({ key: text, text })
  }
  let problem
  try {
    problem = directoryProblem(directory, statSync(directory))
  } catch (err) {
    const code = errorCode(err)
    tell(`${directory} cannot be read (${code}); ${directoryRemedy(code)}`)
    return { kind: 'failed', code }
  }
  if (problem !== undefined) {
    tell(problem)
    return { kind: 'untrusted' }
  }
  const files = wanted()
  const listing = listUpTo(directory, files.length + maxForeign)
  if (listing.kind === 'huge') {
    tell(
      `${directory} holds more than ${maxForeign} foreign files; only the names of the configuration are read; remove the others`,
    )
    return { kind: 'names', names: presentFiles(directory, files) }
  }
  if (listing.kind === 'failed')
    tell(
      `${directory} cannot be read (${listing.code}); ${directoryRemedy(listing.code)}`,
    )
  return listing
}

/** What to do about a directory that cannot be used. */
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
 * Why a directory cannot be trusted; undefined when it can. Whoever may put a
 * file into it decides where visitors go, so it must not be open to all users,
 * sticky or not: that bit keeps files from being removed, not from being made.
 * Nor may it be exchanged as a whole, by a parent that is open to all. A group
 * that may write is the administrator's choice.
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
 * Why root must not work in a directory; undefined when it may. Its owner could
 * exchange every file in it, and so decide what root's program does.
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
    // closed to us: whoever can look says so
    return undefined
  }
}

function modeText({ mode }: Stats): string {
  return (mode & 0o7777).toString(8)
}
