// The whole sentinel directory, read afresh. Synchronous on purpose: it runs
// where nobody waits (the map's second thread, the monitor's timer) or where
// the first table must be there before the first answer. Never throws.
import { statSync } from 'node:fs'
import { maxSentinelBytes, parseAdminNote, parseShare } from './content.ts'
import type { Parsed } from './content.ts'
import { listDirectory } from './directory.ts'
import { meaningOf, monitorReportFile } from './names.ts'
import { readRegularFile } from './regular-file.ts'
import type { FileRead } from './regular-file.ts'
import { judgedBackends, parseReport } from './reports.ts'
import { emptySnapshot, noSentinels } from './snapshot.ts'
import type {
  BackendSentinels,
  DirectoryProblem,
  Snapshot,
} from './snapshot.ts'

export { directoryProblem, directoryRemedy } from './directory.ts'
export { readRegularFile } from './regular-file.ts'

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
    if (
      meaning.kind === 'silent' ||
      meaning.kind === 'map-report' ||
      meaning.kind === 'text-map'
    )
      continue
    const tell = (text: string): void => {
      problems.push({ key: `${name}: ${text}`, text: `${name} ${text}` })
    }
    if (meaning.kind === 'strange') {
      tell('means nothing here and is ignored; see the file names in README')
      continue
    }
    if (meaning.kind === 'monitor-report') {
      monitor = readMonitorReport(`${directory}/${name}`, tell)
      continue
    }
    if (!known.has(meaning.backend)) {
      tell('names no backend of the configuration and is ignored')
      continue
    }
    if (meaning.kind === 'served') continue
    const file = readRegularFile(`${directory}/${name}`, maxSentinelBytes)
    if (file.kind === 'gone') continue
    if (file.kind === 'refused') {
      tell(file.why)
      continue
    }
    const read = <Value>(parse: (text: string) => Parsed<Value>): Value => {
      const parsed = parse(wholeLines(file, tell))
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

/**
 * What can be understood of a sentinel that is there: half a line could be a
 * wrong time, and no content is the most careful meaning.
 */
function wholeLines(
  file: Extract<FileRead, { kind: 'bytes' | 'closed' }>,
  tell: (text: string) => void,
): string {
  if (file.kind === 'closed') {
    tell(
      `cannot be read (${file.code}) and counts as an empty file; ${remedy()}`,
    )
    return ''
  }
  if (!file.isCut) return file.text
  tell(`is longer than ${maxSentinelBytes} bytes, what comes later is ignored`)
  return file.text.slice(0, file.text.lastIndexOf('\n') + 1)
}

/** The uid of now: the map starts as root and becomes somebody else. */
function remedy(): string {
  return `let uid ${process.getuid?.() ?? '?'} read it: chmod a+r`
}

/** Its time is the heartbeat, also when its content cannot be had. */
function readMonitorReport(
  path: string,
  tell: (text: string) => void,
): Snapshot['monitor'] {
  const read = readRegularFile(path, maxReportBytes)
  switch (read.kind) {
    case 'gone':
      return null
    case 'refused':
      tell(read.why)
      return null
    case 'closed': {
      tell(`cannot be read (${read.code}), only its time counts; ${remedy()}`)
      return read.modifiedMs === undefined
        ? null
        : { writtenMs: read.modifiedMs, judged: new Set() }
    }
    case 'bytes': {
      const report = parseReport(read.text)
      if (report === undefined)
        tell('is no report of a monitor, only its time counts')
      return {
        writtenMs: read.modifiedMs,
        judged: new Set(judgedBackends(report)),
      }
    }
  }
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
