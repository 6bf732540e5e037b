// Records probes and changes of state in the monitor's main thread, to be counted in
// another thread (page/metrics.ts). Invariant: it costs a probe next to nothing and
// never grows without limit. Pure.
import type { State } from '../sentinels/reports.ts'

export type ProbeKind = 'light' | 'deep' | 'heartbeat'

/** Plain values, which can be sent to another thread. */
export type TelemetryEvent =
  | {
      readonly kind: 'probe'
      readonly backend: string
      readonly probe: ProbeKind
      /** a code such as `pass` or `refused` (health/outcome.ts) */
      readonly outcome: string
      /** how long it took; null = it was not good */
      readonly ms: number | null
    }
  | {
      readonly kind: 'transition'
      readonly backend: string
      readonly state: State
    }
  /** events that were not drained in time */
  | { readonly kind: 'lost'; readonly events: number }

/** A thousand backends record 5,000 events of a hundred bytes per second. */
const maxEvents = 20_000

export class Telemetry {
  #isWanted = false
  #events: TelemetryEvent[] = []
  #lost = 0

  /** Nothing is kept until the next drain(). */
  stop(): void {
    this.#isWanted = false
    this.#events = []
    this.#lost = 0
  }

  /** Kept only after the first drain(), and until the buffer is full. */
  record(event: TelemetryEvent): void {
    if (!this.#isWanted) return
    if (this.#events.length < maxEvents) this.#events.push(event)
    else this.#lost++
  }

  /**
   * The events since the last call, oldest first. The first call starts the
   * recording: call it before the monitor starts, then about once a second.
   */
  drain(): readonly TelemetryEvent[] {
    this.#isWanted = true
    const events = this.#events
    if (this.#lost > 0) events.push({ kind: 'lost', events: this.#lost })
    this.#events = []
    this.#lost = 0
    return events
  }
}
