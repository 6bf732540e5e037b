// What an operator wants to know first: is the site served, what is wrong, since
// when, and what to do about it? Pure.
import type {
  BackendStatus,
  PoolStatus,
  StatusReport,
} from '../status/report.ts'
import {
  reportNotices,
  reportProblems,
  rowsOf,
  seenKind,
  staleVerdicts,
} from '../status/print.ts'
import { clusterList } from '../status/cluster.ts'
import { toneOf, type Tone } from './events.ts'

/** One thing that is wrong. */
export type Concern = {
  readonly tone: Tone
  /** backends with the same problem, or one pool or program; [] = see `reason` */
  readonly subjects: readonly string[]
  readonly state: string
  /** RFC 3339: when it began, for the one that has had it longest */
  readonly since: string | null
  readonly reason: string
  /** what to do; commands are in backquotes */
  readonly remedy: string
}

/** The state of the whole site in one line. */
type Verdict = { readonly tone: Tone; readonly text: string }

/** Names listed in a sentence; the rest is counted. */
const mostNamed = 3

/**
 * Whether new visitors get a page.
 *
 * @param concerns of the same report
 */
export function verdictOf(
  report: StatusReport,
  concerns: readonly Concern[],
): Verdict {
  const { pools, front } = report
  const without = pools.filter(({ newcomers }) => newcomers.length === 0)
  if (without.length > 0)
    return { tone: 'bad', text: unservedText(pools, without) }
  if (front?.state === 'silent')
    return { tone: 'bad', text: 'This machine does not answer visitors' }
  const served = servedText(pools)
  // a recommendation is not a problem
  const wrong = concerns.filter(({ tone }) => tone !== 'note').length
  if (wrong === 0) return { tone: 'good', text: served }
  const ill = report.backends.filter(isUnhealthy).length
  const more =
    ill === 0
      ? counted(wrong, 'problem')
      : `${ill} of ${counted(report.backends.length, 'backend')} unhealthy`
  return { tone: 'warn', text: `${served}; ${more}` }
}

function unservedText(
  pools: readonly PoolStatus[],
  without: readonly PoolStatus[],
): string {
  if (pools.length === 1) return 'Not served: no backend can serve'
  if (without.length === pools.length) return 'No pool is served'
  const names = without.map(({ name }) => name)
  return names.length > mostNamed
    ? `${names.length} of ${pools.length} pools are not served`
    : `Not served: ${names.length === 1 ? 'pool' : 'pools'} ${names.join(', ')}`
}

function servedText(pools: readonly PoolStatus[]): string {
  const [only] = pools
  if (only === undefined || pools.length > 1)
    return pools.length === 2
      ? 'Both pools are served'
      : `All ${pools.length} pools are served`
  const names = only.newcomers
  return names.length > mostNamed
    ? `Served by ${names.length} backends`
    : `Served by ${names.join(', ')}`
}

/** What is wrong, the most important first. */
export function concernsOf(report: StatusReport): readonly Concern[] {
  return [
    ...poolConcerns(report),
    ...programConcerns(report),
    ...Object.entries(report.zeo ?? {}).flatMap(([pool, zeo]) =>
      zeo.state === 'gone'
        ? [
            {
              tone: 'bad' as const,
              subjects: [`ZEO of pool ${pool}`],
              ...zeo,
              remedy: 'start the ZEO server; Zope reconnects by itself',
            },
          ]
        : [],
    ),
    ...backendConcerns(report),
    ...(report.cluster === undefined ? [] : clusterList(report.cluster))
      .filter(({ tone }) => tone !== 'good')
      .map(({ tone, text }) => ({ ...plain(text), tone })),
    ...reportNotices(report).map(reason => ({
      ...plain(reason),
      remedy: 'the log has a line `notice not delivered` with the cause',
    })),
    ...reportProblems({ ...report, limits: [] }).map(reason => plain(reason)),
    ...(report.limits ?? []).map(({ severity, what, why, remedy }) => ({
      ...plain(`${what}: ${why}`),
      tone: severity === 'info' ? ('note' as const) : ('warn' as const),
      remedy,
    })),
  ]
}

function plain(reason: string): Concern {
  return {
    tone: 'warn',
    subjects: [],
    state: '',
    since: null,
    reason,
    remedy: '',
  }
}

const lastResorts: ReadonlySet<string> = new Set([
  'last-resort',
  'unknown',
  'presumed-down',
])

function poolConcerns({
  pools,
  backends,
  verdictsCount,
}: StatusReport): Concern[] {
  const without = pools.filter(({ newcomers }) => newcomers.length === 0)
  const served = pools.filter(pool => !without.includes(pool))
  return [
    ...poolConcern(without, {
      tone: 'bad',
      state: 'not served',
      since: lastChange(backends, without),
      reason: 'NO BACKEND can serve: visitors get the 503 page',
    }),
    // with stale verdicts every member is a last resort
    ...poolConcern(verdictsCount ? served.filter(isOnLastResort) : [], {
      tone: 'warn',
      state: 'on a last resort',
      since: null,
      reason: 'no backend is up; those that may still answer get the visitors',
    }),
  ]
}

