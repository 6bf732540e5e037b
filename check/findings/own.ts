// Our own side: the directory, the monitor, the maps that run. Pure.
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
            what: `${directory} is there and is no directory`,
            why: 'neither monitor nor map can work with it',
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
            why: 'there are no verdicts: every backend is the last resort',
            remedy:
              'start the monitor, which makes it; its unit has RuntimeDirectory=',
            where: null,
          },
        ]
      : []),
    ...(isThere
      ? status.problems.map(problem => ({
          code: 'directory-problem',
          severity: 'warning' as const,
          what: problem,
          why: 'map and monitor take it as said here, perhaps not as it was meant',
          remedy: `look: ls -l ${directory}`,
          where: null,
        }))
      : []),
    ...(isThere || fact.kind === 'hidden' ? monitorFindings(status) : []),
    ...(isThere ? poolFindings(status) : []),
  ]
}

/**
 * Whether systemd takes the directory away under keepalived, which hears nothing of a
 * new one and takes front.up for missing from then on.
 *
 * @param unit the one that starts the monitor; undefined: not known
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
      why: 'front.up goes with it, so this machine loses its visitors; and keepalived hears nothing of the directory that is made later',
      remedy: `systemctl edit ${name} and write\n[Service]\nRuntimeDirectoryPreserve=yes\nthen: systemctl reload keepalived`,
      where: file,
    },
  ]
}

/**
 * Whether the status page can take orders, as it is meant to. The monitor is
 * taken to run as the owner of the directory.
 *
 * @param token what the user who checks has found there
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
  // closed to us: what is in it cannot be seen, and need not be wrong
  return token.kind === 'token' || token.isClosed
    ? []
    : [finding(token.why, token.remedy)]
}

/**
 * Whether the certificate authorities of TLS backends can be read. The monitor is
 * taken to run as the owner of the directory.
 *
 * @param problemOf what the user who checks has found wrong with the file of a
 *   backend: a sentence that ends with the system's code; null = nothing
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
    // closed to the one who checks: it need not be closed to the monitor
    const isUnseen = wall === undefined && problem?.endsWith('EACCES') === true
    const found =
      wall?.kind === 'closed'
        ? `probe.ca must be readable for the monitor: ${wall.text}`
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
        why: 'the monitor cannot judge them, and httpd does not start with such a file',
        remedy: `put the certificates of the authority there, as PEM, readable for the monitor: ls -l ${file}`,
        where: file,
      },
    ]
  })
}

/**
 * Whether others could have the monitor run commands.
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
      why: 'the monitor refuses it, and goes on with the one it has or does not start',
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
    silent: 'the monitor is there, and writes no report',
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
        'zope-failover status; zope-failover ready NAME takes drain and maint away',
      where: null,
    }))
}

/** The maps of a running httpd, as their reports show them. */
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
            what: `the map with pid ${map.pid} is there, and has written no report for ${Math.round(map.ageMs / 1_000)} s`,
            why: 'a map that is stopped is the one thing httpd cannot see past: it waits without any limit',
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
            what: 'httpd runs, and no map of it is alive',
            why: 'httpd never starts a map again by itself; the rules that read the sentinels serve meanwhile',
            remedy: `look into the main ErrorLog for why it ended, then: ${httpd.reload}`,
            where: null,
          },
        ]
      : []),
  ]
}
