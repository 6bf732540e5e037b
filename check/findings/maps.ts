// The map programs: will they start, as which user, and can they do their work? Pure.
import { obstacle, type Need } from '../access.ts'
import type { WeakPoint } from '../../system/trusted-path.ts'
import type { HttpdFacts, OwnFacts, User } from '../facts.ts'
import { locationOf, type Finding } from '../finding.ts'
import { compareVersions } from '../httpd-conf.ts'
import { answersAs, ownMap, programOf, startedAs } from '../map-command.ts'
import {
  inheritsRewrite,
  isEngineOn,
  mapsOf,
  serversOf,
  type RewriteMapping,
  type Servers,
} from '../servers.ts'

const deadly =
  'httpd cannot start this map program: at its next start or graceful restart it exits ("Configuration Failed, exiting") and the site is down, although configtest says "Syntax OK"'
const deadMap =
  'httpd starts, but the map program is dead from the start: every lookup gets an empty answer, and the error log mentions it once (AH00653)'

export function mapFindings(httpd: HttpdFacts, facts: OwnFacts): Finding[] {
  const servers = serversOf(httpd.conf)
  const programs = servers.flatMap(mapsOf).filter(({ kind }) => kind === 'prg')
  return [
    ...programs.flatMap(map => [
      ...engineFindings(map, servers),
      ...startFindings(map, httpd, facts),
      ...userFindings(map, httpd, facts),
      ...argumentFindings(map, facts),
    ]),
    ...severalFindings(programs),
  ]
}

/**
 * A program that another user can change, and that httpd starts as root.
 *
 * @param ranAs the user it was tried as; undefined: it was not tried
 */
export function writableFinding(
  map: RewriteMapping,
  weak: WeakPoint,
  ranAs: User | undefined,
): Finding {
  return {
    code: 'map-writable',
    severity: 'warning',
    what: `${weak.text}, and httpd starts the map ${map.name} with it as root`,
    why: `a user who can write there becomes root the next time httpd starts; ${ranAs === undefined ? 'so the map program was not tried' : `so it was tried as ${ranAs.name}, not as root`}`,
    remedy: `chown root: ${weak.path}; chmod go-w ${weak.path}\nor name a user in the rule: apache-conf --map-user zope-failover`,
    where: locationOf(map.directive),
  }
}

function engineFindings(map: RewriteMapping, servers: Servers): Finding[] {
  const [main] = servers
  const users = servers.filter(
    server =>
      server === map.server ||
      (map.server.isMain && inheritsRewrite(server, main)),
  )
  if (users.some(server => isEngineOn(server, main))) return []
  return [
    {
      code: 'engine-off',
      severity: 'error',
      what: `RewriteEngine is not On in ${map.server.name}, which declares the map ${map.name}`,
      why: 'httpd starts a map program only where the engine is on at server level; On in a <Directory> or <Location> does not count. The program is not started, and every lookup silently returns the default',
      remedy: `write next to the RewriteMap: RewriteEngine On`,
      where: locationOf(map.directive),
    },
  ]
}

function startFindings(
  map: RewriteMapping,
  httpd: HttpdFacts,
  facts: OwnFacts,
): Finding[] {
  const { system } = facts
  const where = locationOf(map.directive)
  const program = programOf(map, httpd)
  const fact = system.path(program)
  if (fact.kind === 'hidden')
    return [
      {
        code: 'unseen-map',
        severity: 'info',
        what: `this user cannot read ${program}`,
        why: 'check cannot tell whether httpd can start the map program',
        remedy: 'run check as root',
        where,
      },
    ]
  if (fact.kind === 'missing')
    return [
      {
        code: 'map-missing',
        severity: 'error',
        what: `the map program ${program} does not exist`,
        why: deadly,
        remedy: `install it there, or name the right file: RewriteMap ${map.name} "prg:…"`,
        where,
      },
    ]
  if (fact.kind !== 'file' || (fact.mode & 0o111) === 0)
    return [
      {
        code: 'map-not-executable',
        severity: 'error',
        what: `the map program ${program} is not executable (mode ${fact.mode.toString(8)})`,
        why: deadly,
        remedy: `chmod a+rx ${program}`,
        where,
      },
    ]
  const started = startedAs(map, httpd, facts)
  if (started.kind === 'unknown')
    return [
      {
        code: 'map-unknown-user',
        severity: 'error',
        what: `RewriteMap ${map.name} names ${started.name}, which this system does not know`,
        why: deadly,
        remedy: `adduser --system ${started.name.split(':')[0]}, or name an existing user`,
        where,
      },
    ]
  return [
    ...interpreterFindings(program, facts, where),
    ...closedFindings(program, 'execute', started.user, facts, where),
  ]
}

