// Asks httpd what it would load, reads these files, and turns both into facts.
import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { WeakPoint } from '../system/trusted-path.ts'
import { isAlive } from '../system/process.ts'
import type { Fresh, GeneratedFile, HttpdFacts, User } from './facts.ts'
import {
  commandWords,
  generatedHead,
  withoutPairs,
} from './findings/generated.ts'
import {
  moduleName,
  parseHttpdConf,
  type ParsedConf,
  type Source,
} from './httpd-conf.ts'
import {
  parseBuild,
  parseCompiledIn,
  parseDump,
  type Build,
  type Dump,
} from './httpd-dumps.ts'
import { aprWords } from './httpd-text.ts'
import { runProgram } from '../system/run-program.ts'
import { modifiedMs, readText, source, system, weakOf } from './system.ts'
import { unitSettings } from './unit.ts'

type GatherRequest = {
  /** how to call httpd; undefined: search for it */
  readonly httpd: string | undefined
  /** undefined: httpd's default */
  readonly confFile: string | undefined
  /** systemd's unit; undefined: search for it */
  readonly unit: string | undefined
  readonly configFile: string
  /** generates the text of a file again, from the words of its command */
  readonly fresh: (words: readonly string[]) => Fresh
}

type GatherResult =
  | { readonly kind: 'httpd'; readonly facts: HttpdFacts }
  /** why there is nothing to check */
  | { readonly kind: 'none'; readonly why: string; readonly isError: boolean }

type HttpdCommand = { readonly words: readonly string[]; readonly build: Build }

export async function gatherHttpd(
  wanted: GatherRequest,
): Promise<GatherResult> {
  const called = await findHttpd(wanted)
  if (called === undefined && wanted.httpd !== undefined)
    return {
      kind: 'none',
      why: `"${wanted.httpd}" is not httpd: it prints no version when called with -V`,
      isError: true,
    }
  const confFile = wanted.confFile ?? called?.build.confFile
  if (confFile === undefined)
    return {
      kind: 'none',
      why: 'no httpd was found (searched for apachectl, apache2ctl, httpd and apache2)',
      isError: false,
    }
  if (system.path(confFile).kind === 'missing')
    return {
      kind: 'none',
      why: `httpd's configuration ${confFile} does not exist`,
      isError: wanted.confFile !== undefined,
    }
  const isRoot = process.geteuid?.() === 0
  const weakest = (files: readonly string[]): WeakPoint | undefined =>
    isRoot ? weakOf(files) : undefined
  const weakConf = weakest([confFile, `${dirname(confFile)}/envvars`])
  const environment =
    weakConf === undefined ? await environmentFor(confFile) : process.env
  const known = {
    serverRoot: called?.build.root ?? dirname(confFile),
    modules: [...(await compiledIn(called)).map(moduleName)],
    defines: {},
    environment,
    version: called?.build.version,
  }
  const { source: read, generated } = reading(wanted)
  const first = parseHttpdConf(confFile, read, known)
  const weak = weakConf ?? weakest([...first.files, ...moduleFiles(first)])
  const asked =
    weak === undefined
      ? await askHttpd(called, wanted, confFile, environment)
      : undefined
  const defines = givenDefines(asked?.dump, first)
  const conf =
    Object.keys(defines).length === 0
      ? first
      : parseHttpdConf(confFile, read, { ...known, defines })
  const life = lifeOf(asked?.dump, conf)
  const control =
    called === undefined
      ? 'apachectl'
      : [...called.words, ...fileArguments(wanted)].join(' ')
  // the scripts on every system take the bare word, httpd itself does not
  const isScript = called?.words[0]?.endsWith('ctl') ?? true
  return {
    kind: 'httpd',
    facts: {
      confFile,
      control,
      reload: `${control}${isScript ? '' : ' -k'} graceful`,
      version: called?.build.version,
      conf,
      dump: asked?.dump,
      weak,
      refusal: asked?.refusal,
      generated: generated(),
      ...life,
      unit: unitOf(wanted, called),
    },
  }
}

const places = ['/usr/sbin', '/usr/local/sbin', '/usr/local/apache2/bin']

