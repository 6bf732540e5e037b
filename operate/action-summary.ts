// What an administrator's action has changed.
import { frontName, sentinelNames, type Config } from '../config/config.ts'
import { printable } from '../text/printable.ts'
import { candidatesOf } from '../choice/choose.ts'
import { buildTable, isInEffect } from '../choice/table.ts'
import { adminKinds } from '../sentinels/names.ts'
import { readSentinels } from '../sentinels/read.ts'
import { noSentinels, type BackendSentinels } from '../sentinels/snapshot.ts'
import type { Action } from './action.ts'

type ActionSummary = {
  /** what was done, what overrides it, and where new visitors go now */
  readonly lines: readonly string[]
  /** problems with the files, one line each */
  readonly problems: readonly string[]
}

/** @param done what was done, as `applyAction` returns it */
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
  // adminKinds are in order of precedence
  const effective = adminKinds.find(one => isInEffect(sentinels[one], now))
  const problems = snapshot.problems.map(({ text }) => printable(text))
  const lines = [`${backend}: ${done}`]
  if (effective !== undefined && effective !== action)
    lines.push(`${backend}: ${effective} is set as well and takes precedence`)
  if (backend === frontName) {
    lines.push(frontSummary(sentinels, now))
    return { lines, problems }
  }
  for (const pool of buildTable(config, snapshot, now).pools.values()) {
    const names = candidatesOf(pool.members).map(({ name }) => name)
    lines.push(
      names.length > 0
        ? `pool ${pool.name}: new visitors go to ${names.join(', ')}`
        : `pool ${pool.name}: NO BACKEND can serve new visitors now`,
    )
  }
  return { lines, problems }
}

/** Describes the expected effect: the monitor reads the file a moment later. */
function frontSummary(sentinels: BackendSentinels, now: number): string {
  const isOut = (['maint', 'drain'] as const).some(kind =>
    isInEffect(sentinels[kind], now),
  )
  if (isOut)
    return 'front.up is removed: keepalived and load balancers send new visitors elsewhere if a better machine exists'
  return isInEffect(sentinels.force, now)
    ? 'front.up is 100 whatever the state of this machine'
    : 'front.up follows the verdict of the monitor'
}
