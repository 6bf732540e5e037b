// zope-failover apache-conf: prints the httpd configuration for this one.
import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import {
  Command,
  CommanderError,
  InvalidArgumentError,
  Option,
} from 'commander'
import { seal } from '../apache-conf/generated-file.ts'
import { render } from '../apache-conf/render.ts'
import type {
  Affinity,
  Part,
  SameSite,
  Style,
  Templates,
} from '../apache-conf/render.ts'
import type { Fresh } from '../check/facts.ts'
import { errorCode } from '../config/error-code.ts'
import { loadConfig } from '../config/load.ts'
import { ConfigError, found } from '../config/problem.ts'
import { version } from '../config/version.ts'
import { readRegularBytes } from '../sentinels/regular-file.ts'
import {
  commandLine,
  durationOf,
  durationsOf,
  forceOption,
  installation,
  outputOption,
  printOrSave,
} from './generated.ts'
import type { GeneratedGiven } from './generated.ts'
import { configOption } from './options.ts'

type Given = GeneratedGiven & {
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
  patience?: string
  reuse?: true
  max?: string
  exclude: string[]
  up?: string
  maintenancePage?: string
  keepErrorDocument: string[]
  observe?: true
}

/**
 * `zope-failover apache-conf`: prints on stdout; a ConfigError for what cannot be
 * rendered (exit code 2, contract 4).
 */
export function apacheConfCommand(): Command {
  const command = withOptions()
  command.action((given: Given) => {
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
 * What the command would print now, made in this process, for `check`. It writes no
 * file, whatever the options say.
 *
 * @param words the whole command, as the head of a generated file has it
 */
export function freshApacheConf(words: readonly string[]): Fresh {
  let text = ''
  let told = ''
  const command = withOptions()
    .exitOverride()
    .configureOutput({ writeErr: more => (told += more) })
    .action((given: Given) => {
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
          ? told
          : String(err)
    return { kind: 'refused', why: why.trim() }
  }
}

function withOptions(): Command {
  return new Command('apache-conf')
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
        'for several sites in one httpd with one map: server once, site for each',
      )
        .choices(['whole', 'server', 'site'])
        .default('whole'),
    )
    .addOption(outputOption())
    .addOption(forceOption())
    .option('--pool <name>', 'pool that serves this virtual host')
    .option(
      '--url <url>',
      'what visitors type, such as https://www.example.org; left out: site.url of the pool, else ServerName',
    )
    .option(
      '--site <path>',
      'the site inside Zope, such as /Plone; left out: site of the pool',
    )
    .option(
      '--prefix <path>',
      'take this path of the host only, such as /++api++ or /api; left out: all',
    )
    .option('--no-vhm', 'no VirtualHostMonster path; Zope sees the bare path')
    .option('--cookie <name>', 'name of the route cookie', 'zope_route')
    .option('--no-cookie', 'visitors are not bound to a backend')
    .addOption(
      new Option(
        '--cookie-samesite <what>',
        'whether requests from other sites carry the route cookie',
      )
        .choices(['none', 'lax', 'strict'])
        .default('lax'),
    )
    .addOption(
      new Option('--affinity <what>', 'what goes to the same backend if it can')
        .choices(['none', 'address', 'url'])
        .default('none'),
    )
    .option('--map-user <user[:group]>', 'who the map runs as')
    .option('--timeout <duration>', 'how long a backend may be silent', '60s')
    .option(
      '--no-second-chance',
      'a GET that a backend could not answer is not asked of the next one',
    )
    .option(
      '--patience <duration>',
      'how long a backend may be silent when the next one can be asked (left out: as --timeout)',
    )
    .option('--reuse', 'keep the connections to the backends open')
    .option(
      '--max <number>',
      'connections of one httpd child to one backend (left out: as many as it has threads)',
    )
    .option('--websocket', 'let requests become WebSockets')
    .option(
      '--exclude <path>',
      'a path httpd serves itself, such as /.well-known/acme-challenge; repeatable',
      (path: string, before: string[]) => [...before, path],
      [],
    )
    .option(
      '--up <path>',
      'a path that tells balancers in front whether to send visitors here, such as /up (key front)',
    )
    .addOption(
      new Option('--local <path>').hideHelp().argParser(() => {
        throw new InvalidArgumentError('The option is now --exclude.')
      }),
    )
    .option(
      '--maintenance-page <file>',
      'HTML page for the time when no backend can serve; becomes one line of the output',
    )
    .option(
      '--keep-error-document <status>',
      "502, 503 or 504: the site's own ErrorDocument for it is used when no backend can serve; repeatable",
      (status: string, before: string[]) => [...before, status],
      [],
    )
    .option('--retry-after <duration>', 'what that page asks for', '30s')
    .option(
      '--observe',
      'have httpd report failing backends to the monitor (zope-failover observe)',
    )
}

function print(given: Given, command: Command): string {
  const configFile = resolve(given.config)
  const config = loadConfig(configFile)
  const problems: string[] = []
  const { timeoutMs, retryAfterMs } = durationsOf(given, problems)
  const patienceMs =
    given.patience === undefined
      ? undefined
      : durationOf('--patience', given.patience, problems)
  if (given.max !== undefined && !/^[1-9]\d{0,5}$/.test(given.max))
    problems.push(`--max must be a number from 1, got ${found(given.max)}`)
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
    patienceMs,
    isReuse: given.reuse === true,
    maxConnections: given.max === undefined ? undefined : Number(given.max),
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
 * A map that cannot be executed ends httpd, also a running one at its next
 * graceful restart (AH00654), and `apachectl configtest` does not notice.
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

/** The map's user must get to the programs; the map would be dead from birth. */
function warnOfClosedPaths(user: string): void {
  const closed = Object.values(programs)
    .flatMap(path => parentsOf(path))
    .find(path => (statSync(path).mode & 0o001) === 0)
  if (closed !== undefined)
    process.stderr.write(
      `warning: ${closed} may not be entered by everybody; see that ${user} may, or the map cannot start\n`,
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
    `--maintenance-page must be a readable file, got ${found(file)} (${why})`,
  ])
}