/** `env` searches these without a PATH, and httpd sets none. */
const defaultPath = ['/bin', '/usr/bin']

function interpreterFindings(
  program: string,
  { system }: OwnFacts,
  where: string,
): Finding[] {
  const head = system.head(program)
  if (head === undefined || head.startsWith('\u007FELF')) return []
  const [, interpreter, argument = ''] =
    /^#![ \t]*([^ \t\n]+)[ \t]*([^\n]*)/.exec(head) ?? []
  const bad = (what: string, remedy: string): Finding[] => [
    {
      code: 'map-bad-interpreter',
      severity: 'error',
      what,
      why: deadMap,
      remedy,
      where,
    },
  ]
  if (interpreter === undefined)
    return bad(
      `${program} does not name its interpreter in the first line`,
      `add a first line: #!/bin/sh (or its interpreter's absolute path)`,
    )
  if (interpreter.endsWith('\r') || argument.endsWith('\r'))
    return bad(
      `the first line of ${program} ends with a carriage return, which counts as part of the interpreter's name`,
      `sed -i 's/\\r$//' ${program}`,
    )
  if (system.path(interpreter).kind === 'missing')
    return bad(
      `the interpreter of ${program}, ${interpreter}, does not exist`,
      'name an existing one in the first line, by its absolute path',
    )
  const name = /^\S*\/env$/.test(interpreter)
    ? argument.split(/\s+/).find(word => !/^-|=/.test(word))
    : undefined
  if (
    name === undefined ||
    name.startsWith('/') ||
    defaultPath.some(path => system.path(`${path}/${name}`).kind !== 'missing')
  )
    return []
  return bad(
    `the first line of ${program} leaves it to env to find ${name}, which is not in ${defaultPath.join(' or ')}; httpd sets no PATH for map programs`,
    `name ${name} by its absolute path in the first line`,
  )
}

/** A path the map program needs and `user` cannot use: the program would not run. */
function closedFindings(
  path: string,
  need: Need,
  user: User,
  { system }: OwnFacts,
  where: string,
): Finding[] {
  const stop = obstacle(system, user, path, need)
  if (stop === undefined) return []
  return [
    stop.kind === 'missing'
      ? {
          code: 'map-part-missing',
          severity: 'error',
          what: `the map program needs ${path}, but ${stop.text}`,
          why: deadMap,
          remedy:
            'generate the files again so that they name the current programs: zope-failover apache-conf …',
          where,
        }
      : {
          code: 'map-part-closed',
          severity: 'error',
          what: `the map program needs ${path}, but ${stop.text}`,
          why: deadMap,
          remedy: `chmod a+${need === 'read' && stop.path === path ? 'r' : 'rx'} ${stop.path}`,
          where,
        },
  ]
}

function userFindings(
  map: RewriteMapping,
  httpd: HttpdFacts,
  facts: OwnFacts,
): Finding[] {
  const where = locationOf(map.directive)
  const findings: Finding[] = []
  if (
    map.user !== undefined &&
    httpd.version !== undefined &&
    compareVersions(httpd.version, '2.4.29') < 0
  )
    findings.push({
      code: 'map-user-too-new',
      severity: 'error',
      what: `RewriteMap ${map.name} names a user, which httpd ${httpd.version} does not support (2.4.29 and later do)`,
      why: 'httpd does not start with this line',
      remedy: 'remove it and give the map program --user, or update httpd',
      where,
    })
  const starts = startedAs(map, httpd, facts)
  const answers = answersAs(map, httpd, facts)
  if (starts.kind === 'unknown') return findings
  if (answers.kind === 'unknown')
    return [
      ...findings,
      {
        code: 'map-unknown-user',
        severity: 'error',
        what: `--user of the map ${map.name} names ${answers.name}, which this system does not know`,
        why: deadMap,
        remedy: 'name an existing user',
        where,
      },
    ]
  const { user } = answers
  if (user.uid === 0)
    findings.push({
      code: 'map-as-root',
      severity: 'warning',
      what: `the map ${map.name} runs as root`,
      why: 'httpd starts map programs as the user that started httpd; a program that reads visitors’ input should run without privileges',
      remedy:
        ownMap(map.argv) === undefined
          ? `name a user as the third argument: RewriteMap ${map.name} "prg:…" zope-failover`
          : `change the owner of the directory (the map program then runs as that user): chown zope-failover ${facts.config.directory}\nor name a user: apache-conf --map-user zope-failover`,
      where,
    })
  const own = ownMap(map.argv)
  if (own === undefined) return findings
  const directory = own.directory ?? facts.config.directory
  const config = own.config ?? facts.configFile
  return [
    ...findings,
    ...(own.node === undefined
      ? []
      : closedFindings(own.node, 'execute', starts.user, facts, where)),
    ...(own.main.startsWith('/')
      ? closedFindings(own.main, 'read', starts.user, facts, where)
      : []),
    ...configFindings(config, user, facts, where),
    ...directoryFindings(directory, user, facts, where),
  ]
}

