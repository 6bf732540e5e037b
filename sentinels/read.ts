// Reads the whole sentinel directory. Synchronous on purpose: it runs where
// nothing waits for it (the map program's second thread, the monitor's timer),
// or where the first table must exist before the first answer. Never throws.
import { lstatSync } from 'node:fs'
import {
  maxSentinelBytes,
  parseAdminNote,
  parseShare,
  type ParsedNote,
} from './content.ts'
import { isAbsence, listDirectory, presentFiles } from './directory.ts'
import {
  meaningOf,
  monitorReportFile,
  sentinelFile,
  sentinelKinds,
} from './names.ts'
import { readRegularFile, type FileRead } from '../system/regular-file.ts'
import { judgedBackends, parseReport } from './reports.ts'
import {
  emptySnapshot,
  noSentinels,
  type BackendSentinels,
  type DirectoryProblem,
  type Snapshot,
} from './snapshot.ts'

export { directoryProblem, directoryRemedy, foreignOwner } from './directory.ts'
export { readRegularFile } from '../system/regular-file.ts'

const maxReportBytes = 32 * 1024 * 1024

/** The content of one file of the directory, and its problems. */
type Entry = {
  readonly says:
    | { readonly kind: 'nothing' }
    | {
        readonly kind: 'sentinel'
        readonly backend: string
        readonly sentinels: Partial<BackendSentinels>
      }
    | {
        readonly kind: 'monitor-report'
        readonly monitor: Snapshot['monitor']
      }
  readonly problems: readonly DirectoryProblem[]
}

/** The directory as read, file by file. */
export type Entries = {
  readonly byName: ReadonlyMap<string, Entry>
  /** the directory does not exist, or cannot be trusted */
  readonly isMissing: boolean
  /** problems of the directory itself */
  readonly problems: readonly DirectoryProblem[]
}

/**
 * @param directory the sentinel directory
 * @param known the backends of the configuration; other sentinels are problems
 */
export function readSentinels(
  directory: string,
  known: ReadonlySet<string>,
): Snapshot {
  return snapshotOf(readEntries(directory, known))
}

/**
 * Reads repeatedly: a file that temporarily cannot be read keeps its last
 * content.
 */
export class SentinelReader {
  readonly #directory: string
  #entries: Entries | undefined

  constructor(directory: string) {
    this.#directory = directory
  }

  read(known: ReadonlySet<string>): Snapshot {
    this.#entries = readEntries(this.#directory, known, this.#entries)
    return snapshotOf(this.#entries)
  }
}

/**
 * Every known file of the directory; parameters as for `readSentinels`.
 *
 * @param before the last result: it is kept for every error except "does not
 *   exist", because an administrator's file does not vanish when a disk is slow
 */
export function readEntries(
  directory: string,
  known: ReadonlySet<string>,
  before?: Entries,
): Entries {
  const problems: DirectoryProblem[] = []
  const wanted = (): string[] => filesOf(known)
  const listing = listDirectory(directory, wanted, problems)
  if (
    listing.kind === 'untrusted' ||
    (listing.kind === 'failed' && isAbsence(listing.code))
  )
    return { byName: new Map(), isMissing: true, problems }
  if (listing.kind !== 'names' && before !== undefined && !before.isMissing)
    return { ...before, problems }
  const names =
    listing.kind === 'names'
      ? listing.names
      : presentFiles(directory, filesOf(known))
  return {
    byName: new Map(
      names.flatMap((name): [string, Entry][] => {
        const entry = readEntry(
          directory,
          name,
          known,
          before?.byName.get(name),
        )
        return entry === undefined ? [] : [[name, entry]]
      }),
    ),
    isMissing: false,
    problems,
  }
}

/** All names that a reader of the directory knows. */
function filesOf(known: ReadonlySet<string>): string[] {
  return [
    monitorReportFile,
    ...[...known].flatMap(name =>
      sentinelKinds.map(kind => sentinelFile(name, kind)),
    ),
  ]
}

/** The entries with only these files read again. */
export function rereadEntries(
  entries: Entries,
  directory: string,
  known: ReadonlySet<string>,
  names: Iterable<string>,
): Entries {
  const byName = new Map(entries.byName)
  for (const name of names) {
    const entry = isGone(`${directory}/${name}`)
      ? undefined
      : readEntry(directory, name, known, byName.get(name))
    if (entry === undefined) byName.delete(name)
    else byName.set(name, entry)
  }
  return { ...entries, byName }
}

/** Half of all changes remove a file; an exception costs more than a check. */
function isGone(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined
  } catch {
    // unknown: reading it will show
    return false
  }
}

