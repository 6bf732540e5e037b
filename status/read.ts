// Reads the files behind the status report. Never throws: what cannot be read is in
// the report.
import { frontName, sentinelNames, type Config } from '../config/config.ts'
import { reportFiles } from '../sentinels/directory.ts'
import { isAlive } from '../system/process.ts'
import { monitorReportFile } from '../sentinels/names.ts'
import { readRegularFile, SentinelReader } from '../sentinels/read.ts'
import {
  isMapReport,
  isMonitorReport,
  parseReport,
  type MonitorReport,
  type ProbeRecord,
} from '../sentinels/reports.ts'
import { reportedSnapshot } from '../health/reported-state.ts'
import {
  poolsOf,
  statusReport,
  type SeenReader,
  type SeenReport,
  type StatusReport,
} from './report.ts'

/** Everything `status` reports, and what only the status page draws. */
export type StatusOptions = {
  readonly report: StatusReport
  /** the same for events: without changes that last less than a second */
  readonly reported: StatusReport
  /** by backend, oldest first, as the monitor reported them */
  readonly probes: ReadonlyMap<string, readonly ProbeRecord[]>
}

/**
 * For repeated reading: a file that is unreadable for a moment keeps its last value.
 */
export class StatusReader {
  readonly #directory: string
  readonly #reader: SentinelReader
  #monitor: SeenReport<MonitorReport> | undefined
  #readers: readonly SeenReader[] = []

  constructor(directory: string) {
    this.#directory = directory
    this.#reader = new SentinelReader(directory)
  }

  /**
   * @param now ms since 1970
   * @param configProblems why the configuration file is no longer the one in use
   */
  readStatus(
    config: Config,
    now: number,
    configProblems: readonly string[] = [],
  ): StatusOptions {
    const directory = this.#directory
    const known = new Set(sentinelNames(config))
    const monitor = seen(directory, monitorReportFile, isMonitorReport)
    if (monitor !== 'closed') this.#monitor = monitor
    this.#readers = readerReports(directory) ?? this.#readers
    const snapshot = this.#reader.read(known)
    const report = statusReport(
      config,
      snapshot,
      this.#monitor,
      this.#readers.filter(isMap),
      now,
      configProblems,
      this.#readers.filter(reader => !isMap(reader)),
    )
    // the last report of a dead monitor is not news
    const states = new Map(
      report.verdictsCount
        ? Object.entries(this.#monitor?.report.backends ?? {})
        : [],
    )
    const reported = reportedSnapshot(snapshot, states)
    return {
      report,
      reported: { ...report, pools: poolsOf(config, reported, now) },
      probes: probesOf(this.#monitor?.report),
    }
  }
}

function probesOf(report: MonitorReport | undefined): StatusOptions['probes'] {
  const probes = new Map(
    Object.entries(report?.backends ?? {}).map(([name, backend]) => [
      name,
      backend.probes,
    ]),
  )
  return report?.front === undefined
    ? probes
    : probes.set(frontName, report.front.probes)
}

function isMap({ program }: SeenReader): boolean {
  return program === 'rewritemap'
}

/** The report, read once; parameters as for `StatusReader.readStatus`. */
export function statusOf(
  config: Config,
  now: number,
  configProblems: readonly string[] = [],
): StatusReport {
  return new StatusReader(config.directory).readStatus(
    config,
    now,
    configProblems,
  ).report
}

const maxReportBytes = 32 * 1024 * 1024

function seen<Report extends { readonly pid: number }>(
  directory: string,
  file: string,
  isReport: (value: unknown) => value is Report,
): SeenReport<Report> | 'closed' | undefined {
  const read = readRegularFile(`${directory}/${file}`, maxReportBytes)
  if (read.kind === 'closed') return 'closed'
  if (read.kind !== 'bytes') return undefined
  const report: unknown = parseReport(read.text)
  if (!isReport(report)) return undefined
  return {
    report,
    writtenMs: read.modifiedMs,
    isRunning: isAlive(report.pid),
  }
}

/** undefined: the directory cannot be listed now; the snapshot has the reason. */
function readerReports(directory: string): SeenReader[] | undefined {
  return reportFiles(directory)
    ?.flatMap(({ name, program }) => {
      const report = seen(directory, name, isMapReport)
      return report === undefined || report === 'closed'
        ? []
        : [{ program, ...report }]
    })
    .sort(
      (one, other) =>
        one.program.localeCompare(other.program) ||
        one.report.pid - other.report.pid,
    )
}
