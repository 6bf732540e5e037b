// One kind of probes of one backend, in a loop of its own: heartbeats, deep probes,
// warm-up pages. What it finds goes to the watch of the backend.
import type { Backend } from '../../config/config.ts'
import type { Health } from '../../health/health.ts'
import { Loop } from './timed-loop.ts'
import type { Lookup } from '../../probes/resolver.ts'

/** The backend as its watch has it now, and where to report to. */
export type Observed<Event> = {
  readonly backend: Backend
  readonly health: Health
  /** aborted when what was seen so far says nothing any more */
  readonly signal: AbortSignal
  readonly note: (event: Event) => void
}

export abstract class ProbeLoop<Event> {
  protected readonly of: Observed<Event>
  protected readonly lookup: Lookup
  readonly #loop: Loop

  constructor(of: Observed<Event>, lookup: Lookup) {
    this.of = of
    this.lookup = lookup
    this.#loop = new Loop(() => this.round())
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
