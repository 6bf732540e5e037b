// The check of a Squid: reads its configuration, lets squid parse it, asks the
// helper once as Squid's user would, and turns that into findings.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { spawn } from 'node:child_process'
import type { Config } from '../config/config.ts'
import { version } from '../system/version.ts'
import { statusOf } from '../status/read.ts'
import { checkReport, type CheckReport } from './finding.ts'
import { ownFindings } from './findings/own.ts'
import { squidFindings, type SquidFacts } from './findings/squid.ts'
import { killGroup } from '../system/run-command.ts'
import { runProgram } from '../system/run-program.ts'
import { parseSquidConf, type SquidConf } from './squid-conf.ts'
import { system } from './system.ts'

type SquidCheckOptions = {
  readonly config: Config
  /** absolute */
  readonly configFile: string
  /** absolute path of squid.conf */
  readonly squidConf: string
  /** how to call squid; undefined: search for it */
  readonly squid: string | undefined
  /** how long the helper may take; undefined: it is not started */
  readonly trialMs: number | undefined
}

export async function checkSquid(
  options: SquidCheckOptions,
): Promise<CheckReport> {
  const { config, configFile, squidConf: file } = options
  const conf = parseSquidConf(file, readText, expand)
  const facts: SquidFacts = {
    ...{ file, conf, config, configFile },
    parse: await parsed(options.squid ?? findSquid(), file),
    helper:
      options.trialMs === undefined
        ? null
        : await askHelper(conf, config, options.trialMs),
    isConfined:
      existsSync('/etc/apparmor.d/usr.sbin.squid') &&
      !existsSync('/etc/apparmor.d/disable/usr.sbin.squid') &&
      existsSync('/sys/kernel/security/apparmor/profiles'),
  }
  return checkReport(
    version,
    {
      config: configFile,
      directory: config.directory,
      servers: [],
      squid: file,
    },
    [
      ...ownFindings(statusOf(config, Date.now()), {
        config,
        configFile,
        system,
      }),
      ...squidFindings(facts),
    ],
  )
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // whatever the reason: it cannot be read
    return undefined
  }
}

/** Squid uses glob(3) here; in practice only `*` in the last part is used. */
function expand(pattern: string): string[] {
  const name = basename(pattern)
  if (!name.includes('*')) return [pattern]
  const rule = new RegExp(
    `^${name.replace(/[^\w*]/g, '\\$&').replaceAll('*', '[^/]*')}$`,
  )
  try {
    return readdirSync(dirname(pattern))
      .filter(file => rule.test(file) && !file.startsWith('.'))
      .toSorted()
      .map(file => `${dirname(pattern)}/${file}`)
  } catch {
    // no such directory: nothing is included
    return []
  }
}

function findSquid(): string | undefined {
  return ['/usr/sbin/squid', '/usr/local/sbin/squid'].find(file =>
    existsSync(file),
  )
}

async function parsed(
  squid: string | undefined,
  file: string,
): Promise<SquidFacts['parse']> {
  if (squid === undefined) return null
  const ran = await runProgram([squid, '-k', 'parse', '-f', file], process.env)
  const problems = ran.stderr
    .split('\n')
    .filter(line => /FATAL|ERROR/.test(line))
    .map(line => line.replace(/^[\d/: ]*\|? ?/, ''))
  return {
    isGood: ran.code === 0 && problems.length === 0,
    text: problems[0] ?? `exit code ${ran.code ?? 'unknown'}`,
  }
}

/** One line in, one line out, then the end of input. */
async function askHelper(
  conf: SquidConf,
  config: Config,
  limitMs: number,
): Promise<SquidFacts['helper']> {
  const line = conf.lines.find(
    ({ words: [first] }) => first === 'url_rewrite_program',
  )
  const [, command, ...args] = line?.words ?? []
  const [pool] = config.pools
  if (command === undefined || pool === undefined) return null
  const user = conf.lines.findLast(
    ({ words: [first] }) => first === 'cache_effective_user',
  )?.words[1]
  const identity =
    process.getuid?.() === 0 ? system.user(user ?? 'proxy') : null
  return new Promise(done => {
    const child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: '/',
      // a shell and the helper behind it
      detached: true,
      ...(identity !== null &&
        identity !== undefined && { uid: identity.uid, gid: identity.gids[0] }),
    })
    let answer = ''
    let log = ''
    const limit = setTimeout(() => killGroup(child.pid), limitMs)
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      answer += text
      child.stdin.end()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
    child.stdin.on('error', () => {})
    child.on('error', err => (log += err.message))
    child.on('close', () => {
      clearTimeout(limit)
      done({
        isGood: answer.startsWith('1 OK backend_='),
        text:
          [answer.trim(), log.trim().split('\n')[0]]
            .filter(Boolean)
            .join(': ') || `nothing within ${limitMs} ms`,
      })
    })
    child.stdin.write(`1 http://127.0.0.1/ ${pool.name} -\n`)
  })
}