function configFindings(
  config: string,
  user: User,
  { system }: OwnFacts,
  where: string,
): Finding[] {
  const stop = obstacle(system, user, config, 'read')
  if (stop === undefined) return []
  return [
    {
      code: 'map-cannot-read-config',
      severity: 'error',
      what: `the map program runs as ${user.name} and cannot read its configuration ${config}: ${stop.text}`,
      why: 'without its configuration a map program exits at once, and a running one does not see changes',
      remedy:
        stop.kind === 'missing'
          ? `write ${config}, or name the right one with --config and generate the files again`
          : `chmod a+${stop.path === config ? 'r' : 'x'} ${stop.path}`,
      where,
    },
  ]
}

function directoryFindings(
  directory: string,
  user: User,
  { system }: OwnFacts,
  where: string,
): Finding[] {
  const stop =
    obstacle(system, user, directory, 'search') ??
    obstacle(system, user, directory, 'read')
  // the monitor creates a missing one; own.ts reports it
  if (stop?.kind === 'missing') return []
  if (stop !== undefined)
    return [
      {
        code: 'map-cannot-read-directory',
        severity: 'error',
        what: `the map program runs as ${user.name} and cannot read the sentinel directory: ${stop.text}`,
        why: 'it sees neither verdicts nor drain nor maintenance, and treats every backend as a last resort',
        remedy: `chmod a+rx ${stop.path}`,
        where,
      },
    ]
  const readOnly = obstacle(system, user, directory, 'write')
  if (readOnly === undefined) return []
  return [
    {
      code: 'map-cannot-report',
      severity: 'info',
      what: `the map program runs as ${user.name} and cannot write its report: ${readOnly.text}`,
      why: 'it answers correctly, but status and check cannot see it, and it starts more slowly',
      remedy: `run the map program and the monitor as the same user, the owner of ${directory}`,
      where,
    },
  ]
}

function argumentFindings(map: RewriteMapping, facts: OwnFacts): Finding[] {
  const own = ownMap(map.argv)
  if (own === undefined) return []
  const where = locationOf(map.directive)
  const { system, config, configFile } = facts
  const findings: Finding[] = []
  if (own.config === undefined)
    findings.push({
      code: 'map-other-config',
      severity: 'warning',
      what: `the map ${map.name} has no --config, so it reads /etc/zope-failover.yaml`,
      why: 'httpd passes no environment to map programs, so $ZOPE_FAILOVER_CONFIG has no effect',
      remedy: `name it in the RewriteMap: --config ${configFile}`,
      where,
    })
  else if (system.real(own.config) !== system.real(configFile))
    findings.push({
      code: 'map-other-config',
      severity: 'warning',
      what: `the map ${map.name} is started with --config ${own.config}, but this check reads ${configFile}`,
      why: 'the map program and the monitor must read the same configuration',
      remedy: `zope-failover check --config ${own.config}, or generate the file again with --config ${configFile}`,
      where,
    })
  else if (
    own.directory !== undefined &&
    system.real(own.directory) !== system.real(config.directory)
  )
    findings.push({
      code: 'map-other-directory',
      severity: 'warning',
      what: `the map ${map.name} is started with --directory ${own.directory}, but the configuration says ${config.directory}`,
      why: 'the rules that serve without the map program read the old directory, too',
      remedy: 'generate the files again and reload httpd',
      where,
    })
  return findings
}

function severalFindings(programs: readonly RewriteMapping[]): Finding[] {
  const own = programs.filter(({ argv }) => ownMap(argv) !== undefined)
  const servers = new Set(own.map(({ server }) => server.name))
  if (own.length < 2) return []
  return [
    {
      code: 'several-maps',
      severity: 'info',
      what: `${own.length} map programs will run, one for each of ${[...servers].join(', ')}`,
      why: 'each takes the memory of a Node process, but all share one lock: httpd still asks only one at a time',
      remedy:
        'nothing, or declare the map once at server level and write in each virtual host: RewriteOptions Inherit',
      where: null,
    },
  ]
}
