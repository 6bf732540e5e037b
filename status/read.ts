// The files behind the report, read afresh. Never throws: what cannot be read is
// in the report.
import { frontName, sentinelNames } from '../config/config.ts'
import type { Config } from '../config/config.ts'
import { reportFiles } from '../sentinels/directory.ts'
import { isAlive } from '../system/process.ts'
import { monitorReportFile } from '../sentinels/names.ts'
import { readRegularFile, SentinelReader } from '../sentinels/read.ts'
import {
  isMapReport,
  isMonitorReport,
  parseReport,
} from '../sentinels/reports.ts'
import type { MonitorReport, ProbeRecord } from '../sentinels/reports.ts'
import { reportedSnapshot } from '../health/reported-state.ts'
import { poolsOf, statusReport } from './report.ts'
import type { SeenReader, SeenReport, StatusReport } from './report.ts'

/** Everything `status` tells, and what only the status page draws. */
export type StatusOptions = {
  readonly report: StatusReport
  /** the same as events tell it: without what lasts for less than a second */
  readonly told: StatusReport
  /** by backend, oldest first, as the monitor told them */
  readonly probes: ReadonlyMap<string, readonly ProbeRecord[]>
}

/**
 * Looks again and again: what cannot be read for a moment stays as it was.
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
   * @param configProblems why the configuration file no longer is the one in use
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
    // what a dead monitor told last is not news
    const states = new Map(
      report.verdictsCount
        ? Object.entries(this.#monitor?.report.backends ?? {})
        : [],
    )
    const told = reportedSnapshot(snapshot, states)
    return {
      report,
      told: { ...report, pools: poolsOf(config, told, now) },
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

/** One look; parameters as for `Looker.look`. */
export function look(
  config: Config,
  now: number,
  configProblems: readonly string[] = [],
): StatusOptions {
  return new StatusReader(config.directory).readStatus(
    config,
    now,
    configProblems,
  )
}

/** The report alone; parameters as for `look`. */
export function statusOf(...args: Parameters<typeof look>): StatusReport {
  return look(...args).report
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

/** undefined: the directory cannot be listed just now; the snapshot tells why. */
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