export function snapshotOf({ byName, isMissing, problems }: Entries): Snapshot {
  if (isMissing) return { ...emptySnapshot, problems }
  const backends = new Map<string, BackendSentinels>()
  let monitor: Snapshot['monitor'] = null
  const all = [...problems]
  for (const entry of byName.values()) {
    all.push(...entry.problems)
    const { says } = entry
    if (says.kind === 'sentinel')
      backends.set(says.backend, {
        ...(backends.get(says.backend) ?? noSentinels),
        ...says.sentinels,
      })
    else if (says.kind === 'monitor-report') monitor = says.monitor
  }
  return { backends, monitor, problems: all }
}

/** Whether one file of the administrator is in effect; reads only that file. */
export function isInEffect(
  directory: string,
  name: string,
  kind: 'maint' | 'drain',
  nowMs: number,
): boolean {
  const { says } = readEntry(
    directory,
    sentinelFile(name, kind),
    new Set([name]),
    undefined,
  ) ?? { says: { kind: 'nothing' } }
  const annotation = says.kind === 'sentinel' ? says.sentinels[kind] : undefined
  return (
    annotation !== undefined &&
    annotation !== null &&
    (annotation.until ?? nowMs) >= nowMs
  )
}

/** undefined = the file does not exist. */
function readEntry(
  directory: string,
  name: string,
  known: ReadonlySet<string>,
  before: Entry | undefined,
): Entry | undefined {
  const problems: DirectoryProblem[] = []
  const report = (text: string): void => {
    problems.push({ key: `${name}: ${text}`, text: `${name} ${text}` })
  }
  const nothing: Entry = { says: { kind: 'nothing' }, problems }
  const meaning = meaningOf(name)
  if (meaning.kind === 'strange') {
    report('has no meaning here and is ignored; see the file names in README')
    return nothing
  }
  if (meaning.kind === 'monitor-report') {
    const monitor = readMonitorReport(
      `${directory}/${name}`,
      before?.says.kind === 'monitor-report' ? before.says.monitor : null,
      report,
    )
    return { says: { kind: 'monitor-report', monitor }, problems }
  }
  if (meaning.kind !== 'sentinel' && meaning.kind !== 'served') return nothing
  if (!known.has(meaning.backend)) {
    report('does not name a backend of the configuration and is ignored')
    return nothing
  }
  if (meaning.kind === 'served') return nothing
  const file = readRegularFile(`${directory}/${name}`, maxSentinelBytes)
  if (file.kind === 'gone') return undefined
  if (file.kind === 'refused') {
    report(file.why)
    return nothing
  }
  if (file.kind === 'closed' && before?.says.kind === 'sentinel') {
    report(`cannot be read (${file.code}); keeping its previous content`)
    return { says: before.says, problems }
  }
  const read = <Value>(parse: (text: string) => ParsedNote<Value>): Value => {
    const parsed = parse(wholeLines(file, report))
    parsed.problems.forEach(report)
    return parsed.value
  }
  const { backend, sentinel } = meaning
  const sentinels =
    sentinel === 'suspect'
      ? {}
      : sentinel === 'up'
        ? { share: read(parseShare) }
        : { [sentinel]: read(parseAdminNote) }
  return { says: { kind: 'sentinel', backend, sentinels }, problems }
}

/**
 * The usable text of an existing sentinel. Half a line could be a wrong time,
 * so it is dropped; an empty file is the safest meaning.
 */
function wholeLines(
  file: Extract<FileRead, { kind: 'bytes' | 'closed' }>,
  report: (text: string) => void,
): string {
  if (file.kind === 'closed') {
    report(
      `cannot be read (${file.code}) and counts as an empty file; ${remedy()}`,
    )
    return ''
  }
  if (!file.isCut) return file.text
  report(`is longer than ${maxSentinelBytes} bytes, the rest is ignored`)
  return file.text.slice(0, file.text.lastIndexOf('\n') + 1)
}

/** With the current uid: the map program starts as root and switches user. */
function remedy(): string {
  return `let uid ${process.getuid?.() ?? '?'} read it: chmod a+r`
}

/** Its time is the heartbeat, even if its content cannot be read. */
function readMonitorReport(
  path: string,
  before: Snapshot['monitor'],
  report: (text: string) => void,
): Snapshot['monitor'] {
  const read = readRegularFile(path, maxReportBytes)
  switch (read.kind) {
    case 'gone':
      return null
    case 'refused':
      report(read.why)
      return null
    case 'closed': {
      report(`cannot be read (${read.code}), only its time counts; ${remedy()}`)
      const judged = before?.judged ?? new Set()
      return read.modifiedMs === undefined
        ? before
        : { writtenMs: read.modifiedMs, judged }
    }
    case 'bytes': {
      const monitor = parseReport(read.text)
      if (monitor === undefined)
        report('is not a report of a monitor, only its time counts')
      return {
        writtenMs: read.modifiedMs,
        judged: new Set(judgedBackends(monitor)),
      }
    }
  }
}
