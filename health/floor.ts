// Which backends stay in despite their verdict, because a pool would have too few
// left (`minAlive`). Only those that may still serve: cut off from the database
// (their caches hold pages), or silent without being frozen. A backend that is
// dead, frozen, or answers wrongly is no use to a visitor. Pure.
import type { Pool } from '../config/config.ts'
import type { State } from '../sentinels/reports.ts'

export type BackendShare = {
  readonly state: State
  /** the code of its last probe's outcome */
  readonly outcome: string
  /** its last light probe passed, though perhaps not often enough yet */
  readonly isAnswering: boolean
}

/** The members of pools with no backend in: every moment counts there. */
export function strandedOf(
  pools: readonly Pool[],
  shares: ReadonlyMap<string, BackendShare>,
): Set<string> {
  const names = pools.map(({ members }) => members.map(({ name }) => name))
  return new Set(
    names.filter(pool => !pool.some(name => isIn(shares.get(name)))).flat(),
  )
}

/** The backends that stay in as last resorts. */
export function floorOf(
  pools: readonly Pool[],
  shares: ReadonlyMap<string, BackendShare>,
): Set<string> {
  // better than the maintenance page, even before `rise` and damping are satisfied
  const kept = new Set(
    [...strandedOf(pools, shares)].filter(name => isBack(shares.get(name))),
  )
  for (const { members, minAlive } of pools) {
    const names = members.map(({ name }) => name)
    const missing =
      minAlive - names.filter(name => isIn(shares.get(name))).length
    if (missing <= 0) continue
    const usable = names.filter(name => isUsable(shares.get(name)))
    const cutOff = usable.filter(name => shares.get(name)?.state === 'cut-off')
    // if all are cut off, the database itself is gone and the pool has only the
    // caches of its members
    const isCommon = missing === minAlive
    const wanted = isCommon ? Math.max(missing, cutOff.length) : missing
    const first = [...new Set([...cutOff, ...usable])].slice(0, wanted)
    for (const name of first) kept.add(name)
  }
  return kept
}

function isIn(shares: BackendShare | undefined): boolean {
  return (
    shares !== undefined &&
    !['frozen', 'cut-off', 'down'].includes(shares.state)
  )
}

function isBack(shares: BackendShare | undefined): boolean {
  return (
    (shares?.state === 'down' || shares?.state === 'frozen') &&
    shares.isAnswering
  )
}

function isUsable(shares: BackendShare | undefined): boolean {
  return (
    shares?.state === 'cut-off' ||
    (shares?.state === 'down' &&
      ['stuck', 'first-byte-timeout', 'timeout', 'command-timeout'].includes(
        shares.outcome,
      ))
  )
}
