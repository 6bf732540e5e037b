// Reports the changes of state of one backend: one line in the log, one event for
// the page and the metrics. A short change is not reported (health/reported-state.ts).
import { addressOf } from '../../config/config.ts'
import {
  lastingMs,
  nextReported,
  type ReportedState,
} from '../../health/reported-state.ts'
import type { MonitorContext } from './monitor-context.ts'
import type { ProbeTarget } from './probe-loop.ts'

/** a timer of Node may fire a moment early */
const timerGraceMs = 5

type Reported = ReportedState & {
  readonly since: string
  readonly reason: string
}

export class StateReporter {
  readonly #target: () => ProbeTarget
  readonly #share: () => number | null
  readonly #context: MonitorContext
  /** when its actual state began */
  #current: Pick<ReportedState, 'state'> & { readonly since: string }
  #reported: Reported
  #timer: NodeJS.Timeout | undefined

  /**
   * @param share of new visitors, in percent of its weight; null = it gets none
   * @param since RFC 3339: when its state began
   */
  constructor(
    target: () => ProbeTarget,
    share: () => number | null,
    context: MonitorContext,
    since: string,
  ) {
    this.#target = target
    this.#share = share
    this.#context = context
    const { state, reason } = target().health
    this.#current = { state, since }
    this.#reported = { state, leftMs: null, since, reason }
  }

  /** What the log, the report and the notices say about it. */
  get reported(): Reported {
    return this.#reported
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /**
   * Reports a change once it has lasted, or at once where that matters.
   *
   * @param outcome of the probe that caused it
   * @param ms how long that probe took
   */
  update(outcome: string, ms: number): void {
    const { backend, health } = this.#target()
    const { state, reason, light } = health
    if (state !== this.#current.state)
      this.#current = { state, since: new Date().toISOString() }
    const before = this.#reported
    const reported = nextReported(
      before,
      state,
      light.lateAnswers,
      performance.now(),
    )
    if (reported.leftMs !== before.leftMs) {
      clearTimeout(this.#timer)
      if (reported.leftMs !== null)
        this.#timer = setTimeout(
          () => this.update(outcome, ms),
          lastingMs + timerGraceMs,
        )
    }
    const isSame = reported.state === before.state
    const { since } = isSame ? before : this.#current
    this.#reported =
      reported.state === state
        ? { ...reported, since, reason }
        : { ...before, ...reported }
    if (isSame) return
    const { log, telemetry } = this.#context
    const isBetter = state === 'up' || state === 'warming'
    log[isBetter ? 'info' : 'warn'](
      {
        backend: backend.name,
        address: addressOf(backend),
        state,
        was: before.state,
        outcome,
        good: light.streak,
        ms: Math.round(ms),
        share: this.#share(),
        reason,
      },
      'backend changed state',
    )
    this.#context.changed()
    telemetry.record({ kind: 'transition', backend: backend.name, state })
  }
}
