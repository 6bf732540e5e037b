// What the main thread of the monitor tells of its probes and changes of state, for
// whoever counts them (page/metrics.ts, in another thread). Invariant: it
// costs a probe next to nothing, and never grows without a limit. Pure.
import type { State } from '../sentinels/reports.ts'

export type ProbeKind = 'light' | 'deep' | 'heartbeat'

/** Plain values, which can cross to another thread. */
export type TelemetryEvent =
  | {
      readonly kind: 'probe'
      readonly backend: string
      readonly probe: ProbeKind
      /** a code such as `pass` or `refused` (monitor/judgement/) */
      readonly outcome: string
      /** how long it took; null = it was not good */
      readonly ms: number | null
    }
  | {
      readonly kind: 'transition'
      readonly backend: string
      readonly was: State
      readonly state: State
    }
  /** nobody came for them in time */
  | { readonly kind: 'lost'; readonly events: number }

/** A thousand backends tell 5,000 a second, one of them a hundred bytes. */
const maxEvents = 20_000

export class Telemetry {
  #isWanted = false
  #events: TelemetryEvent[] = []
  #lost = 0

  /** Nothing is kept until somebody drains again. */
  stop(): void {
    this.#isWanted = false
    this.#events = []
    this.#lost = 0
  }

  /** Kept only once somebody has drained, and until the buffer is full. */
  note(event: TelemetryEvent): void {
    if (!this.#isWanted) return
    if (this.#events.length < maxEvents) this.#events.push(event)
    else this.#lost++
  }

  /**
   * What was told since the last call, oldest first. The first call begins it: to be
   * called before the monitor starts, and about once a second from then on.
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
