// What an administrator's order has changed.
import type { Config } from '../config/config.ts'
import { printable } from '../config/printable.ts'
import { newcomersOf } from '../choice/choose.ts'
import { buildTable, isInForce } from '../choice/table.ts'
import { adminKinds } from '../sentinels/names.ts'
import { readSentinels } from '../sentinels/read.ts'
import { noSentinels } from '../sentinels/snapshot.ts'
import type { Action } from './order.ts'

export type Effect = {
  /** what was done, what comes before it, and whom newcomers get now */
  readonly lines: readonly string[]
  /** what is wrong with the files, on a line each */
  readonly problems: readonly string[]
}

/** @param done what was done, as `carryOut` tells it */
export function effectOf(
  config: Config,
  backend: string,
  action: Action,
  done: string,
): Effect {
  const now = Date.now()
  const snapshot = readSentinels(
    config.directory,
    new Set(config.backends.map(({ name }) => name)),
  )
  const sentinels = snapshot.backends.get(backend) ?? noSentinels
  // adminKinds stand in the order of precedence (contract 1)
  const first = adminKinds.find(one => isInForce(sentinels[one], now))
  const lines = [`${backend}: ${done}`]
  if (first !== undefined && first !== action)
    lines.push(`${backend}: ${first} is set as well and comes first`)
  for (const pool of buildTable(config, snapshot, now).pools.values()) {
    const names = newcomersOf(pool.members).map(({ name }) => name)
    lines.push(
      names.length > 0
        ? `pool ${pool.name}: newcomers go to ${names.join(', ')}`
        : `pool ${pool.name}: NOBODY serves newcomers now`,
    )
  }
  return {
    lines,
    problems: snapshot.problems.map(({ text }) => printable(text)),
  }
}
