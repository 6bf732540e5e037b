// The content of /metrics: counted once a second, rendered on request.
import type { TelemetryEvent } from './telemetry.ts'
import type { ReportCache } from './report-cache.ts'
import { Metrics } from './metrics.ts'

/** Rendering must not use more than this part of the time. */
const renderPart = 1 / 10

export class MetricsEndpoint {
  readonly #reports: ReportCache
  readonly #metrics = new Metrics()
  #text: Promise<string> | undefined
  #dueMs = -Infinity

  constructor(reports: ReportCache) {
    this.#reports = reports
  }

  get contentType(): string {
    return this.#metrics.contentType
  }

  /** Counts the monitor's events of the last second. */
  record(events: readonly TelemetryEvent[]): void {
    for (const event of events) this.#metrics.record(event)
    this.#metrics.update(this.#reports.report(), Date.now())
  }

  /** Simultaneous and closely following requests share one rendering. */
  text(): Promise<string> {
    if (performance.now() >= this.#dueMs) this.#text = undefined
    this.#text ??= this.#render()
    return this.#text
  }

  async #render(): Promise<string> {
    this.#dueMs = Infinity
    const startMs = performance.now()
    try {
      return await this.#metrics.text(this.#reports.report(), Date.now())
    } finally {
      const endMs = performance.now()
      this.#dueMs = endMs + (endMs - startMs) / renderPart
    }
  }
}