/** The first that prints its version; some systems' apachectl takes no options. */
async function findHttpd(
  wanted: GatherRequest,
): Promise<HttpdCommand | undefined> {
  const candidates =
    wanted.httpd === undefined
      ? inPath(
          // with another configuration file the script around httpd adds nothing
          wanted.confFile === undefined
            ? ['apachectl', 'apache2ctl', 'httpd', 'apache2']
            : ['httpd', 'apache2', 'apachectl', 'apache2ctl'],
        )
      : [aprWords(wanted.httpd)]
  for (const words of candidates) {
    const { stdout } = await runProgram([...words, '-V'], process.env)
    const build = parseBuild(stdout)
    if (build.version !== undefined) return { words, build }
  }
  return undefined
}

function inPath(names: readonly string[]): string[][] {
  const directories = [
    ...(process.env['PATH'] ?? '').split(':').filter(path => path !== ''),
    ...places,
  ]
  return names.flatMap(name =>
    directories
      .map(directory => `${directory}/${name}`)
      .filter(file => existsSync(file))
      .slice(0, 1)
      .map(file => [file]),
  )
}

function fileArguments({ confFile }: GatherRequest): string[] {
  return confFile === undefined ? [] : ['-f', confFile]
}

/** Debian keeps the variables of its configuration in a file next to it. */
async function environmentFor(confFile: string): Promise<NodeJS.ProcessEnv> {
  const directory = dirname(confFile)
  const file = `${directory}/envvars`
  if (!existsSync(file)) return process.env
  const { code, stdout } = await runProgram(
    ['/bin/sh', '-c', '. "$0" >/dev/null 2>&1; exec env -0', file],
    { ...process.env, APACHE_CONFDIR: directory },
  )
  if (code !== 0) return process.env
  return Object.fromEntries(
    stdout
      .split('\0')
      .filter(entry => entry.includes('='))
      .map(entry => {
        const at = entry.indexOf('=')
        return [entry.slice(0, at), entry.slice(at + 1)]
      }),
  )
}

const dumps = ['VHOSTS', 'MODULES', 'INCLUDES', 'RUN_CFG'].flatMap(name => [
  '-D',
  `DUMP_${name}`,
])

async function askHttpd(
  called: HttpdCommand | undefined,
  wanted: GatherRequest,
  confFile: string,
  environment: NodeJS.ProcessEnv,
): Promise<
  { dump: Dump | undefined; refusal: string | undefined } | undefined
> {
  if (called === undefined) return undefined
  const call = [...called.words, ...fileArguments(wanted)]
  const env = { ...environment, APACHE_CONFDIR: dirname(confFile) }
  const dumped = await runProgram([...call, '-t', ...dumps], env)
  const isTaken = dumped.code === 0
  return {
    dump: isTaken ? parseDump(dumped.stdout) : undefined,
    refusal: isTaken
      ? undefined
      : (dumped.stderr || dumped.failure)
          .split('\n')
          .filter(line => !line.includes('AH00558'))
          .join('\n'),
  }
}

/** Reads no configuration. */
async function compiledIn(called: HttpdCommand | undefined): Promise<string[]> {
  if (called === undefined) return []
  const { stdout } = await runProgram([...called.words, '-l'], process.env)
  return parseCompiledIn(stdout)
}

/** What httpd loads into itself, as root. */
function moduleFiles({ directives, serverRoot }: ParsedConf): string[] {
  return directives
    .filter(({ name }) => name === 'loadmodule' || name === 'loadfile')
    .flatMap(({ args }) => args.slice(-1))
    .map(file => (file.startsWith('/') ? file : `${serverRoot}/${file}`))
}

/** What -D set: those of the dump without those the files define. */
function givenDefines(
  dump: Dump | undefined,
  conf: ParsedConf,
): Record<string, string> {
  const own = new Set(
    conf.directives
      .filter(({ name }) => name === 'define')
      .map(({ args }) => args[0]),
  )
  return Object.fromEntries(
    (dump?.defines ?? [])
      .map(define => define.split('=', 2))
      .filter(([name = '']) => !own.has(name) && !name.startsWith('DUMP_'))
      .map(([name = '', value = '']) => [name, value]),
  )
}

