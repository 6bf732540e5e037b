// One kind of probes of one backend, in a loop of its own: heartbeats, deep probes,
// warm-up pages. What it finds goes to the watch of the backend.
import type { Backend } from '../../config/config.ts'
import type { Health } from '../../health/health.ts'
import { TimedLoop } from './timed-loop.ts'
import type { Resolver } from '../../probes/resolver.ts'

/** The backend as its watch has it now, and where to report to. */
export type ProbeTarget<Event> = {
  readonly backend: Backend
  readonly health: Health
  /** aborted when what was seen so far says nothing any more */
  readonly signal: AbortSignal
  readonly note: (event: Event) => void
}

export abstract class ProbeLoop<Event> {
  protected readonly of: ProbeTarget<Event>
  protected readonly lookup: Resolver
  readonly #loop: TimedLoop

  constructor(of: ProbeTarget<Event>, lookup: Resolver) {
    this.of = of
    this.lookup = lookup
    this.#loop = new TimedLoop(() => this.round())
  }

  /** Also to hasten the next round. */
  start(delayMs = 0): void {
    this.#loop.start(delayMs)
  }

  stop(): void {
    this.#loop.stop()
  }

  /** @returns after how many ms the next one begins */
  protected abstract round(): Promise<number>
}
