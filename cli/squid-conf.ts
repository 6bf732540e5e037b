// zope-failover squid-conf: prints the part of squid.conf for this configuration.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { seal } from '../apache-conf/generated-file.ts'
import { parseDuration } from '../config/duration.ts'
import { loadConfig } from '../config/load.ts'
import { ConfigError, found } from '../config/problem.ts'
import { version } from '../config/version.ts'
import { renderSquidConf, squidStyles } from '../squid/render.ts'
import type { SquidStyle } from '../squid/render.ts'
import { commandLine, installation, saveGenerated } from './apache-conf.ts'
import { configOption } from './options.ts'
import { siteOption, urlOption } from './squid-options.ts'

type Given = {
  config: string
  style: SquidStyle
  output?: string
  force?: true
  pool?: string
  site: string[]
  url: string[]
  /** --no-cookie makes it false */
  cookie: string | false
  affinity: 'none' | 'address'
  timeout: string
  maintenancePage?: string
  retryAfter: string
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
    .option(
      '--output <file>',
      'write there, unless the file was changed by hand; left out: print',
    )
    .option('--force', 'with --output: overwrite a file that was changed')
    .option('--pool <name>', 'only this pool; left out: all of them')
    .addOption(siteOption())
    .addOption(urlOption())
    .option('--cookie <name>', 'name of the route cookie', 'zope_route')
    .option('--no-cookie', 'visitors are not bound to a backend')
    .addOption(
      new Option('--affinity <what>', 'what to keep on the same backend')
        .choices(['none', 'address'])
        .default('none'),
    )
    .option('--timeout <duration>', 'how long a backend may be silent', '2m')
    .option(
      '--maintenance-page <file>',
      'HTML page for the time when no backend can serve; Squid reads it there',
    )
    .option('--retry-after <duration>', 'what that page asks for', '30s')
  command.action((given: Given) => {
    if (given.force === true && given.output === undefined)
      throw new ConfigError([
        '--force must come with --output: it means that file',
      ])
    const text = seal(print(given, command))
    if (given.output === undefined) process.stdout.write(text)
    else
      saveGenerated(
        given.output,
        text,
        given.force === true,
        'squid -k parse && squid -k reconfigure',
      )
  })
  return command
}

function print(given: Given, command: Command): string {
  const configFile = resolve(given.config)
  const config = loadConfig(configFile)
  const problems: string[] = []
  const durationOf = (name: string, text: string): number => {
    const ms = parseDuration(text)
    if (ms === undefined)
      problems.push(
        `${name} must be a duration such as 60s or 5m, got ${found(text)}`,
      )
    return ms ?? 60_000
  }
  const timeoutMs = durationOf('--timeout', given.timeout)
  const retryAfterMs = durationOf('--retry-after', given.retryAfter)
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
    node: process.execPath,
    main: resolve(installation, 'squid/main.js'),
    configFile,
    command: commandLine(command, configFile),
    version,
  })
}
