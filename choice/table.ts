// Configuration + sentinels + now -> the table that answers lookups. A table is
// immutable and can be passed from thread to thread.
import {
  addressOf,
  type Config,
  type Member,
  type Pool,
} from '../config/config.ts'
import type { AdminNote } from '../sentinels/content.ts'
import {
  noSentinels,
  type BackendSentinels,
  type Snapshot,
} from '../sentinels/snapshot.ts'
import { hashBytes } from './hash.ts'

/**
 * What counts for a backend, by precedence: an administrator's file before the
 * monitor's verdict.
 */
export const standings = [
  'maint',
  'drain',
  'force',
  'up',
  /** up with share 0 */
  'last-resort',
  /** not yet judged by a live monitor */
  'unknown',
  'down',
  /** no verdict "up", but the monitor that would write one is gone */
  'presumed-down',
] as const
export type Standing = (typeof standings)[number]

/**
 * New visitors get a member with the lowest preference present in the pool. The
 * last three are used only when verdicts cannot be trusted or the pool has
 * `whenAllDown: try-all`.
 */
export const preferences = {
  /** takes its share of new visitors */
  share: 0,
  lastResort: 1,
  believedDown: 2,
  weightZero: 3,
  drained: 4,
} as const
export type Preference = (typeof preferences)[keyof typeof preferences]

export type TableMember = {
  readonly name: string
  readonly address: string
  /** its index among the backends of the configuration */
  readonly backend: number
  readonly standing: Standing
  readonly tier: number
  /** null = no new visitors */
  readonly preference: Preference | null
  /** above 0: its part among the members of the same preference and tier */
  readonly weight: number
  /** percent of its configured weight in effect; 0 without a verdict "up" */
  readonly share: number
  /** its sticky visitors stay, whatever else is available (strict) */
  readonly keepsSession: boolean
  /**
   * with stickiness relaxed: a sticky visitor leaves it for a better backend
   */
  readonly isLastResort: boolean
  /** for rendezvous hashing */
  readonly seed: number
}

export type TablePool = {
  readonly name: string
  readonly stickiness: Pool['stickiness']
  readonly failback: Pool['failback']
  /** in the order of the configuration */
  readonly members: readonly TableMember[]
}

export type Table = {
  readonly pools: ReadonlyMap<string, TablePool>
  /** verdicts are not older than staleAfter */
  readonly isFresh: boolean
}

/**
 * @param now ms since 1970, the clock of the files
 */
export function buildTable(
  config: Config,
  snapshot: Snapshot,
  now: number,
): Table {
  const isFresh = isFreshAt(snapshot, config.staleAfterMs, now)
  const backends = new Map(
    config.backends.map((backend, index) => [
      backend.name,
      { index, address: addressOf(backend) },
    ]),
  )
  const pools = config.pools.map((pool): [string, TablePool] => [
    pool.name,
    {
      name: pool.name,
      stickiness: pool.stickiness,
      failback: pool.failback,
      members: pool.members.flatMap(member => {
        const backend = backends.get(member.name)
        if (backend === undefined) return []
        const sentinels = snapshot.backends.get(member.name) ?? noSentinels
        const isJudged = snapshot.monitor?.judged.has(member.name) === true
        return tableMember(
          pool,
          member,
          backend,
          eligibilityOf(sentinels, now, isFresh, isJudged, pool.whenAllDown),
        )
      }),
    },
  ])
  return { pools: new Map(pools), isFresh }
}

/**
 * Whether the monitor is alive: monitor.json is at most `staleAfterMs` old, and
 * at most that far in the future (the clock was set back).
 */
export function isFreshAt(
  snapshot: Snapshot,
  staleAfterMs: number,
  now: number,
): boolean {
  return (
    snapshot.monitor !== null &&
    Math.abs(now - snapshot.monitor.writtenMs) <= staleAfterMs
  )
}

/** An administrator's file counts until its `until` has passed. */
export function isInEffect(annotation: AdminNote | null, now: number): boolean {
  return (
    annotation !== null && (annotation.until === null || annotation.until > now)
  )
}

type Eligibility = {
  readonly standing: Standing
  readonly preference: Preference | null
  readonly share: number
  readonly keepsSession: boolean
  readonly isLastResort: boolean
  /** new visitors may get it even if its state alone would exclude it */
  readonly isOpen: boolean
}

function eligibilityOf(
  sentinels: BackendSentinels,
  now: number,
  isFresh: boolean,
  isJudged: boolean,
  whenAllDown: Pool['whenAllDown'],
): Eligibility {
  if (isInEffect(sentinels.maint, now)) return inMaintenance
  const verdict = verdictOf(sentinels.share, isFresh, isJudged)
  // with try-all, and while verdicts are stale or unknown, everything but maint
  // may be used: fail open
  const isOpen =
    whenAllDown === 'try-all' || !isFresh || verdict.standing === 'unknown'
  const isForced = isInEffect(sentinels.force, now)
  const eligibility: Eligibility = isForced
    ? {
        standing: 'force',
        preference: preferences.share,
        share: 100,
        keepsSession: true,
        isLastResort: false,
        isOpen,
      }
    : { ...verdict, isOpen }
  if (isInEffect(sentinels.drain, now))
    // sticky visitors stay as if it were not drained
    return {
      ...eligibility,
      standing: 'drain',
      preference: isOpen ? preferences.drained : null,
    }
  return eligibility.preference === null && isOpen
    ? { ...eligibility, preference: preferences.believedDown }
    : eligibility
}

const inMaintenance: Eligibility = {
  standing: 'maint',
  preference: null,
  share: 0,
  keepsSession: false,
  isLastResort: false,
  isOpen: false,
}

function verdictOf(
  share: number | null,
  isFresh: boolean,
  isJudged: boolean,
): Omit<Eligibility, 'isOpen'> {
  const base = { share: share ?? 0, keepsSession: true, isLastResort: false }
  if (share !== null && share > 0)
    return { ...base, standing: 'up', preference: preferences.share }
  if (share === 0)
    return {
      ...base,
      standing: 'last-resort',
      preference: preferences.lastResort,
      isLastResort: true,
    }
  if (!isFresh)
    return {
      ...base,
      standing: 'presumed-down',
      preference: preferences.believedDown,
      keepsSession: false,
    }
  return isJudged
    ? { ...base, standing: 'down', preference: null, keepsSession: false }
    : {
        ...base,
        standing: 'unknown',
        preference: preferences.lastResort,
        isLastResort: true,
      }
}

function tableMember(
  pool: Pool,
  member: Member,
  backend: { readonly index: number; readonly address: string },
  eligibility: Eligibility,
): TableMember {
  const preference =
    member.weight > 0
      ? eligibility.preference
      : preferenceWithoutWeight(eligibility)
  return {
    name: member.name,
    address: backend.address,
    backend: backend.index,
    standing: eligibility.standing,
    tier: member.tier,
    preference,
    // a share scales the weight; for the other preferences the configured
    // weights alone divide the visitors
    weight:
      preference === preferences.share
        ? (member.weight * eligibility.share) / 100
        : Math.max(1, member.weight),
    share: eligibility.share,
    keepsSession: eligibility.keepsSession,
    isLastResort: eligibility.isLastResort,
    seed: hashBytes(`${pool.name} ${member.name}`),
  }
}

/** Weight 0 means "sticky visitors only", unless the pool has nothing else. */
function preferenceWithoutWeight(eligibility: Eligibility): Preference | null {
  if (!eligibility.isOpen) return null
  return eligibility.standing === 'drain'
    ? preferences.drained
    : preferences.weightZero
}