/** Whether it runs, and the user that started it (if not: the current user). */
function lifeOf(
  dump: Dump | undefined,
  conf: ParsedConf,
): Pick<HttpdFacts, 'starter' | 'isRunning' | 'isReloadDue'> {
  const file = dump?.pidFile ?? ''
  const pid = Number.parseInt(readText(file) ?? '', 10)
  const isRunning = pid > 1 && isAlive(pid)
  const startedMs = modifiedMs(file) ?? 0
  return {
    starter: userOf(
      (isRunning ? ownerOf(`/proc/${pid}`) : undefined) ??
        process.geteuid?.() ??
        0,
    ),
    isRunning,
    isReloadDue: conf.files.some(one => (modifiedMs(one) ?? 0) > startedMs),
  }
}

function ownerOf(file: string): number | undefined {
  try {
    return statSync(file).uid
  } catch {
    // gone since
    return undefined
  }
}

function userOf(uid: number): User {
  return system.user(String(uid)) ?? { name: `uid ${uid}`, uid, gids: [uid] }
}

type Reading = {
  readonly source: Source
  /** the files read that apache-conf generated */
  readonly generated: () => GeneratedFile[]
}

/** Reads each file once, and runs each command of a head once. */
function reading({ configFile, fresh }: GatherRequest): Reading {
  const texts = new Map<string, string | undefined>()
  const generated = new Map<string, GeneratedFile>()
  const made = new Map<string, Fresh>()
  const read = (file: string): string | undefined => {
    const text = readText(file)
    const head = generatedHead(text ?? '')
    if (text === undefined || head === undefined) return text
    const words = commandWords(head.command)
    const now = made.get(head.command) ?? fresh(words)
    made.set(head.command, now)
    const at = words.indexOf('--config')
    const config = at === -1 ? configFile : (words[at + 1] ?? configFile)
    const isNewer = (modifiedMs(file) ?? 0) >= (modifiedMs(config) ?? 0)
    generated.set(file, { file, text, ...head, isNewer, fresh: now })
    return now.kind === 'text' && now.text === text ? withoutPairs(text) : text
  }
  return {
    source: {
      ...source,
      read: file => {
        if (!texts.has(file)) texts.set(file, read(file))
        return texts.get(file)
      },
    },
    generated: () => [...generated.values()],
  }
}

const unitPlaces = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
]

/** The system's unit starts only the system's configuration. */
function unitOf(
  wanted: GatherRequest,
  called: HttpdCommand | undefined,
): HttpdFacts['unit'] {
  const isDefault =
    wanted.confFile === undefined ||
    (called !== undefined && wanted.confFile === called.build.confFile)
  const candidates =
    wanted.unit !== undefined
      ? [wanted.unit]
      : isDefault
        ? ['apache2.service', 'httpd.service'].flatMap(name =>
            unitPlaces.map(place => `${place}/${name}`),
          )
        : []
  const file = candidates.find(one => readText(one) !== undefined)
  return file === undefined ? undefined : readUnit(file)
}

/**
 * The systemd unit that starts the monitor, found by its command; undefined: none, or
 * it is started in another way.
 */
export function monitorUnit(): HttpdFacts['unit'] {
  const file = unitPlaces
    .flatMap(place => source.list(`${place}/*.service`))
    .find(one =>
      /^ExecStart=.*\bzope-failover(?:\/\S*)? monitor\b|^ExecStart=.*\/cli\/main\.js monitor\b/m.test(
        readText(one) ?? '',
      ),
    )
  return file === undefined ? undefined : readUnit(file)
}

function readUnit(file: string): NonNullable<HttpdFacts['unit']> {
  const name = file.slice(file.lastIndexOf('/') + 1)
  // drop-ins apply in the order of their names, wherever they are
  const dropIns = [dirname(file), ...unitPlaces]
    .flatMap(place => source.list(`${place}/${name}.d/*.conf`))
    .sort((one, other) =>
      one.replace(/.*\//, '') < other.replace(/.*\//, '') ? -1 : 1,
    )
  return {
    file,
    settings: unitSettings(
      [file, ...new Set(dropIns)].map(one => readText(one) ?? ''),
    ),
  }
}
