import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { check } from '../check/check.ts'
import { checkSquid } from '../check/check-squid.ts'
import { checkText, exitCodeOf, severities } from '../check/finding.ts'
import type { Severity } from '../check/finding.ts'
import { parseDuration } from '../config/duration.ts'
import { loadConfig } from '../config/load.ts'
import { freshApacheConf } from './apache-conf.ts'
import { configOption } from './options.ts'

type Options = {
  config: string
  json?: true
  httpd?: string
  httpdConf?: string[]
  unit?: string
  /** --no-run makes it false */
  run: boolean
  /** without FILE it is true */
  squid?: string | true
  squidCommand?: string
  wait: number
  failOn: Severity
}

/** `zope-failover check`. */
export function checkCommand(): Command {
  return new Command('check')
    .summary('configuration, directory, permissions, and the httpd set-up')
    .description(
      'Looks at the configuration, the sentinel directory and what httpd loads, runs the map as httpd would, and says what is wrong, why it matters and what to type. Changes nothing; sees most as root.',
    )
    .addOption(configOption())
    .option('--json', 'for machines')
    .option(
      '--httpd <command>',
      'how to call httpd, such as apachectl (left out: the one that is found)',
    )
    .option(
      '--httpd-conf <file...>',
      "httpd's configuration, where it is not the usual one; several: several servers",
    )
    .option(
      '--unit <file>',
      "httpd's systemd unit (left out: apache2.service or httpd.service)",
    )
    .option(
      '--squid [file]',
      'look at a Squid instead, /etc/squid/squid.conf unless named',
    )
    .option('--squid-command <command>', 'how to call squid')
    .option('--no-run', 'do not start the map programs for a trial')
    .addOption(
      new Option('--wait <duration>', 'how long a map may take for its answers')
        .argParser(duration)
        .default(10_000, '10s'),
    )
    .addOption(
      new Option('--fail-on <severity>', 'exit code 1 from this weight on')
        .choices(severities)
        .default('warning'),
    )
    .action(async (options: Options) => {
      const configFile = resolve(options.config)
      const trialMs = options.run ? options.wait : undefined
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
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify(report)}\n`
          : checkText(report, process.stdout.isTTY),
      )
      process.exitCode = exitCodeOf(report, options.failOn)
    })
}

function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined && ms > 0) return ms
  throw new InvalidArgumentError('It is written like 10s or 500ms.')
}
