// What an administrator's order has changed.
import { frontName, sentinelNames } from '../config/config.ts'
import type { Config } from '../config/config.ts'
import { printable } from '../text/printable.ts'
import { candidatesOf } from '../choice/choose.ts'
import { buildTable, isInForce } from '../choice/table.ts'
import { adminKinds } from '../sentinels/names.ts'
import { readSentinels } from '../sentinels/read.ts'
import { noSentinels } from '../sentinels/snapshot.ts'
import type { BackendSentinels } from '../sentinels/snapshot.ts'
import type { Action } from './action.ts'

export type ActionSummary = {
  /** what was done, what comes before it, and whom newcomers get now */
  readonly lines: readonly string[]
  /** what is wrong with the files, on a line each */
  readonly problems: readonly string[]
}

/** @param done what was done, as `carryOut` tells it */
export function actionSummary(
  config: Config,
  backend: string,
  action: Action,
  done: string,
): ActionSummary {
  const now = Date.now()
  const snapshot = readSentinels(
    config.directory,
    new Set(sentinelNames(config)),
  )
  const sentinels = snapshot.backends.get(backend) ?? noSentinels
  // adminKinds stand in the order of precedence (contract 1)
  const first = adminKinds.find(one => isInForce(sentinels[one], now))
  const problems = snapshot.problems.map(({ text }) => printable(text))
  const lines = [`${backend}: ${done}`]
  if (first !== undefined && first !== action)
    lines.push(`${backend}: ${first} is set as well and comes first`)
  if (backend === frontName) {
    lines.push(frontEffect(sentinels, now))
    return { lines, problems }
  }
  for (const pool of buildTable(config, snapshot, now).pools.values()) {
    const names = candidatesOf(pool.members).map(({ name }) => name)
    lines.push(
      names.length > 0
        ? `pool ${pool.name}: newcomers go to ${names.join(', ')}`
        : `pool ${pool.name}: NOBODY serves newcomers now`,
    )
  }
  return { lines, problems }
}

/** The monitor sees the file within a moment, so what is meant is told. */
function frontEffect(sentinels: BackendSentinels, now: number): string {
  const isOut = (['maint', 'drain'] as const).some(kind =>
    isInForce(sentinels[kind], now),
  )
  if (isOut)
    return 'front.up goes: keepalived and balancers take new visitors elsewhere, if there is a better place'
  return isInForce(sentinels.force, now)
    ? 'front.up says 100 whatever this machine can do'
    : 'front.up says what the monitor sees'
}
