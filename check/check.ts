// The whole check: facts, rules, and a short trial of the map programs.
import { shellLine } from '../text/shell.ts'
import { dirname } from 'node:path'
import { trustOf } from '../probes/trust.ts'
import { readRegularFile } from '../system/regular-file.ts'
import { statusOf } from '../status/read.ts'
import type { StatusReport } from '../status/report.ts'
import { maxTokenBytes, tokenIn } from '../page/token.ts'
import { askEtcd } from './ask-etcd.ts'
import { askZope } from './ask-zope.ts'
import { addressOf, type Config } from '../config/config.ts'
import { readConfigFile } from '../config/file.ts'
import { commandRefusal, self } from '../config/trust.ts'
import { version } from '../system/version.ts'
import type { Fresh, HttpdFacts, OwnFacts, User } from './facts.ts'
import {
  checkReport,
  locationOf,
  type CheckReport,
  type Finding,
  type FoundAt,
} from './finding.ts'
import { clusterFindings } from './findings/cluster.ts'
import { generatedFindings, generatedSet } from './findings/generated.ts'
import { mapFindings, writableFinding } from './findings/maps.ts'
import {
  caFindings,
  commandFindings,
  frontFindings,
  ownFindings,
  runningMapFindings,
  tokenFindings,
} from './findings/own.ts'
import { proxyFindings } from './findings/proxy.ts'
import { rewriteFindings } from './findings/rewrite.ts'
import { reachFindings } from './findings/reach.ts'
import { serverFindings } from './findings/server.ts'
import { sameUrlFindings, siteFindings } from './findings/site.ts'
import { missingSite, questionsForSite } from './findings/zope.ts'
import {
  questionsFor,
  trialFindings,
  type AskedPool,
} from './findings/trial.ts'
import { gatherHttpd, monitorUnit } from './gather.ts'
import { answersAs, ownMap, programOf, startedAs } from './map-command.ts'
import { mapsOf, serversOf, type RewriteMapping } from './servers.ts'
import { programFiles } from './program-files.ts'
import { system, weakOf } from './system.ts'
import { tryMap } from './try-map.ts'

type CheckOptions = {
  readonly config: Config
  /** absolute */
  readonly configFile: string
  readonly httpd: string | undefined
  /** absolute; []: httpd's default */
  readonly confFiles: readonly string[]
  readonly unit: string | undefined
  /** how long the trial of a map program may take; undefined: no trial */
  readonly trialMs: number | undefined
  /** generates the text of a file again, from the words of its command */
  readonly fresh: (words: readonly string[]) => Fresh
}

export async function check(options: CheckOptions): Promise<CheckReport> {
  const { config, configFile } = options
  const own = { config, configFile, system }
  // before any trial: what it sees was there before
  const nowMs = Date.now()
  const status = statusOf(config, nowMs)
  const findings = [
    ...ownFindings(status, own),
    ...sameUrlFindings(config),
    ...caFindings(own, backend => trustOf(backend).problem),
  ]
  const { tokenFile } = config.status ?? {}
  if (tokenFile !== undefined) {
    const read = readRegularFile(tokenFile, maxTokenBytes)
    findings.push(...tokenFindings(tokenFile, tokenIn(tokenFile, read), own))
  }
  if (config.cluster !== undefined)
    findings.push(
      ...clusterFindings(
        config.cluster,
        status,
        await askEtcd(config.cluster),
        nowMs,
      ),
    )
  findings.push(...commandFindings(commandProblem(options)))
  if (config.front !== undefined)
    findings.push(...frontFindings(monitorUnit(), own))
  const servers: FoundAt['servers'][number][] = []
  const confFiles =
    options.confFiles.length === 0 ? [undefined] : options.confFiles
  for (const confFile of confFiles) {
    const gathered = await gatherHttpd({ ...options, confFile })
    if (gathered.kind === 'none') {
      findings.push(nothingToSee(gathered))
      continue
    }
    const { facts } = gathered
    const made = generatedSet(facts)
    const judged = [
      ...serverFindings(facts, own),
      ...mapFindings(facts, own),
      ...rewriteFindings(facts, made),
      ...proxyFindings(facts, made),
      ...generatedFindings(facts),
      ...reachFindings(facts, system),
      ...siteFindings(facts, own),
      ...runningMapFindings(status, facts, own),
    ]
    const tried = await trials(facts, own, status, judged, options.trialMs)
    const asked =
      options.trialMs === undefined
        ? []
        : await missingSites(facts, config, options.trialMs)
    findings.push(...judged, ...tried.findings, ...asked)
    servers.push({
      conf: facts.confFile,
      version: facts.version ?? null,
      files: facts.conf.files.length,
      maps: tried.count,
    })
  }
  const seen = { config: configFile, directory: config.directory, servers }
  return checkReport(version, seen, findings)
}

