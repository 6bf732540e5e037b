// The whole sentinel directory, read afresh. Synchronous on purpose: it runs
// where nobody waits (the map's second thread, the monitor's timer) or where
// the first table must be there before the first answer. Never throws.
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
} from 'node:fs'
import type { Stats } from 'node:fs'
import { errorCode } from '../config/error-code.ts'
import { maxSentinelBytes, parseAdminNote, parseShare } from './content.ts'
import type { Parsed } from './content.ts'
import { meaningOf, monitorReportFile } from './names.ts'
import { judgedBackends } from './reports.ts'
import { emptySnapshot, noSentinels } from './snapshot.ts'
import type {
  BackendSentinels,
  DirectoryProblem,
  Snapshot,
} from './snapshot.ts'

const maxReportBytes = 32 * 1024 * 1024

/**
 * @param directory the sentinel directory
 * @param known the backends of the configuration; files of others are problems
 */
export function readSentinels(
  directory: string,
  known: ReadonlySet<string>,
): Snapshot {
  const problems: DirectoryProblem[] = []
  const names = listDirectory(directory, problems)
  if (names === undefined) return { ...emptySnapshot, problems }
  const backends = new Map<string, BackendSentinels>()
  let monitor: Snapshot['monitor'] = null
  for (const name of names) {
    const meaning = meaningOf(name)
    if (meaning.kind === 'silent' || meaning.kind === 'map-report') continue
    const tell = (text: string): void => {
      problems.push({ key: `${name}: ${text}`, text: `${name} ${text}` })
    }
    if (meaning.kind === 'strange') {
      tell('means nothing here and is ignored; see the file names in README')
      continue
    }
    if (meaning.kind === 'monitor-report') {
      const report = readRegularFile(`${directory}/${name}`, maxReportBytes)
      if (report.kind === 'bytes')
        monitor = {
          writtenMs: report.modifiedMs,
          judged: new Set(judgedBackends(report.text)),
        }
      else if (report.kind === 'refused') tell(report.why)
      continue
    }
    if (!known.has(meaning.backend)) {
      tell('names no backend of the configuration and is ignored')
      continue
    }
    const file = readRegularFile(`${directory}/${name}`, maxSentinelBytes)
    if (file.kind === 'gone') continue
    if (file.kind === 'refused') {
      tell(file.why)
      continue
    }
    const read = <Value>(parse: (text: string) => Parsed<Value>): Value => {
      const parsed = parse(file.kind === 'bytes' ? file.text : '\0')
      parsed.problems.forEach(tell)
      return parsed.value
    }
    const kind = meaning.sentinel
    const before = backends.get(meaning.backend) ?? noSentinels
    backends.set(meaning.backend, {
      ...before,
      ...(kind === 'suspect'
        ? { isSuspect: true }
        : kind === 'up'
          ? { share: read(parseShare) }
          : { [kind]: read(parseAdminNote) }),
    })
  }
  return { backends, monitor, problems }
}

function listDirectory(
  directory: string,
  problems: DirectoryProblem[],
): string[] | undefined {
  try {
    const problem = directoryProblem(directory, statSync(directory))
    if (problem !== undefined) problems.push({ key: problem, text: problem })
    return readdirSync(directory)
  } catch (err) {
    const code = errorCode(err)
    const text = `${directory} cannot be read (${code}); ${directoryRemedy(code)}`
    problems.push({ key: text, text })
    return undefined
  }
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
    default:
      return 'mend that or set another directory'
  }
}

/** Why a directory cannot be trusted; undefined when it can. */
export function directoryProblem(
  directory: string,
  stats: Stats,
): string | undefined {
  const isOpen = (stats.mode & 0o002) !== 0
  const isSticky = (stats.mode & 0o1000) !== 0
  return isOpen && !isSticky
    ? `${directory} must not be writable by everybody (mode ${(stats.mode & 0o7777).toString(8)}), for anybody could then take a backend away or bring it back; type: chmod o-w ${directory}`
    : undefined
}

type FileRead =
  | {
      readonly kind: 'bytes'
      readonly text: string
      readonly modifiedMs: number
      /** user id */
      readonly owner: number
    }
  /** there, but its content cannot be had */
  | { readonly kind: 'closed' }
  /** something that is not a regular file */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'gone' }

/**
 * A regular file's text, its first `limit` bytes. Links are not followed, and a
 * FIFO in a sentinel's place must not block.
 */
export function readRegularFile(path: string, limit: number): FileRead {
  let fd
  try {
    fd = openSync(
      path,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    )
  } catch (err) {
    const code = errorCode(err)
    if (code === 'ENOENT') return { kind: 'gone' }
    if (code === 'ELOOP' || code === 'ENXIO') return notRegular
    return { kind: 'closed' }
  }
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile()) return notRegular
    const buffer = Buffer.allocUnsafe(Math.min(stats.size, limit))
    let length = 0
    while (length < buffer.length) {
      const count = readSync(fd, buffer, length, buffer.length - length, null)
      if (count === 0) break
      length += count
    }
    return {
      kind: 'bytes',
      text: buffer.toString('utf8', 0, length),
      modifiedMs: stats.mtimeMs,
      owner: stats.uid,
    }
  } catch {
    // an I/O error of the disk: the name is there, the content is not
    return { kind: 'closed' }
  } finally {
    closeSync(fd)
  }
}

const notRegular: FileRead = {
  kind: 'refused',
  why: 'is not a regular file and is ignored; remove it',
}

/** When the monitor last wrote, in ms since 1970; undefined = never. */
export function monitorWrittenMs(directory: string): number | undefined {
  try {
    return statSync(`${directory}/${monitorReportFile}`).mtimeMs
  } catch {
    // absent or unreadable comes to the same: no monitor
    return undefined
  }
}
