// Which backend serves a lookup, and why. The map program, `explain` and the
// status report all decide here.
import { fraction, hashBytes } from './hash.ts'
import {
  preferences,
  type Preference,
  type TableMember,
  type TablePool,
} from './table.ts'

/** How the backend was found. */
type Way =
  /** the visitor's session is on it */
  | 'route'
  /** the only candidate: lowest tier of the best preference */
  | 'only'
  /** by the affinity key, among several */
  | 'affinity'
  /** by weighted round robin, among several */
  | 'turn'

export type Decision =
  | {
      readonly kind: 'backend'
      readonly member: TableMember
      readonly way: Way
      /** the memory after this decision; unchanged unless `way` is turn */
      readonly roundRobin: RoundRobin
    }
  | { readonly kind: 'nobody'; readonly roundRobin: RoundRobin }

/** Smooth weighted round robin's memory of one pool: each member's credit. */
export type RoundRobin = ReadonlyMap<string, number>
export const newRoundRobin: RoundRobin = new Map()

/**
 * @param route the backend of the visitor's session; null = none, and a name
 *   that is not a member counts as none
 * @param affinity a latin1 string; null = none
 * @param roundRobin what the previous decision for this pool returned
 */
export function choose(
  pool: TablePool,
  route: string | null,
  affinity: string | null,
  roundRobin: RoundRobin,
): Decision {
  return decide(pool, pool.members, route, affinity, roundRobin)
}

/**
 * The backend that would serve the same lookup if `gone` failed; never one in
 * drain or maint. Reads the round-robin memory without advancing it.
 */
export function chooseNext(
  pool: TablePool,
  gone: TableMember,
  route: string | null,
  affinity: string | null,
  roundRobin: RoundRobin,
): Decision {
  return decide(pool, standbysOf(pool, gone), route, affinity, roundRobin)
}

/** The candidates of `chooseNext`. */
export function standbysOf(pool: TablePool, gone: TableMember): TableMember[] {
  return pool.members.filter(
    member =>
      member.name !== gone.name &&
      member.standing !== 'drain' &&
      member.standing !== 'maint',
  )
}

function decide(
  pool: TablePool,
  members: readonly TableMember[],
  route: string | null,
  affinity: string | null,
  roundRobin: RoundRobin,
): Decision {
  const candidates = candidatesOf(members)
  const best = candidates[0]
  if (route !== null) {
    const sticky = members.find(member => member.name === route)
    if (sticky !== undefined && stays(pool, sticky, best))
      return { kind: 'backend', member: sticky, way: 'route', roundRobin }
  }
  if (best === undefined) return { kind: 'nobody', roundRobin }
  if (candidates.length === 1)
    return { kind: 'backend', member: best, way: 'only', roundRobin }
  if (affinity !== null)
    return {
      kind: 'backend',
      member: byAffinity(candidates, affinity),
      way: 'affinity',
      roundRobin,
    }
  return byTurn(best, candidates, roundRobin)
}

/** The members that share new visitors: best preference, then lowest tier. */
export function candidatesOf(members: readonly TableMember[]): TableMember[] {
  let group: TableMember[] = []
  let [best, tier]: [Preference, number] = [preferences.drained, Infinity]
  for (const member of members) {
    if (member.preference === null || member.preference > best) continue
    if (member.preference < best || member.tier < tier) {
      best = member.preference
      tier = member.tier
      group = [member]
    } else if (member.tier === tier) group.push(member)
  }
  return group
}

/**
 * Whether a visitor whose session is on `sticky` stays there although a new
 * visitor would get `best` (the pool's `stickiness` and `failback`).
 */
function stays(
  pool: TablePool,
  sticky: TableMember,
  best: TableMember | undefined,
): boolean {
  if (best === undefined) return sticky.keepsSession
  // nothing says that it is up, but the alternative is no better
  if (!sticky.keepsSession) return sticky.preference === best.preference
  const isBetter = best.preference === preferences.share
  if (pool.failback === 'all' && isBetter && best.tier < sticky.tier)
    return false
  return !(pool.stickiness === 'relaxed' && isBetter && sticky.isLastResort)
}

/**
 * Weighted rendezvous hashing: each member draws a number for this key and the
 * highest wins. A key moves only when its winner leaves or when a new member
 * draws higher. -weight/ln(u) makes the odds follow the weights.
 */
function byAffinity(
  candidates: readonly TableMember[],
  affinity: string,
): TableMember {
  const key = hashBytes(affinity)
  const score = ({ weight, seed }: TableMember): number =>
    -weight / Math.log(fraction(key, seed))
  return candidates.reduce((winner, member) =>
    score(member) > score(winner) ? member : winner,
  )
}

/**
 * Smooth weighted round robin: each member earns its weight; the one with the
 * most credit serves and pays the total. 5:1:1 gives aabacaa, not aaaaabc.
 */
function byTurn(
  first: TableMember,
  candidates: readonly TableMember[],
  roundRobin: RoundRobin,
): Decision {
  const credits = new Map<string, number>()
  let total = 0
  let winner = first
  let most = -Infinity
  for (const member of candidates) {
    const credit = (roundRobin.get(member.name) ?? 0) + member.weight
    credits.set(member.name, credit)
    total += member.weight
    if (credit > most) {
      most = credit
      winner = member
    }
  }
  credits.set(winner.name, most - total)
  return { kind: 'backend', member: winner, way: 'turn', roundRobin: credits }
}
