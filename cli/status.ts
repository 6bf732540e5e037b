import { readdirSync } from 'node:fs'
import { Command } from 'commander'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { ConfigError } from '../config/problem.ts'
import { isAlive } from '../rewritemap/map-reports.ts'
import { meaningOf, monitorReportFile } from '../sentinels/names.ts'
import { readRegularFile, readSentinels } from '../sentinels/read.ts'
import {
  isMapReport,
  isMonitorReport,
  parseReport,
} from '../sentinels/reports.ts'
import type { MapReport } from '../sentinels/reports.ts'
import { configOption } from './options.ts'
import { hasColour, isScreen } from './output.ts'
import { statusReport } from './status-report.ts'
import type { SeenReport, StatusReport } from './status-report.ts'
import { statusText } from './status-text.ts'
import { watch } from './watch.ts'

type Options = {
  config: string
  json?: true
  watch?: true
  check?: true
}

/** `zope-failover status`. */
export function statusCommand(): Command {
  return new Command('status')
    .description('backends, pools, and whether the two programs are alive')
    .addOption(configOption())
    .option('--json', 'for machines')
    .option('--watch', 'again every second, until interrupted')
    .option('--check', 'exit code 1 when a pool has nobody')
    .action(async (options: Options) => {
      let config = loadConfig(options.config)
      const look = (configProblems: readonly string[]): string => {
        const now = Date.now()
        const report = lookAt(config, now, configProblems)
        const hasNobody = report.pools.some(
          ({ newcomers }) => newcomers.length === 0,
        )
        process.exitCode = options.check === true && hasNobody ? 1 : 0
        return options.json === true
          ? `${JSON.stringify(report)}\n`
          : statusText(report, hasColour(process.stdout), now)
      }
      if (options.watch !== true) {
        process.stdout.write(look([]))
        return
      }
      await watch(options.json !== true && isScreen(process.stdout), () => {
        try {
          config = loadConfig(options.config)
          return look([])
        } catch (err) {
          if (!(err instanceof ConfigError)) throw err
          return look(err.problems)
        }
      })
    })
}

/** Everything `status` tells, of this moment. */
export function lookAt(
  config: Config,
  now: number,
  configProblems: readonly string[] = [],
): StatusReport {
  const { directory } = config
  const known = new Set(config.backends.map(({ name }) => name))
  return statusReport(
    config,
    readSentinels(directory, known),
    seen(directory, monitorReportFile, isMonitorReport),
    mapReports(directory),
    now,
    configProblems,
  )
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
  let names
  try {
    names = readdirSync(directory)
  } catch {
    // the snapshot has told why
    return []
  }
  return names
    .filter(name => meaningOf(name).kind === 'map-report')
    .map(name => seen(directory, name, isMapReport))
    .filter(report => report !== undefined)
    .sort((one, other) => one.report.pid - other.report.pid)
}
