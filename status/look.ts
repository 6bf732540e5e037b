// The files behind the report, read afresh. Never throws: what cannot be read is
// in the report.
import { readdirSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { isAlive } from '../sentinels/process.ts'
import { meaningOf, monitorReportFile } from '../sentinels/names.ts'
import type { ReaderProgram } from '../sentinels/names.ts'
import { readRegularFile, readSentinels } from '../sentinels/read.ts'
import {
  isMapReport,
  isMonitorReport,
  parseReport,
} from '../sentinels/reports.ts'
import type { MapReport, ProbeRecord } from '../sentinels/reports.ts'
import { statusReport } from './report.ts'
import type { SeenReader, SeenReport, StatusReport } from './report.ts'

/** Everything `status` tells, and what only the status page draws. */
export type Look = {
  readonly report: StatusReport
  /** by backend, oldest first, as the monitor told them */
  readonly probes: ReadonlyMap<string, readonly ProbeRecord[]>
}

/**
 * @param now ms since 1970
 * @param configProblems why the configuration file no longer is the one in use
 */
export function look(
  config: Config,
  now: number,
  configProblems: readonly string[] = [],
): Look {
  const { directory } = config
  const known = new Set(config.backends.map(({ name }) => name))
  const monitor = seen(directory, monitorReportFile, isMonitorReport)
  return {
    report: statusReport(
      config,
      readSentinels(directory, known),
      monitor,
      mapReports(directory),
      now,
      configProblems,
      readerReports(directory),
    ),
    probes: new Map(
      Object.entries(monitor?.report.backends ?? {}).map(
        ([name, { probes }]) => [name, probes],
      ),
    ),
  }
}

/** The report alone; parameters as for `look`. */
export function lookAt(...args: Parameters<typeof look>): StatusReport {
  return look(...args).report
}

const maxReportBytes = 32 * 1024 * 1024

function seen<Report extends { readonly pid: number }>(
  directory: string,
  file: string,
  isReport: (value: unknown) => value is Report,
): SeenReport<Report> | undefined {
  const read = readRegularFile(`${directory}/${file}`, maxReportBytes)
  if (read.kind !== 'bytes') return undefined
  const report: unknown = parseReport(read.text)
  if (!isReport(report)) return undefined
  return {
    report,
    writtenMs: read.modifiedMs,
    isRunning: isAlive(report.pid),
  }
}

function mapReports(directory: string): SeenReport<MapReport>[] {
  return reportFiles(directory)
    .filter(({ program }) => program === 'rewritemap')
    .map(({ name }) => seen(directory, name, isMapReport))
    .filter(report => report !== undefined)
    .sort((one, other) => one.report.pid - other.report.pid)
}

function readerReports(directory: string): SeenReader[] {
  return reportFiles(directory)
    .filter(({ program }) => program !== 'rewritemap')
    .flatMap(({ name, program }) => {
      const report = seen(directory, name, isMapReport)
      return report === undefined ? [] : [{ program, ...report }]
    })
    .sort(
      (one, other) =>
        one.program.localeCompare(other.program) ||
        one.report.pid - other.report.pid,
    )
}

function reportFiles(
  directory: string,
): { readonly name: string; readonly program: ReaderProgram }[] {
  let names
  try {
    names = readdirSync(directory)
  } catch {
    // the snapshot has told why
    return []
  }
  return names.flatMap(name => {
    const meaning = meaningOf(name)
    if (meaning.kind === 'map-report') return [{ name, program: 'rewritemap' }]
    return meaning.kind === 'reader-report'
      ? [{ name, program: meaning.program }]
      : []
  })
}
