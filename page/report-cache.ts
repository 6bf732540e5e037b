// What the status port shows now: the files are read, the events listed and the
// page rendered once, however many clients ask.
import type { Config } from '../config/config.ts'
import { eventsBetween, remembered, type StatusEvent } from './events.ts'
import { StatusReader, type StatusOptions } from '../status/read.ts'
import { pageTemplate } from './page.ts'
import { rowsOf } from '../status/print.ts'
import { StateHistory } from './state-history.ts'
import type { StatusReport } from '../status/report.ts'
import { DutyCycle } from '../system/duty-cycle.ts'
import type { PageTemplate } from './page-template.ts'

/** A report of this age is fresh enough: clients cannot force more reads. */
export const freshMs = 250

export class ReportCache {
  readonly #reader: StatusReader
  #config: Config
  #problems: readonly string[]
  #current: StatusOptions | undefined
  #template: PageTemplate | undefined
  #events: readonly StatusEvent[] = []
  readonly #history = new StateHistory()
  /** even on a huge site */
  readonly #reading = new DutyCycle({ share: 1 / 10, leastMs: freshMs - 10 })

  /** @param problems why the configuration file is no longer the one in use */
  constructor(config: Config, problems: readonly string[]) {
    this.#config = config
    this.#problems = problems
    this.#reader = new StatusReader(config.directory)
  }

  get config(): Config {
    return this.#config
  }

  reconfigure(config: Config, problems: readonly string[]): void {
    this.#config = config
    this.#problems = problems
    this.#reading.reset()
  }

  /** At most `freshMs` old, unless reading takes long. */
  report(): StatusReport {
    return this.#read().report
  }

  template(): PageTemplate {
    const { report, probes } = this.#read()
    this.#template ??= pageTemplate(
      report,
      { probes, minutes: this.#history.minutes() },
      this.#events,
    )
    return this.#template
  }

  #read(): StatusOptions {
    return this.#current === undefined || this.#reading.waitMs === 0
      ? this.#reading.run(() => this.#readNow())
      : this.#current
  }

  #readNow(): StatusOptions {
    const now = Date.now()
    const before = this.#current?.reported
    const fresh = this.#reader.readStatus(this.#config, now, this.#problems)
    if (before !== undefined)
      this.#events = remembered(
        this.#events,
        eventsBetween(before, fresh.reported),
      )
    this.#history.record(rowsOf(fresh.report), now)
    this.#current = fresh
    this.#template = undefined
    return fresh
  }
}
