import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { check } from '../check/check.ts'
import { checkSquid } from '../check/check-squid.ts'
import {
  checkText,
  exitCodeOf,
  severities,
  type CheckReport,
  type Severity,
} from '../check/finding.ts'
import { parseDuration } from '../text/duration.ts'
import { loadConfig } from '../config/load.ts'
import { freshApacheConf } from './apache-conf.ts'
import { configOption, renamedOption } from './options.ts'

type Options = {
  config: string
  json?: true
  httpd?: string
  httpdConf?: string[]
  unit?: string
  /** false with --no-trial */
  trial: boolean
  /** true without FILE */
  squid?: string | true
  squidCommand?: string
  wait: number
  failOn: Severity
}

type Print = (report: CheckReport, options: Options) => void

/**
 * `zope-failover check`.
 *
 * @param print gets the report; by default it is printed, and sets the exit code
 */
export function checkCommand(print: Print = printReport): Command {
  const command = new Command('check')
    .summary('check configuration, directory, permissions and httpd setup')
    .description(
      'Checks the configuration, the sentinel directory and what httpd loads, runs the map program as httpd would, and prints what is wrong, why it matters and what to type. Changes nothing. Run it as root to check everything.',
    )
    .addOption(configOption())
    .option('--json', 'machine-readable output')
    .option(
      '--httpd <command>',
      'how to call httpd, such as apachectl (default: search for it)',
    )
    .option(
      '--httpd-conf <file...>',
      "httpd's configuration if it is not the default one; one per server",
    )
    .option(
      '--unit <file>',
      "httpd's systemd unit (default: apache2.service or httpd.service)",
    )
    .option(
      '--squid [file]',
      'check a Squid instead (default: /etc/squid/squid.conf)',
    )
    .option('--squid-command <command>', 'how to call squid')
    .option('--no-trial', 'no trial run of the map programs')
    .addOption(
      new Option(
        '--wait <duration>',
        'time limit for the answers of a map program',
      )
        .argParser(duration)
        .default(10_000, '10s'),
    )
    .addOption(
      new Option(
        '--fail-on <severity>',
        'exit 1 if a finding is at least this severe',
      )
        .choices(severities)
        .default('warning'),
    )
    .action(async (options: Options) => {
      const configFile = resolve(options.config)
      const trialMs = options.trial ? options.wait : undefined
      const { squid } = options
      const report =
        squid === undefined
          ? await check({
              config: loadConfig(configFile),
              configFile,
              httpd: options.httpd,
              confFiles: (options.httpdConf ?? []).map(file => resolve(file)),
              unit:
                options.unit === undefined ? undefined : resolve(options.unit),
              trialMs,
              fresh: freshApacheConf,
            })
          : await checkSquid({
              config: loadConfig(configFile),
              configFile,
              squidConf:
                squid === true ? '/etc/squid/squid.conf' : resolve(squid),
              squid: options.squidCommand,
              trialMs,
            })
      print(report, options)
    })
  renamedOption(command, '--no-run', '--no-trial')
  return command
}

function printReport(report: CheckReport, { json, failOn }: Options): void {
  process.stdout.write(
    json === true
      ? `${JSON.stringify(report)}\n`
      : checkText(report, process.stdout.isTTY),
  )
  process.exitCode = exitCodeOf(report, failOn)
}

function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined && ms > 0) return ms
  throw new InvalidArgumentError('It must be a duration such as 10s or 500ms.')
}
