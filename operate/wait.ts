// Waits until one backend is idle: first until httpd's maps know that it is to
// get nothing new, then until nothing is inside it.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Backend, Config } from '../config/config.ts'
import { statusOf } from '../status/read.ts'
import type { StatusReport } from '../status/report.ts'
import { countInFlight } from './count.ts'
import { inFlightText, isIdle, isTakenOver, notIdleText } from './decide.ts'

const everyMs = 200

/** What a person sees meanwhile. */
export type Progress = {
  /** a step that has been done or begins */
  readonly step: (text: string) => void
  /** what is waited for now; only where it can be written over */
  readonly live: (text: string) => void
}

/**
 * Looks again and again; undefined when it was not so within the limit.
 *
 * @throws the signal's reason when it is aborted
 */
export async function waitFor<Value>(
  limitMs: number,
  signal: AbortSignal,
  look: () => Promise<Value | undefined> | Value | undefined,
): Promise<Value | undefined> {
  const end = performance.now() + limitMs
  for (;;) {
    signal.throwIfAborted()
    const value = await look()
    if (value !== undefined) return value
    if (performance.now() >= end) return undefined
    await sleep(everyMs, undefined, { signal }).catch(() => {
      // aborted: told above
    })
  }
}

/**
 * Resolves with undefined when it is idle, else with why it was not.
 *
 * @param sinceMs when it was taken out, ms since 1970
 * @param check at each look; throws when there is no use in waiting
 * @throws {CannotCount}
 */
export async function untilIdle(
  config: Config,
  backend: Backend,
  sinceMs: number,
  limitMs: number,
  signal: AbortSignal,
  tell: Progress,
  check: (status: StatusReport) => void = () => {},
): Promise<string | undefined> {
  const counts: number[] = []
  let count = 0
  const isDone = await waitFor(limitMs, signal, async () => {
    const now = Date.now()
    const status = statusOf(config, now)
    check(status)
    const isKnown = isTakenOver(status, sinceMs, now)
    count = await countInFlight(config, backend, monitorPid(status))
    if (isKnown) counts.push(count)
    tell.live(
      isKnown || count > 0
        ? `${backend.name}: ${inFlightText(count)}`
        : `${backend.name}: waiting until httpd's map knows`,
    )
    return isIdle(counts) || undefined
  })
  return isDone === true
    ? undefined
    : notIdleText(count, counts.length > 0, limitMs)
}

/** Its probes are no requests of httpd. */
export function monitorPid({ monitor }: StatusReport): number | undefined {
  return monitor.kind === 'alive' ? monitor.pid : undefined
}
