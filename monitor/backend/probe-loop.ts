// One loop for one kind of probe of one backend: light probes, heartbeats, deep
// probes, warm-up pages. It reports to the BackendMonitor.
import type { Backend } from '../../config/config.ts'
import type { Health } from '../../health/health.ts'
import type { MonitorContext } from './monitor-context.ts'
import { TimedLoop } from './timed-loop.ts'

/** The backend as it is now. */
export type ProbeTarget = {
  readonly backend: Backend
  readonly health: Health
  /** aborted when earlier observations become meaningless */
  readonly signal: AbortSignal
}

export abstract class ProbeLoop<Event> {
  protected readonly target: () => ProbeTarget
  protected readonly context: MonitorContext
  protected readonly report: (event: Event) => void
  readonly #loop = new TimedLoop(() => this.round())

  constructor(
    target: () => ProbeTarget,
    context: MonitorContext,
    report: (event: Event) => void,
  ) {
    this.target = target
    this.context = context
    this.report = report
  }

  get isRunning(): boolean {
    return this.#loop.isRunning
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
