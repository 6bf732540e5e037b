// Our own side: the directory, the monitor, the running map programs. Pure.
import type { Backend } from '../../config/config.ts'
import type { StatusReport } from '../../status/report.ts'
import type { TokenFile } from '../../page/token.ts'
import { obstacle } from '../access.ts'
import type { HttpdFacts, OwnFacts } from '../facts.ts'
import type { Finding } from '../finding.ts'
import { answersAs, ownMap } from '../map-command.ts'
import { mapsOf, serversOf } from '../servers.ts'

export function ownFindings(
  status: StatusReport,
  { config, system }: OwnFacts,
): Finding[] {
  const { directory } = config
  const fact = system.path(directory)
  const isThere = fact.kind === 'directory'
  return [
    ...(fact.kind === 'file' || fact.kind === 'other'
      ? [
          {
            code: 'directory-is-no-directory',
            severity: 'error' as const,
            what: `${directory} exists but is not a directory`,
            why: 'neither the monitor nor the map program can use it',
            remedy: `mv ${directory} ${directory}.old, or set another directory in the configuration`,
            where: null,
          },
        ]
      : []),
    ...(fact.kind === 'missing'
      ? [
          {
            code: 'directory-missing',
            severity: 'warning' as const,
            what: `the sentinel directory ${directory} does not exist`,
            why: 'there are no verdicts: every backend is a last resort',
            remedy:
              'start the monitor, which creates it; its unit has RuntimeDirectory=',
            where: null,
          },
        ]
      : []),
    ...(isThere
      ? status.problems.map(problem => ({
          code: 'directory-problem',
          severity: 'warning' as const,
          what: problem,
          why: 'the map program and the monitor read it as described here, which may not be what was meant',
          remedy: `look: ls -l ${directory}`,
          where: null,
        }))
      : []),
    ...(isThere || fact.kind === 'hidden' ? monitorFindings(status) : []),
    ...(isThere ? poolFindings(status) : []),
  ]
}

/**
 * Whether systemd removes the directory that keepalived watches. keepalived does not notice a
 * new one: for it, front.up stays missing.
 *
 * @param unit the unit that starts the monitor; undefined: not known
 */
