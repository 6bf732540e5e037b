// Waits until a backend is idle: first until httpd's map programs know that it gets
// nothing new, then until no request is in flight.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Backend, Config } from '../config/config.ts'
import { statusOf } from '../status/read.ts'
import type { StatusReport } from '../status/report.ts'
import { countInFlight } from './count.ts'
import { inFlightText, isIdle, isTakenOver, notIdleText } from './decide.ts'

const pollMs = 200

/** What the operator sees while waiting. */
export type Progress = {
  /** a step that is done or begins */
  readonly step: (text: string) => void
  /** what is awaited now; only on a terminal, where it can be overwritten */
  readonly live: (text: string) => void
}

/**
 * Checks repeatedly; undefined = not true within the limit.
 *
 * @throws the signal's reason when it is aborted
 */
export async function waitFor<Value>(
  limitMs: number,
  signal: AbortSignal,
  check: () => Promise<Value | undefined> | Value | undefined,
): Promise<Value | undefined> {
  const end = performance.now() + limitMs
  for (;;) {
    signal.throwIfAborted()
    const value = await check()
    if (value !== undefined) return value
    if (performance.now() >= end) return undefined
    await sleep(pollMs, undefined, { signal }).catch(() => {
      // aborted: throwIfAborted() above reports it
    })
  }
}

/**
 * Resolves with undefined when it is idle, else with the reason why not.
 *
 * @param sinceMs when it was taken out, ms since 1970
 * @param check called on each round; throws when waiting is pointless
 * @throws {CountError}
 */
export async function untilIdle(
  config: Config,
  backend: Backend,
  sinceMs: number,
  limitMs: number,
  signal: AbortSignal,
  progress: Progress,
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
    progress.live(
      isKnown || count > 0
        ? `${backend.name}: ${inFlightText(count)}`
        : `${backend.name}: waiting until httpd's map program sees it`,
    )
    return isIdle(counts) || undefined
  })
  return isDone === true
    ? undefined
    : notIdleText(count, counts.length > 0, limitMs)
}

/** Its probes are not requests of httpd. */
export function monitorPid({ monitor }: StatusReport): number | undefined {
  return monitor.kind === 'alive' ? monitor.pid : undefined
}
