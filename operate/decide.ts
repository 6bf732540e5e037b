// When one backend may leave, whether httpd has taken that over, whether it is
// idle, whether it is back. Pure: of what the directory and httpd say.
import { formatDuration } from '../text/duration.ts'
import type { Config } from '../config/config.ts'
import type { StatusReport } from '../status/report.ts'
import type { BackendReport } from '../sentinels/reports.ts'

/** Whether the site can do without one backend, and if not, why. */
export type Leave =
  | { readonly kind: 'yes' }
  /** the others are there, but not at their best: that passes */
  | { readonly kind: 'wait'; readonly why: string }
  | { readonly kind: 'no'; readonly why: string }

/**
 * Of each of its pools at least one other member must be up, and `minAlive` of
 * them; a last resort or one that is not judged yet may become so. Nobody misses
 * a backend that is down.
 */
export function mayLeave(
  config: Config,
  status: StatusReport,
  name: string,
): Leave {
  if (status.monitor.kind !== 'alive' || !status.verdictsCount)
    return {
      kind: 'no',
      why: 'the monitor is not running, so nobody knows whether the others are up; start it (zope-failover monitor)',
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
    // weight 0 serves nobody new
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

/** A map reads the whole directory, then writes its report, once a second. */
const beatMs = 1_000
/** The reading before a report takes less. */
const readingMs = 250

/**
 * Whether the maps know of a file that was changed at `changedMs`. Where none
 * reports (it may not write there, or httpd has none), a beat's time is over.
 *
 * @param changedMs since 1970, as `nowMs`
 */
export function isTakenOver(
  status: StatusReport,
  changedMs: number,
  nowMs: number,
): boolean {
  // a silent one may still answer, by an old table
  const maps = status.maps.flatMap(map =>
    map.kind === 'alive' || map.kind === 'silent' ? [map] : [],
  )
  if (maps.length === 0) return nowMs - changedMs >= beatMs + readingMs
  return maps.every(({ ageMs }) => nowMs - ageMs >= changedMs + readingMs)
}

/** Why a restart must not begin: what a person has set is his to take away. */
export function maintBy(
  status: StatusReport,
  name: string,
): string | undefined {
  const backend = status.backends.find(one => one.name === name)
  const maint = backend?.admin.find(({ kind }) => kind === 'maint')
  if (maint === undefined) return undefined
  const { by, reason } = maint
  return `${name} must not be in maint before a restart, got maint${by === null ? '' : ` by ${by}`}${reason === null ? '' : `: ${reason}`}; when that is over, type: zope-failover ready ${name}`
}

/**
 * So many looks in a row must find nothing: a request whose backend is chosen is
 * counted a moment later.
 */
const looks = 3

/** @param counts of requests inside it, newest last */
export function isIdle(counts: readonly number[]): boolean {
  return (
    counts.length >= looks && counts.slice(-looks).every(count => count === 0)
  )
}

/** Whether a backend answers after a restart; why not, for a person. */
export type Back =
  { readonly kind: 'back' } | { readonly kind: 'not-yet'; readonly why: string }

/**
 * @param sinceMs since 1970: only a probe that began later counts
 * @param isWhole its whole share again, not the growing one of slow start
 */
export function isBack(
  report: BackendReport | undefined,
  sinceMs: number,
  isWhole: boolean,
): Back {
  if (report === undefined)
    return { kind: 'not-yet', why: 'the monitor does not know it' }
  const { state, reason, probes } = report
  // the monitor's own warm-up comes first: two at once can hang a Python 3.11
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

/** `3 requests are inside it` */
export function inFlightText(count: number): string {
  return count === 1
    ? '1 request is inside it'
    : `${count} requests are inside it`
}

/**
 * Why one was not idle in time.
 *
 * @param isKnown to httpd's maps, that it is out of service
 */
export function notIdleText(
  count: number,
  isKnown: boolean,
  limitMs: number,
): string {
  const limit = formatDuration(limitMs)
  if (count > 0) return `${inFlightText(count)} after ${limit}`
  return isKnown
    ? `it was not idle long enough within ${limit}`
    : `httpd's map did not take that over within ${limit}`
}
