// zope-failover apache-conf: prints the httpd configuration for this one.
import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Command, CommanderError, Option } from 'commander'
import { seal } from '../apache-conf/generated-file.ts'
import {
  render,
  type Affinity,
  type Part,
  type SameSite,
  type Style,
  type Templates,
} from '../apache-conf/render.ts'
import type { Fresh } from '../check/facts.ts'
import { errorCode } from '../system/error-code.ts'
import { loadConfig } from '../config/load.ts'
import { ConfigError } from '../config/problem.ts'
import { describeValue } from '../text/describe.ts'
import { version } from '../system/version.ts'
import { readRegularBytes } from '../system/regular-file.ts'
import {
  commandLine,
  durationOf,
  durationsOf,
  forceOption,
  installation,
  outputOption,
  printOrSave,
  type GeneratedGiven,
} from './generated.ts'
import { configOption, renamedOption } from './options.ts'

type ApacheConfOptions = GeneratedGiven & {
  config: string
  style: Style
  part: Part
  websocket?: true
  pool?: string
  url?: string
  site?: string
  prefix?: string
  vhm: boolean
  /** --no-cookie makes it false */
  cookie: string | false
  cookieSamesite: SameSite
  affinity: Affinity
  mapUser?: string
  secondChance: boolean
  failoverAfter?: string
  keepAlive?: true
  maxConnections?: string
  exclude: string[]
  up?: string
  maintenancePage?: string
  keepErrorDocument: string[]
  observe?: true
}

/**
 * `zope-failover apache-conf`: prints on stdout; a ConfigError for what cannot
 * be rendered (exit code 2).
 */
export function apacheConfCommand(): Command {
  const command = withOptions()
  command.action((given: ApacheConfOptions) => {
    printOrSave(
      given,
      () => print(given, command),
      'apachectl configtest && apachectl graceful',
    )
    if (given.mapUser !== undefined) warnOfClosedPaths(given.mapUser)
  })
  return command
}

/**
 * What the command would print now, made in this process, for `check`. It
 * writes no file, whatever the options say.
 *
 * @param words the whole command, as the head of a generated file has it
 */
export function freshApacheConf(words: readonly string[]): Fresh {
  let text = ''
  let stderrText = ''
  const command = withOptions()
    .exitOverride()
    .configureOutput({ writeErr: more => (stderrText += more) })
    .action((given: ApacheConfOptions) => {
      text = seal(print(given, command))
    })
  try {
    command.parse(words.slice(2), { from: 'user' })
    return { kind: 'text', text }
  } catch (err) {
    const why =
      err instanceof ConfigError
        ? err.problems.join('\n')
        : err instanceof CommanderError
          ? stderrText
          : String(err)
    return { kind: 'refused', why: why.trim() }
  }
}

function withOptions(): Command {
  const command = new Command('apache-conf')
    .summary('print the httpd configuration for this configuration')
    .description(
      'Prints what to include in a <VirtualHost> (or at server level) of Apache httpd.',
    )
    .addOption(configOption())
    .addOption(
      new Option('--style <style>', 'how httpd finds the backend')
        .choices(['prg', 'txt', 'sentinel'])
        .default('prg'),
    )
    .addOption(
      new Option(
        '--part <part>',
        'for several sites that share one httpd and one map program: server once, site for each',
      )
        .choices(['whole', 'server', 'site'])
        .default('whole'),
    )
    .addOption(outputOption())
    .addOption(forceOption())
    .option('--pool <name>', 'pool that serves this virtual host')
    .option(
      '--url <url>',
      'the URL that visitors type, such as https://www.example.org (default: site.url of the pool, else ServerName)',
    )
    .option(
      '--site <path>',
      'the site inside Zope, such as /Plone (default: site of the pool)',
    )
    .option(
      '--prefix <path>',
      'only this path of the host, such as /++api++ or /api (default: all paths)',
    )
    .option('--no-vhm', 'no VirtualHostMonster path; Zope sees the bare path')
    .option('--cookie <name>', 'name of the route cookie', 'zope_route')
    .option('--no-cookie', 'do not keep visitors on one backend')
    .addOption(
      new Option(
        '--cookie-samesite <what>',
        'whether requests from other sites carry the route cookie',
      )
        .choices(['none', 'lax', 'strict'])
        .default('lax'),
    )
    .addOption(
      new Option('--affinity <what>', 'what to keep on the same backend')
        .choices(['none', 'address', 'url'])
        .default('none'),
    )
    .option(
      '--map-user <user[:group]>',
      'the user that the map program runs as',
    )
    .option('--timeout <duration>', 'how long a backend may be silent', '60s')
    .option(
      '--no-second-chance',
      'do not retry on the next backend a GET that one could not answer',
    )
    .option(
      '--failover-after <duration>',
      'how long a backend may be silent before the next one is tried (default: as --timeout)',
    )
    .option('--keep-alive', 'keep the connections to the backends open')
    .option(
      '--max-connections <number>',
      'connections of one httpd child to one backend (default: as many as it has threads)',
    )
    .option('--websocket', 'allow requests to upgrade to WebSocket')
    .option(
      '--exclude <path>',
      'a path that httpd serves itself, such as /.well-known/acme-challenge; repeatable',
      (path: string, before: string[]) => [...before, path],
      [],
    )
    .option(
      '--up <path>',
      'a path that tells load balancers whether to send visitors here, such as /up (key front)',
    )
    .option(
      '--maintenance-page <file>',
      'HTML page to show while no backend can serve; becomes one line of the output',
    )
    .option(
      '--keep-error-document <status>',
      "502, 503 or 504: use the site's own ErrorDocument for it while no backend can serve; repeatable",
      (status: string, before: string[]) => [...before, status],
      [],
    )
    .option('--retry-after <duration>', 'Retry-After of that page', '30s')
    .option(
      '--observe',
      'have httpd report failing backends to the monitor (zope-failover observe)',
    )
  renamedOption(command, '--local <path>', '--exclude')
  renamedOption(command, '--patience <duration>', '--failover-after')
  renamedOption(command, '--reuse', '--keep-alive')
  renamedOption(command, '--max <number>', '--max-connections')
  return command
}