function nothingToSee({
  why,
  isError,
}: {
  why: string
  isError: boolean
}): Finding {
  return {
    code: isError ? 'httpd-not-found' : 'unseen-httpd',
    severity: isError ? 'error' : 'info',
    what: why,
    why: 'httpd was not checked',
    remedy:
      'zope-failover check --httpd COMMAND, or --httpd-conf FILE; or install httpd',
    where: null,
  }
}

/** Whether the sites exist, as reported by a Zope that is alive. */
async function missingSites(
  httpd: HttpdFacts,
  config: Config,
  limitMs: number,
): Promise<Finding[]> {
  const found = await Promise.all(
    questionsForSite(httpd, config).map(async question =>
      missingSite(question, await askZope(question, limitMs)),
    ),
  )
  return found.flat()
}

/** Starts every program that could start, each one once. */
async function trials(
  httpd: HttpdFacts,
  facts: OwnFacts,
  status: StatusReport,
  judged: readonly Finding[],
  trialMs: number | undefined,
): Promise<{ findings: Finding[]; count: number }> {
  const broken = new Set(
    judged
      .filter(
        ({ code, severity }) => severity === 'error' && code.startsWith('map-'),
      )
      .map(({ where }) => where),
  )
  const maps = new Map(
    serversOf(httpd.conf)
      .flatMap(mapsOf)
      .filter(({ kind }) => kind === 'prg')
      .map(map => [JSON.stringify([map.argv, map.user]), map]),
  )
  const tried = await Promise.all(
    [...maps.values()].map(async map => {
      const where = locationOf(map.directive)
      const as = startedAs(map, httpd, facts)
      const program = programOf(map, httpd)
      if (map.argv.length === 0 || as.kind === 'unknown') return undefined
      const isRoot = process.geteuid?.() === 0
      const own = ownMap(map.argv)
      // never run as root a program that another user could have changed
      const weak =
        as.user.uid === 0
          ? weakOf(programFiles(program, map.argv, own))
          : undefined
      const safe =
        weak === undefined ? as.user : answersAsOther(map, httpd, facts)
      const unsafe =
        weak === undefined ? [] : [writableFinding(map, weak, safe)]
      if (broken.has(where) || safe === undefined || trialMs === undefined)
        return { findings: unsafe, count: 0 }
      const pools = askedPools(facts.config, status, own?.answer)
      const trial = await tryMap(
        [program, ...map.argv.slice(1)],
        dirname(program),
        isRoot ? safe : undefined,
        own !== undefined,
        questionsFor(own, pools),
        trialMs,
      )
      const command = `env -i ${shellLine([program, ...map.argv.slice(1)])}`
      return {
        findings: [
          ...unsafe,
          ...trialFindings(trial, own, pools, where, command),
          ...(isRoot || as.user.uid === process.geteuid?.()
            ? []
            : [asSomebodyElse(as.user.name, where)]),
        ],
        count: 1,
      }
    }),
  )
  const done = tried.filter(one => one !== undefined)
  return {
    findings: done.flatMap(one => one.findings),
    count: done.reduce((sum, one) => sum + one.count, 0),
  }
}

/** The user that our map program switches to, if not root. */
function answersAsOther(
  map: RewriteMapping,
  httpd: HttpdFacts,
  facts: OwnFacts,
): User | undefined {
  const answers = answersAs(map, httpd, facts)
  return answers.kind === 'user' && answers.user.uid !== 0
    ? answers.user
    : undefined
}

function asSomebodyElse(name: string, where: string): Finding {
  return {
    code: 'unseen-user',
    severity: 'info',
    what: `the map program was tried as this user, but httpd starts it as ${name}`,
    why: 'the rights of ${name} were judged by permission bits only',
    remedy: 'run check as root',
    where,
  }
}

function askedPools(
  { pools, backends }: Config,
  status: StatusReport,
  answer: string | undefined,
): AskedPool[] {
  return pools.map(({ name, members }) => ({
    name,
    members: backends
      .filter(backend => members.some(member => member.name === backend.name))
      .map(backend =>
        answer === 'address' ? addressOf(backend) : backend.name,
      ),
    isServed: status.pools.some(
      pool => pool.name === name && pool.newcomers.length > 0,
    ),
  }))
}

/** Judged for the monitor, which is assumed to run as the owner of the directory. */
function commandProblem({
  config,
  configFile,
}: CheckOptions): string | undefined {
  const place = system.path(config.directory)
  const as = 'uid' in place ? place : self()
  return commandRefusal(config, configFile, readConfigFile(configFile), as)
}