export function frontFindings(
  unit: HttpdFacts['unit'],
  { config, system }: OwnFacts,
): Finding[] {
  if (config.front === undefined || unit === undefined) return []
  const { file, settings } = unit
  const isOurs = (settings.get('RuntimeDirectory') ?? '')
    .split(/\s+/)
    .some(
      name =>
        name !== '' &&
        `${system.real(config.directory)}/`.startsWith(
          `${system.real('/run')}/${name.replace(/:.*/, '')}/`,
        ),
    )
  const kept = settings.get('RuntimeDirectoryPreserve') ?? 'no'
  if (!isOurs || /^(?:yes|true|on|1|y|t)$/i.test(kept)) return []
  const name = file.replace(/.*\//, '')
  return [
    {
      code: 'front-directory-removed',
      severity: 'warning',
      what: `${file} has systemd remove ${config.directory} when the monitor stops (RuntimeDirectoryPreserve=${kept})`,
      why: 'front.up goes with it, so this machine loses its visitors; and keepalived does not notice the directory that is created later',
      remedy: `systemctl edit ${name} and write\n[Service]\nRuntimeDirectoryPreserve=yes\nthen: systemctl reload keepalived`,
      where: file,
    },
  ]
}

/**
 * Whether the status page can accept actions, as configured. The monitor is assumed to run
 * as the owner of the directory.
 *
 * @param token what the user running check found there
 */
export function tokenFindings(
  file: string,
  token: TokenFile,
  { config, system }: OwnFacts,
): Finding[] {
  const finding = (what: string, remedy: string): Finding => ({
    code: 'token-unusable',
    severity: 'warning',
    what,
    why: 'the status page cannot be used to drain or restore backends',
    remedy,
    where: file,
  })
  const place = system.path(config.directory)
  const monitor = 'uid' in place ? system.user(String(place.uid)) : undefined
  const wall = monitor && obstacle(system, monitor, file, 'read')
  if (wall?.kind === 'closed')
    return [
      finding(wall.text, `chgrp zope-failover ${file}; chmod 640 ${file}`),
    ]
  // we cannot read it: its content is unknown, not necessarily wrong
  return token.kind === 'token' || token.isClosed
    ? []
    : [finding(token.why, token.remedy)]
}

/**
 * Whether the certificate authorities of TLS backends can be read. The monitor is
 * assumed to run as the owner of the directory.
 *
 * @param problemOf what is wrong with the file of a backend for the user running
 *   check: a sentence that ends with the system's code; null = nothing
 */
export function caFindings(
  { config, system }: OwnFacts,
  problemOf: (backend: Backend) => string | null,
): Finding[] {
  const place = system.path(config.directory)
  const monitor = 'uid' in place ? system.user(String(place.uid)) : undefined
  const backends = config.backends.filter(
    ({ tls, probe }) => tls && probe.verify,
  )
  const files = new Map(
    backends.flatMap(one =>
      one.probe.ca === null ? [] : [[one.probe.ca, one] as const],
    ),
  )
  return [...files].flatMap(([file, backend]): Finding[] => {
    const wall = monitor && obstacle(system, monitor, file, 'read')
    const problem = problemOf(backend)
    // closed to the user running check, but perhaps not to the monitor
    const isUnseen = wall === undefined && problem?.endsWith('EACCES') === true
    const found =
      wall?.kind === 'closed'
        ? `the monitor must be able to read probe.ca: ${wall.text}`
        : problem
    if (found === null || isUnseen) return []
    const names = backends
      .filter(({ probe }) => probe.ca === file)
      .map(({ name }) => name)
    return [
      {
        code: 'ca-unusable',
        severity: 'error',
        what: `${names.join(', ')}: ${found}`,
        why: 'the monitor cannot probe these backends, and httpd does not start with such a file',
        remedy: `put the CA certificates there, in PEM format, readable by the monitor: ls -l ${file}`,
        where: file,
      },
    ]
  })
}

/**
 * Whether other users could make the monitor run commands.
 *
 * @param problem a sentence that ends with what to type; undefined = they cannot
 */
export function commandFindings(problem: string | undefined): Finding[] {
  if (problem === undefined) return []
  const at = problem.lastIndexOf('; type: ')
  return [
    {
      code: 'configuration-open',
      severity: 'error',
      what: problem.slice(0, at),
      why: 'the monitor rejects it: it keeps its previous configuration, or does not start',
      remedy: problem.slice(at + '; type: '.length),
      where: null,
    },
  ]
}

function monitorFindings({ monitor, limits = [] }: StatusReport): Finding[] {
  if (monitor.kind === 'alive')
    return limits.map(limit => ({
      code: 'monitor-limit',
      ...limit,
      where: null,
    }))
  const words = {
    'never-seen': 'no monitor has ever written in this directory',
    dead: 'the monitor is gone',
    silent: 'the monitor is running but writes no report',
  }
  return [
    {
      code: 'monitor-not-alive',
      severity: 'warning',
      what: words[monitor.kind],
      why: 'the backends are not probed: the last verdicts still apply, and a Zope that dies now goes unnoticed',
      remedy:
        'systemctl restart zope-failover-monitor, or: zope-failover monitor',
      where: null,
    },
  ]
}

function poolFindings({ pools }: StatusReport): Finding[] {
  return pools
    .filter(({ newcomers }) => newcomers.length === 0)
    .map(({ name }) => ({
      code: 'pool-without-backend',
      severity: 'warning',
      what: `pool ${name}: no backend serves`,
      why: 'visitors get the maintenance page',
      remedy:
        'zope-failover status; zope-failover ready NAME ends drain and maint',
      where: null,
    }))
}

/** The map programs of a running httpd, as their reports show them. */
export function runningMapFindings(
  status: StatusReport,
  httpd: HttpdFacts,
  facts: OwnFacts,
): Finding[] {
  const own = serversOf(httpd.conf)
    .flatMap(mapsOf)
    .filter(({ argv }) => ownMap(argv) !== undefined)
  const problems = status.maps
    .flatMap(map => (map.kind === 'dead' ? [] : map.problems))
    .filter(problem => !status.problems.includes(problem))
    .map(problem => ({
      code: 'map-problem',
      severity: 'warning' as const,
      what: `a running map program reports: ${problem}`,
      why: 'it keeps its previous state',
      remedy: 'fix it; the map program picks up the change by itself',
      where: null,
    }))
  const silent = status.maps.flatMap(map =>
    map.kind === 'silent'
      ? [
          {
            code: 'map-silent',
            severity: 'error' as const,
            what: `the map with pid ${map.pid} is running but has written no report for ${Math.round(map.ageMs / 1_000)} s`,
            why: 'httpd has no timeout for a map program: while it is stopped, every lookup waits',
            remedy: `kill -CONT ${map.pid}, or kill -KILL ${map.pid} and then: ${httpd.reload}`,
            where: null,
          },
        ]
      : [],
  )
  const canReport = own.some(map => {
    const as = answersAs(map, httpd, facts)
    return (
      as.kind === 'user' &&
      obstacle(facts.system, as.user, facts.config.directory, 'write') ===
        undefined
    )
  })
  const isNoneAlive = status.maps.every(({ kind }) => kind === 'dead')
  return [
    ...problems,
    ...silent,
    ...(httpd.isRunning && !httpd.isReloadDue && canReport && isNoneAlive
      ? [
          {
            code: 'no-map-alive',
            severity: 'error' as const,
            what: 'httpd is running, but none of its map programs is',
            why: 'httpd never restarts a map program by itself; until its next restart the rules that read the sentinels serve',
            remedy: `find out in the main ErrorLog why it exited, then: ${httpd.reload}`,
            where: null,
          },
        ]
      : []),
  ]
}