function print(given: ApacheConfOptions, command: Command): string {
  const configFile = resolve(given.config)
  const config = loadConfig(configFile)
  const problems: string[] = []
  const { timeoutMs, retryAfterMs } = durationsOf(given, problems)
  const failoverAfterMs =
    given.failoverAfter === undefined
      ? undefined
      : durationOf('--failover-after', given.failoverAfter, problems)
  if (
    given.maxConnections !== undefined &&
    !/^[1-9]\d{0,5}$/.test(given.maxConnections)
  )
    problems.push(
      `--max-connections must be a number from 1, got ${describeValue(given.maxConnections)}`,
    )
  if (given.style === 'prg' && given.part !== 'site')
    problems.push(...missingPrograms())
  if (problems.length > 0) throw new ConfigError(problems)
  return render(readTemplates(), config, {
    style: given.style,
    part: given.part,
    isWebSocket: given.websocket === true,
    pool: given.pool,
    url: given.url,
    site: given.site,
    prefix: given.prefix,
    isVhm: given.vhm,
    cookie: given.cookie === false ? undefined : given.cookie,
    cookieSameSite: given.cookieSamesite,
    affinity: given.affinity,
    mapUser: given.mapUser,
    timeoutMs,
    isSecondChance: given.secondChance,
    failoverAfterMs,
    isReuse: given.keepAlive === true,
    maxConnections:
      given.maxConnections === undefined
        ? undefined
        : Number(given.maxConnections),
    local: given.exclude,
    up: given.up,
    page:
      given.maintenancePage === undefined
        ? readFileSync(template('maintenance.html'), 'utf8')
        : readPage(given.maintenancePage),
    keptStatuses: given.keepErrorDocument,
    retryAfterMs,
    ...programs,
    ...(given.observe === true && {
      observer: resolve(installation, 'cli/main.js'),
    }),
    configFile,
    command: commandLine(command, configFile),
    version,
  })
}

const programs = {
  launcher: resolve(installation, 'rewritemap/launch.sh'),
  node: process.execPath,
  main: resolve(installation, 'rewritemap/main.js'),
}

/**
 * A map program that cannot be executed stops httpd, including a running one at
 * its next graceful restart (AH00654). `apachectl configtest` does not detect
 * it.
 */
function missingPrograms(): string[] {
  try {
    accessSync(programs.launcher, constants.R_OK | constants.X_OK)
    accessSync(programs.main, constants.R_OK)
    return []
  } catch (err) {
    return [
      `${dirname(programs.launcher)} must hold the built map program (${errorCode(err)}); in a checkout type: npm run build`,
    ]
  }
}

/** Without access to the programs the user's map program would never start. */
function warnOfClosedPaths(user: string): void {
  const closed = Object.values(programs)
    .flatMap(path => parentsOf(path))
    .find(path => (statSync(path).mode & 0o001) === 0)
  if (closed !== undefined)
    process.stderr.write(
      `warning: ${closed} is not accessible to all users; make sure that ${user} can enter it, or the map program cannot start\n`,
    )
}

function parentsOf(path: string): string[] {
  const parent = dirname(path)
  return parent === path ? [] : [...parentsOf(parent), parent]
}

function template(name: string): URL {
  return new URL(`../apache-conf/${name}`, import.meta.url)
}

function readTemplates(): Templates {
  return {
    prg: readTemplate('prg'),
    'prg-sticky': readTemplate('prg-sticky'),
    'prg-lookup': readTemplate('prg-lookup'),
    'prg-again': readTemplate('prg-again'),
    sentinel: readTemplate('sentinel'),
    'last-resort': readTemplate('last-resort'),
    turn: readTemplate('turn'),
    txt: readTemplate('txt'),
  }
}

function readTemplate(name: keyof Templates): string {
  return readFileSync(template(`${name}.conf`), 'utf8')
}

const maxPageBytes = 1024 * 1024

function readPage(file: string): string {
  const read = readRegularBytes(file, maxPageBytes, 'followed')
  if (read.kind === 'bytes' && !read.isCut) return read.bytes.toString('utf8')
  const why =
    read.kind === 'bytes'
      ? 'longer than 1 MiB'
      : read.kind === 'refused'
        ? read.what
        : read.kind === 'gone'
          ? 'ENOENT'
          : read.code
  throw new ConfigError([
    `--maintenance-page must be a readable file, got ${describeValue(file)} (${why})`,
  ])
}
