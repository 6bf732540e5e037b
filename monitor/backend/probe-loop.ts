// One loop for one kind of probe of one backend: heartbeats, deep probes, warm-up
// pages. It reports to the BackendMonitor.
import type { Backend } from '../../config/config.ts'
import type { Health } from '../../health/health.ts'
import { TimedLoop } from './timed-loop.ts'
import type { Resolver } from '../../probes/resolver.ts'

/** The backend's current state, and where to report to. */
export type ProbeTarget<Event> = {
  readonly backend: Backend
  readonly health: Health
  /** aborted when earlier observations become meaningless */
  readonly signal: AbortSignal
  readonly report: (event: Event) => void
}

export abstract class ProbeLoop<Event> {
  protected readonly target: ProbeTarget<Event>
  protected readonly resolver: Resolver
  readonly #loop: TimedLoop

  constructor(target: ProbeTarget<Event>, resolver: Resolver) {
    this.target = target
    this.resolver = resolver
    this.#loop = new TimedLoop(() => this.round())
  }

  /** Also brings the next round forward. */
  start(delayMs = 0): void {
    this.#loop.start(delayMs)
  }

  stop(): void {
    this.#loop.stop()
  }

  /** @returns ms until the next round */
  protected abstract round(): Promise<number>
}
