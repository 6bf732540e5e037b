// zope-failover squid-conf: prints the part of squid.conf for this
// configuration.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { loadConfig } from '../config/load.ts'
import { ConfigError } from '../config/problem.ts'
import { version } from '../system/version.ts'
import {
  renderSquidConf,
  squidStyles,
  type SquidStyle,
} from '../squid/render.ts'
import {
  commandLine,
  durationsOf,
  forceOption,
  installation,
  outputOption,
  printOrSave,
  type GeneratedGiven,
} from './generated.ts'
import { configOption } from './options.ts'
import { siteOption, urlOption } from './squid-options.ts'

type SquidConfOptions = GeneratedGiven & {
  config: string
  style: SquidStyle
  pool?: string
  site: string[]
  url: string[]
  /** --no-cookie makes it false */
  cookie: string | false
  affinity: 'none' | 'address'
  maintenancePage?: string
}

/** `zope-failover squid-conf`: a ConfigError for what cannot be written. */
export function squidConfCommand(): Command {
  const command = new Command('squid-conf')
    .summary('print the part of squid.conf for this configuration')
    .description(
      'Prints what to include in squid.conf of a Squid in front of Zope.',
    )
    .addOption(configOption())
    .addOption(
      new Option('--style <style>', 'how Squid finds the backend')
        .choices(squidStyles)
        .default('helper'),
    )
    .addOption(outputOption())
    .addOption(forceOption())
    .option('--pool <name>', 'only this pool (default: all pools)')
    .addOption(siteOption('site of the pool, else no rewriting'))
    .addOption(urlOption('site.url of the pool, else as each request says'))
    .option('--cookie <name>', 'name of the route cookie', 'zope_route')
    .option('--no-cookie', 'do not keep visitors on one backend')
    .addOption(
      new Option('--affinity <what>', 'what to keep on the same backend')
        .choices(['none', 'address'])
        .default('none'),
    )
    .option('--timeout <duration>', 'how long a backend may be silent', '2m')
    .option(
      '--maintenance-page <file>',
      'HTML page to show while no backend can serve; Squid reads it there',
    )
    .option('--retry-after <duration>', 'Retry-After of that page', '30s')
  command.action((given: SquidConfOptions) => {
    printOrSave(
      given,
      () => print(given, command),
      'squid -k parse && squid -k reconfigure',
    )
  })
  return command
}

function print(given: SquidConfOptions, command: Command): string {
  const configFile = resolve(given.config)
  const config = loadConfig(configFile)
  const problems: string[] = []
  const { timeoutMs, retryAfterMs } = durationsOf(given, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  const template = new URL('../squid/squid.conf', import.meta.url)
  return renderSquidConf(readFileSync(template, 'utf8'), config, {
    style: given.style,
    pool: given.pool,
    site: given.site,
    url: given.url,
    cookie: given.cookie === false ? undefined : given.cookie,
    affinity: given.affinity,
    timeoutMs,
    retryAfterMs,
    page:
      given.maintenancePage === undefined
        ? resolve(installation, 'apache-conf/maintenance.html')
        : resolve(given.maintenancePage),
    launcher: resolve(installation, 'squid/keep.sh'),
    node: process.execPath,
    main: resolve(installation, 'squid/main.js'),
    configFile,
    command: commandLine(command, configFile),
    version,
  })
}
