// What the status port shows now: one look at the files, one list of events and
// one serialisation, however many ask.
import type { Config } from '../config/config.ts'
import { eventsBetween, remembered } from './events.ts'
import type { StatusEvent } from './events.ts'
import { StatusReader } from '../status/read.ts'
import type { StatusOptions } from '../status/read.ts'
import { pageSheet } from './page.ts'
import type { StatusReport } from '../status/report.ts'
import type { PageTemplate } from './page-template.ts'

/** A look so young is good enough: nobody can make us look more often. */
export const freshMs = 250

/** Looking must not use more than this part of the time, huge as the site may be. */
const lookPart = 1 / 10

export class ReportCache {
  readonly #looker: StatusReader
  #config: Config
  #problems: readonly string[]
  #look: StatusOptions | undefined
  #sheet: PageTemplate | undefined
  #events: readonly StatusEvent[] = []
  #dueMs = -Infinity

  /** @param problems why the file no longer is the configuration in use */
  constructor(config: Config, problems: readonly string[]) {
    this.#config = config
    this.#problems = problems
    this.#looker = new StatusReader(config.directory)
  }

  get config(): Config {
    return this.#config
  }

  retune(config: Config, problems: readonly string[]): void {
    this.#config = config
    this.#problems = problems
    this.#dueMs = -Infinity
  }

  /** At most `freshMs` old, unless a look takes long. */
  report(): StatusReport {
    return this.#seen().report
  }

  sheet(): PageTemplate {
    const { report, probes } = this.#seen()
    this.#sheet ??= pageSheet(report, probes, this.#events)
    return this.#sheet
  }

  #seen(): StatusOptions {
    const startMs = performance.now()
    if (this.#look !== undefined && startMs < this.#dueMs) return this.#look
    const now = Date.now()
    const before = this.#look?.told
    const seen = this.#looker.readStatus(this.#config, now, this.#problems)
    if (before !== undefined)
      this.#events = remembered(this.#events, eventsBetween(before, seen.told))
    this.#look = seen
    this.#sheet = undefined
    const tookMs = performance.now() - startMs
    this.#dueMs = startMs + Math.max(freshMs - 10, tookMs / lookPart)
    return seen
  }
}
