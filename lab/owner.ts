// The processes of one run: stopped when the run ends, however it ends.
import { constants } from 'node:os'
import type { Owner } from './processes.ts'

export type RunOwner = Owner & {
  /** Ends all, the youngest first. */
  readonly end: () => Promise<void>
}

/**
 * One that fails to end does not keep the others alive: `end` continues, and
 * rejects with the first error. A second `end` waits for the first: a signal
 * can come while the run is ending.
 */
export function makeOwner(): RunOwner {
  const ends: (() => unknown)[] = []
  const endAll = async (): Promise<void> => {
    const errors: unknown[] = []
    for (let next = ends.pop(); next !== undefined; next = ends.pop())
      try {
        await next()
      } catch (err) {
        errors.push(err)
      }
    if (errors.length > 0) throw errors[0]
  }
  let ending = Promise.resolve()
  return {
    teardown: next => ends.push(next),
    end: () => {
      ending = ending.then(endAll, endAll)
      return ending
    },
  }
}

/** A signal ends all before this process; for the owner of the whole run. */
export function endOnSignals({ end }: RunOwner): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      void end().finally(() => process.exit(128 + constants.signals[signal]))
    })
}
