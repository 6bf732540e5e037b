// What one run has started: gone when the run ends, however it ends.
import { constants } from 'node:os'
import type { Owner } from '../../test/fixtures/processes.ts'

export type RunOwner = Owner & {
  /** Ends all, the youngest first. */
  readonly end: () => Promise<void>
}

export function makeOwner(): RunOwner {
  const ends: (() => unknown)[] = []
  const end = async (): Promise<void> => {
    for (let next = ends.pop(); next !== undefined; next = ends.pop())
      await next()
  }
  return { teardown: next => ends.push(next), end }
}

/** A signal ends all before this process; for the owner of the whole run. */
export function endOnSignals({ end }: RunOwner): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      void end().finally(() => process.exit(128 + constants.signals[signal]))
    })
}
