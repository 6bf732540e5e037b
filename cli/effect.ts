// What an administrator's order has changed.
import type { Config } from '../config/config.ts'
import { printable } from '../config/printable.ts'
import { newcomersOf } from '../choice/choose.ts'
import { buildTable, isInForce } from '../choice/table.ts'
import { adminKinds } from '../sentinels/names.ts'
import type { AdminKind } from '../sentinels/names.ts'
import { readSentinels } from '../sentinels/read.ts'
import { noSentinels } from '../sentinels/snapshot.ts'

/**
 * Prints what was done, what comes before it, and whom newcomers get now.
 *
 * @param kind what was set; undefined when it was taken away
 */
export function tellEffect(
  config: Config,
  backend: string,
  kind: AdminKind | undefined,
  done: string,
): void {
  const now = Date.now()
  const snapshot = readSentinels(
    config.directory,
    new Set(config.backends.map(({ name }) => name)),
  )
  const sentinels = snapshot.backends.get(backend) ?? noSentinels
  // adminKinds stand in the order of precedence (contract 1)
  const first = adminKinds.find(one => isInForce(sentinels[one], now))
  const lines = [`${backend}: ${done}`]
  if (first !== undefined && first !== kind)
    lines.push(`${backend}: ${first} is set as well and comes first`)
  for (const pool of buildTable(config, snapshot, now).pools.values()) {
    const names = newcomersOf(pool.members).map(({ name }) => name)
    lines.push(
      names.length > 0
        ? `pool ${pool.name}: newcomers go to ${names.join(', ')}`
        : `pool ${pool.name}: NOBODY serves newcomers now`,
    )
  }
  process.stdout.write(`${lines.join('\n')}\n`)
  process.stderr.write(
    snapshot.problems.map(({ text }) => `${printable(text)}\n`).join(''),
  )
}
