// Configuration + sentinels + now -> the table that lookups are answered from.
// A table is immutable and can be handed from thread to thread.
import { addressOf } from '../config/config.ts'
import type { Config, Member, Pool } from '../config/config.ts'
import type { AdminNote } from '../sentinels/content.ts'
import { noSentinels } from '../sentinels/snapshot.ts'
import type { BackendSentinels, Snapshot } from '../sentinels/snapshot.ts'
import { hashBytes } from './hash.ts'

/** What counts for a backend, by the precedence of contract 1. */
export const standings = [
  'maint',
  'drain',
  'force',
  'up',
  /** up with share 0 */
  'last-resort',
  /** not yet judged by a living monitor */
  'unknown',
  'down',
  /** no verdict "up" is there, but the monitor that should say so is gone */
  'presumed-down',
] as const
export type Standing = (typeof standings)[number]

/**
 * Whom newcomers get: a member of the lowest level there is. Level 0 takes its
 * share; 1 is the last resort; 2 to 4 are used only when verdicts cannot be
 * trusted or the pool tries all: believed down, weight 0, drained.
 */
export type Preference = 0 | 1 | 2 | 3 | 4

export type TableMember = {
  readonly name: string
  readonly address: string
  /** its place among the backends of the configuration, from 0 */
  readonly backend: number
  readonly standing: Standing
  readonly tier: number
  /** null = no newcomers */
  readonly preference: Preference | null
  /** above 0: its part among the members of the same level and tier */
  readonly weight: number
  /** percent of its configured weight that counts now; 0 without a verdict "up" */
  readonly share: number
  /** whoever is bound to it stays, whatever else there is (strict) */
  readonly keepsSession: boolean
  /** with stickiness relaxed: a bound visitor leaves it for a better one */
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
  /** verdicts are younger than staleAfter */
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
 * Whether the monitor is alive: monitor.json is not older than `staleAfterMs`,
 * nor further than that in the future (a clock that was set back).
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
export function isInForce(note: AdminNote | null, now: number): boolean {
  return note !== null && (note.until === null || note.until > now)
}

type Eligibility = {
  readonly standing: Standing
  readonly preference: Preference | null
  readonly share: number
  readonly keepsSession: boolean
  readonly isLastResort: boolean
  /** newcomers may get it even if it is not for them otherwise */
  readonly isOpen: boolean
}

function eligibilityOf(
  sentinels: BackendSentinels,
  now: number,
  isFresh: boolean,
  isJudged: boolean,
  whenAllDown: Pool['whenAllDown'],
): Eligibility {
  if (isInForce(sentinels.maint, now)) return maintPlace
  const verdict = verdictOf(sentinels.share, isFresh, isJudged)
  // contract 6: in try-all, and while verdicts are stale or unknown, everything
  // but maint is used
  const isOpen =
    whenAllDown === 'try-all' || !isFresh || verdict.standing === 'unknown'
  const isForced = isInForce(sentinels.force, now)
  const place: Eligibility = isForced
    ? {
        standing: 'force',
        preference: 0,
        share: 100,
        keepsSession: true,
        isLastResort: false,
        isOpen,
      }
    : { ...verdict, isOpen }
  if (isInForce(sentinels.drain, now))
    // a bound visitor stays as if it were not drained
    return { ...place, standing: 'drain', preference: isOpen ? 4 : null }
  return place.preference === null && isOpen
    ? { ...place, preference: 2 }
    : place
}

const maintPlace: Eligibility = {
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
    return { ...base, standing: 'up', preference: 0 }
  if (share === 0)
    return {
      ...base,
      standing: 'last-resort',
      preference: 1,
      isLastResort: true,
    }
  if (!isFresh)
    return {
      ...base,
      standing: 'presumed-down',
      preference: 2,
      keepsSession: false,
    }
  return isJudged
    ? { ...base, standing: 'down', preference: null, keepsSession: false }
    : { ...base, standing: 'unknown', preference: 1, isLastResort: true }
}

function tableMember(
  pool: Pool,
  member: Member,
  backend: { readonly index: number; readonly address: string },
  place: Eligibility,
): TableMember {
  const preference =
    member.weight > 0 ? place.preference : preferenceWithoutWeight(place)
  return {
    name: member.name,
    address: backend.address,
    backend: backend.index,
    standing: place.standing,
    tier: member.tier,
    preference,
    // a share says how much of its weight counts; beyond level 0 there is no
    // share, the configured weights alone divide the visitors
    weight:
      preference === 0
        ? (member.weight * place.share) / 100
        : Math.max(1, member.weight),
    share: place.share,
    keepsSession: place.keepsSession,
    isLastResort: place.isLastResort,
    seed: hashBytes(`${pool.name} ${member.name}`),
  }
}

/** Weight 0 is "only by route", but for a pool that has nobody else. */
function preferenceWithoutWeight(place: Eligibility): Preference | null {
  if (!place.isOpen) return null
  return place.standing === 'drain' ? 4 : 3
}