function poolConcern(
  pools: readonly PoolStatus[],
  more: Pick<Concern, 'tone' | 'state' | 'since' | 'reason'>,
): Concern[] {
  const [first] = pools
  if (first === undefined) return []
  return [
    {
      ...more,
      subjects: pools.map(({ name }) => `pool ${name}`),
      remedy: `\`zope-failover explain ${first.name}\` shows why each backend is out; this ends when one is back`,
    },
  ]
}

function isOnLastResort({ newcomers, members }: PoolStatus): boolean {
  return members
    .filter(({ name }) => newcomers.includes(name))
    .every(({ standing }) => lastResorts.has(standing))
}

/** When the last of them left; null = unknown, as for a file set by hand. */
function lastChange(
  backends: readonly BackendStatus[],
  pools: readonly PoolStatus[],
): string | null {
  const names = new Set(
    pools.flatMap(({ members }) => members.map(({ name }) => name)),
  )
  const own = backends.filter(({ name }) => names.has(name))
  if (own.some(({ admin }) => admin.length > 0)) return null
  return (
    own
      .map(({ since }) => since ?? '')
      .sort()
      .at(-1) ?? null
  )
}

const restartMonitor = '`systemctl status zope-failover-monitor`'
const restartMap = '`apachectl graceful` starts a new one'

function programConcerns(report: StatusReport): Concern[] {
  const { monitor, maps, readers = [], mapSeen, verdictsCount } = report
  const program = { tone: 'bad' as const, since: null }
  const isAnswered = [...maps, ...readers].some(({ kind }) => kind === 'alive')
  return [
    ...(monitor.kind === 'alive'
      ? []
      : [
          {
            ...program,
            subjects: ['monitor'],
            state: monitor.kind,
            reason: verdictsCount
              ? 'no new verdicts; the last ones stay in effect'
              : staleVerdicts,
            remedy: restartMonitor,
          },
        ]),
    ...(monitor.kind === 'alive' && !verdictsCount
      ? [{ ...plain(staleVerdicts), remedy: restartMonitor }]
      : []),
    ...maps
      .filter(
        ({ kind }) => kind !== 'alive' && !(kind === 'dead' && isAnswered),
      )
      .map(({ kind }) => ({
        ...program,
        subjects: ['map program'],
        state: kind,
        reason:
          kind === 'dead'
            ? 'httpd reads the text map and the sentinel files itself'
            : 'it is running but writes no report',
        remedy: restartMap,
      })),
    ...(maps.length === 0 && readers.length === 0
      ? [
          {
            ...plain('no program has asked for a backend yet'),
            subjects: ['map program'],
            state: 'never seen',
            remedy:
              '`zope-failover check` shows whether httpd uses the generated rules',
          },
        ]
      : []),
    ...(mapSeen !== undefined && seenKind(mapSeen.state) === 'dead'
      ? [
          {
            ...program,
            subjects: ['map program, seen through httpd'],
            state: mapSeen.state,
            since: mapSeen.since,
            reason: mapSeen.reason,
            remedy: '`zope-failover check`, then `apachectl graceful`',
          },
        ]
      : []),
  ]
}

/** By state; the backend's name replaces NAME. */
const remedies = new Map([
  [
    'down',
    '`zope-failover probe NAME` shows how it answers; start it if it is not running',
  ],
  [
    'frozen',
    'it executes no code: stopped, swapping, or blocked by an extension; restart it if this lasts',
  ],
  [
    'busy',
    'every worker is in a request: find the slow page, or give it more threads',
  ],
  [
    'slow',
    'the probed page is late: check the load of its machine; `probe.path` should be a light page',
  ],
  ['cut-off', 'its database is gone or it lags behind: check ZEO'],
  [
    'silent',
    'httpd or its map program does not answer: `systemctl status apache2`, `zope-failover check`',
  ],
  ['nobody', 'httpd answers, but no backend can serve'],
  ['last-resort', 'only last resorts are left: bring back a backend'],
])

/** Has a problem, and not because an operator wants it that way. */
function isUnhealthy({ state, admin }: BackendStatus): boolean {
  return (
    remedies.has(state) &&
    !admin.some(({ kind }) => kind === 'maint' || kind === 'drain')
  )
}

/** Those in the same state for the same reason are one concern. */
function backendConcerns(report: StatusReport): Concern[] {
  const groups = new Map<string, [BackendStatus, ...BackendStatus[]]>()
  for (const backend of rowsOf(report).filter(isUnhealthy)) {
    const key = JSON.stringify([backend.state, backend.reason])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [backend])
    else group.push(backend)
  }
  return [...groups.values()]
    .map(group => {
      const [{ name, state, reason }] = group
      return {
        tone: toneOf(state),
        subjects: group.map(one => one.name),
        state,
        since:
          group
            .flatMap(({ since }) => (since === null ? [] : [since]))
            .sort()
            .at(0) ?? null,
        reason: reason ?? '',
        remedy: String(remedies.get(state)).replaceAll('NAME', name),
      }
    })
    .sort((one, other) => badness(one) - badness(other))
}

function badness({ tone }: Concern): number {
  return tone === 'bad' ? 0 : 1
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
