// Decides whether a backend may leave, whether httpd has noticed, whether it is idle,
// whether it is back. Pure: based on what the directory and httpd report.
import { formatDuration } from '../text/duration.ts'
import type { Config } from '../config/config.ts'
import type { StatusReport } from '../status/report.ts'
import type { BackendReport } from '../sentinels/reports.ts'

/** Whether the site can do without a backend; if not, why. */
type Leave =
  | { readonly kind: 'yes' }
  /** the others exist but are not at their best: a temporary problem */
  | { readonly kind: 'wait'; readonly why: string }
  | { readonly kind: 'no'; readonly why: string }

/**
 * Each of its pools needs at least one other member that is up, and at least
 * `minAlive` of them. A last resort or an unjudged one may still become up. A backend
 * that is down can always leave.
 */
export function mayLeave(
  config: Config,
  status: StatusReport,
  name: string,
): Leave {
  if (status.monitor.kind !== 'alive' || !status.verdictsCount)
    return {
      kind: 'no',
      why: 'the monitor is not running, so the state of the others is unknown; start it (zope-failover monitor)',
    }
  const own = status.backends.find(backend => backend.name === name)
  const isForced = own?.admin.some(({ kind }) => kind === 'force') === true
  if (own?.share === null && !isForced) return { kind: 'yes' }
  const answers = status.pools.map((pool): Leave => {
    if (!pool.members.some(member => member.name === name))
      return { kind: 'yes' }
    const minAlive =
      config.pools.find(one => one.name === pool.name)?.minAlive ?? 0
    const need = Math.max(1, minAlive)
    // weight 0 gets no new visitors
    const others = pool.members.filter(
      member => member.name !== name && member.weight > 0,
    )
    const count = (...standings: string[]): number =>
      others.filter(({ standing }) => standings.includes(standing)).length
    const up = count('up', 'force')
    if (up >= need) return { kind: 'yes' }
    const there = others.map(other => `${other.name} is ${other.standing}`)
    const why = `pool ${pool.name} needs ${need} other${need === 1 ? '' : 's'} up (minAlive ${minAlive}), got ${up}${there.length === 0 ? ': it has no other member' : `: ${there.join(', ')}`}`
    return up + count('last-resort', 'unknown') >= need
      ? { kind: 'wait', why }
      : { kind: 'no', why }
  })
  return (
    answers.find(({ kind }) => kind === 'no') ??
    answers.find(({ kind }) => kind === 'wait') ?? { kind: 'yes' }
  )
}

/** A map program reads the whole directory, then writes its report, once a second. */
const reportIntervalMs = 1_000
/** Reading the directory before a report takes less than this. */
const readingMs = 250

/**
 * Whether all map programs have seen a change made at `changedMs`. If none reports
 * (it may not write there, or httpd has none), one interval must have passed.
 *
 * @param changedMs since 1970, as `nowMs`
 */
export function isTakenOver(
  status: StatusReport,
  changedMs: number,
  nowMs: number,
): boolean {
  // a silent one may still answer, from an old table
  const maps = status.maps.flatMap(map =>
    map.kind === 'alive' || map.kind === 'silent' ? [map] : [],
  )
  if (maps.length === 0)
    return nowMs - changedMs >= reportIntervalMs + readingMs
  return maps.every(({ ageMs }) => nowMs - ageMs >= changedMs + readingMs)
}

/** Refuses to restart a backend that an operator has put into maintenance. */
export function maintBy(
  status: StatusReport,
  name: string,
): string | undefined {
  const backend = status.backends.find(one => one.name === name)
  const maint = backend?.admin.find(({ kind }) => kind === 'maint')
  if (maint === undefined) return undefined
  const { by, reason } = maint
  return `${name} is already in maint${by === null ? '' : ` by ${by}`}${reason === null ? '' : `: ${reason}`}; to end that, type: zope-failover ready ${name}`
}

/**
 * This many checks in a row must find nothing: a request is counted only a moment
 * after its backend was chosen.
 */
const looks = 3

/** @param counts requests in flight, newest last */
export function isIdle(counts: readonly number[]): boolean {
  return (
    counts.length >= looks && counts.slice(-looks).every(count => count === 0)
  )
}

/** Whether a backend answers after a restart; if not, why. */
type Back =
  { readonly kind: 'back' } | { readonly kind: 'not-yet'; readonly why: string }

/**
 * @param sinceMs since 1970: only a probe that began later counts
 * @param isWhole require its full share, not the growing one of slow start
 */
export function isBack(
  report: BackendReport | undefined,
  sinceMs: number,
  isWhole: boolean,
): Back {
  if (report === undefined)
    return { kind: 'not-yet', why: 'the monitor does not report it' }
  const { state, reason, probes } = report
  // wait for the monitor's own warm-up: two at once can hang Python 3.11
  const isWell =
    report.cold !== true &&
    (state === 'up' || (state === 'warming' && !isWhole))
  const isNew = probes.some(
    ({ at, outcome }) => outcome === 'pass' && Date.parse(at) >= sinceMs,
  )
  if (isWell && isNew) return { kind: 'back' }
  return {
    kind: 'not-yet',
    why: isWell ? 'no probe has passed since' : `${state}: ${reason}`,
  }
}

/** `3 requests in flight` */
export function inFlightText(count: number): string {
  return count === 1 ? '1 request in flight' : `${count} requests in flight`
}

/**
 * Why it was not idle in time.
 *
 * @param isKnown whether httpd's map programs know that it is out of service
 */
export function notIdleText(
  count: number,
  isKnown: boolean,
  limitMs: number,
): string {
  const limit = formatDuration(limitMs)
  if (count > 0) return `${inFlightText(count)} after ${limit}`
  return isKnown
    ? `it was not idle for long enough within ${limit}`
    : `httpd's map program did not see that within ${limit}`
}
