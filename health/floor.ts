// Who is not taken out although the monitor judges so, for a pool would have too
// few left (`minAlive`). Only those that may still serve: cut off from the
// database (they have pages in their caches), or silent without being frozen.
// Who is dead, frozen, or answers wrongly is of no use to a visitor. Pure.
import type { Pool } from '../config/config.ts'
import type { State } from '../sentinels/reports.ts'

export type BackendShare = {
  readonly state: State
  /** the code of its last probe's outcome */
  readonly outcome: string
  /** its last light probe passed, though perhaps not often enough yet */
  readonly isAnswering: boolean
}

/** The members of pools none of whose backends is in: each moment counts there. */
export function strandedOf(
  pools: readonly Pool[],
  judged: ReadonlyMap<string, BackendShare>,
): Set<string> {
  const names = pools.map(({ members }) => members.map(({ name }) => name))
  return new Set(
    names.filter(pool => !pool.some(name => isIn(judged.get(name)))).flat(),
  )
}

/** The backends that stay in as last resorts. */
export function floorOf(
  pools: readonly Pool[],
  judged: ReadonlyMap<string, BackendShare>,
): Set<string> {
  // better than the maintenance page, whatever `rise` and damping still wait for
  const kept = new Set(
    [...strandedOf(pools, judged)].filter(name => isBack(judged.get(name))),
  )
  for (const { members, minAlive } of pools) {
    const names = members.map(({ name }) => name)
    const missing =
      minAlive - names.filter(name => isIn(judged.get(name))).length
    if (missing <= 0) continue
    const usable = names.filter(name => isUsable(judged.get(name)))
    const cutOff = usable.filter(name => judged.get(name)?.state === 'cut-off')
    // with everybody cut off the database itself is gone, and the caches of all
    // are what the pool has
    const isCommon = missing === minAlive
    const wanted = isCommon ? Math.max(missing, cutOff.length) : missing
    const first = [...new Set([...cutOff, ...usable])].slice(0, wanted)
    for (const name of first) kept.add(name)
  }
  return kept
}

function isIn(judged: BackendShare | undefined): boolean {
  return (
    judged !== undefined &&
    !['frozen', 'cut-off', 'down'].includes(judged.state)
  )
}

function isBack(judged: BackendShare | undefined): boolean {
  return (
    (judged?.state === 'down' || judged?.state === 'frozen') &&
    judged.isAnswering
  )
}

function isUsable(judged: BackendShare | undefined): boolean {
  return (
    judged?.state === 'cut-off' ||
    (judged?.state === 'down' &&
      ['stuck', 'first-byte-timeout', 'timeout', 'command-timeout'].includes(
        judged.outcome,
      ))
  )
}
