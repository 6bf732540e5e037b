// What /metrics answers: counted once a second, rendered when somebody asks.
import type { TelemetryEvent } from './telemetry.ts'
import type { ReportCache } from './report-cache.ts'
import { Metrics } from './metrics.ts'

/** Rendering must not use more than this part of the time, whoever asks. */
const renderPart = 1 / 10

export class Exposition {
  readonly #live: ReportCache
  readonly #metrics = new Metrics()
  #text: Promise<string> | undefined
  #dueMs = -Infinity

  constructor(live: ReportCache) {
    this.#live = live
  }

  get contentType(): string {
    return this.#metrics.contentType
  }

  /** What the monitor has told since the last second. */
  note(events: readonly TelemetryEvent[]): void {
    for (const event of events) this.#metrics.note(event)
    this.#metrics.look(this.#live.report(), Date.now())
  }

  /** One rendering for all who ask at once, and for those a little later. */
  text(): Promise<string> {
    if (performance.now() >= this.#dueMs) this.#text = undefined
    this.#text ??= this.#render()
    return this.#text
  }

  async #render(): Promise<string> {
    this.#dueMs = Infinity
    const startMs = performance.now()
    try {
      return await this.#metrics.text(this.#live.report(), Date.now())
    } finally {
      const endMs = performance.now()
      this.#dueMs = endMs + (endMs - startMs) / renderPart
    }
  }
}
