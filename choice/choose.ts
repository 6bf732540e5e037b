// The heart: which backend serves a lookup, and why. Used by the map, by
// `explain` and by the tests alike.
import { fraction, hashBytes } from './hash.ts'
import type { Preference, TableMember, TablePool } from './table.ts'

/** How the backend was found. */
export type Way =
  /** the visitor is bound to it */
  | 'route'
  /** nobody else in the lowest tier of the best level */
  | 'only'
  /** by the affinity key, among several */
  | 'affinity'
  /** by turns, among several */
  | 'turn'

export type Decision =
  | {
      readonly kind: 'backend'
      readonly member: TableMember
      readonly way: Way
      /** the turns after this one; unchanged unless `way` is turn */
      readonly roundRobin: RoundRobin
    }
  | { readonly kind: 'nobody'; readonly roundRobin: RoundRobin }

/** Smooth weighted round robin's memory of one pool: what each is owed. */
export type RoundRobin = ReadonlyMap<string, number>
export const newRoundRobin: RoundRobin = new Map()

/**
 * @param route the backend the visitor is bound to; null = none, and a name
 *   that is no member counts as none
 * @param affinity a latin1 string; null = none
 * @param turns what the former decision for this pool returned
 */
export function choose(
  pool: TablePool,
  route: string | null,
  affinity: string | null,
  turns: RoundRobin,
): Decision {
  return decide(pool, pool.members, route, affinity, turns)
}

/**
 * Who would serve the same lookup if `gone` were gone; never a backend in drain
 * or maint. The turns are looked at, not taken.
 */
export function chooseNext(
  pool: TablePool,
  gone: TableMember,
  route: string | null,
  affinity: string | null,
  turns: RoundRobin,
): Decision {
  return decide(pool, standbysOf(pool, gone), route, affinity, turns)
}

/** Whom `chooseNext` chooses from. */
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
  turns: RoundRobin,
): Decision {
  const candidates = candidatesOf(members)
  const best = candidates[0]
  if (route !== null) {
    const bound = members.find(member => member.name === route)
    if (bound !== undefined && stays(pool, bound, best))
      return { kind: 'backend', member: bound, way: 'route', roundRobin: turns }
  }
  if (best === undefined) return { kind: 'nobody', roundRobin: turns }
  if (candidates.length === 1)
    return { kind: 'backend', member: best, way: 'only', roundRobin: turns }
  if (affinity !== null)
    return {
      kind: 'backend',
      member: byAffinity(candidates, affinity),
      way: 'affinity',
      roundRobin: turns,
    }
  return byTurn(best, candidates, turns)
}

/** The members that share newcomers now: best level, then lowest tier. */
export function candidatesOf(members: readonly TableMember[]): TableMember[] {
  let group: TableMember[] = []
  let [level, tier]: [Preference, number] = [4, Infinity]
  for (const member of members) {
    if (member.preference === null || member.preference > level) continue
    if (member.preference < level || member.tier < tier) {
      level = member.preference
      tier = member.tier
      group = [member]
    } else if (member.tier === tier) group.push(member)
  }
  return group
}

/**
 * Whether a visitor bound to `bound` stays although newcomers would get `best`
 * (contract 3 and 6).
 */
function stays(
  pool: TablePool,
  bound: TableMember,
  best: TableMember | undefined,
): boolean {
  if (best === undefined) return bound.keepsSession
  // no verdict keeps him, but he would get no better one
  if (!bound.keepsSession) return bound.preference === best.preference
  const isBetter = best.preference === 0
  if (pool.failback === 'all' && isBetter && best.tier < bound.tier)
    return false
  return !(pool.stickiness === 'relaxed' && isBetter && bound.isLastResort)
}

/**
 * Weighted rendezvous hashing: each member draws a number for this key, the
 * highest wins, so that a key moves only when its winner goes, or a newly come
 * member draws higher. -weight/ln(u) makes the odds follow the weights.
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
 * Smooth weighted round robin: everybody is owed his weight, who is owed most
 * serves and pays the sum, so that 5:1:1 gives aabacaa and not aaaaabc.
 */
function byTurn(
  first: TableMember,
  candidates: readonly TableMember[],
  turns: RoundRobin,
): Decision {
  const owed = new Map<string, number>()
  let total = 0
  let winner = first
  let most = -Infinity
  for (const member of candidates) {
    const mine = (turns.get(member.name) ?? 0) + member.weight
    owed.set(member.name, mine)
    total += member.weight
    if (mine > most) {
      most = mine
      winner = member
    }
  }
  owed.set(winner.name, most - total)
  return { kind: 'backend', member: winner, way: 'turn', roundRobin: owed }
}
