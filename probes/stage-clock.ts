// The limits of a probe: one for each stage, and one for the whole.
import { patientTimeout } from '../system/patient-timeout.ts'
import type { Stage } from './failure.ts'

export class StageClock {
  readonly #startedMs: number
  readonly #stages: Map<Stage, number>
  readonly #onLimit: (limitMs: number) => void
  readonly #cancelWhole: () => void
  #cancelStage = (): void => {}
  #wholeMs: number
  #stage: Stage = 'connect'

  /**
   * @param startedMs by performance.now()
   * @param wholeMs limit of the whole probe
   * @param stages when each stage began, in ms since the start
   * @param onLimit called with the limit that has passed; the stage may go on
   */
  constructor(
    startedMs: number,
    wholeMs: number,
    stages: Map<Stage, number>,
    onLimit: (limitMs: number) => void,
  ) {
    this.#startedMs = startedMs
    this.#wholeMs = wholeMs
    this.#stages = stages
    this.#onLimit = onLimit
    this.#cancelWhole = patientTimeout(wholeMs - this.sinceMs, () =>
      onLimit(wholeMs),
    )
  }

  get stage(): Stage {
    return this.#stage
  }

  /** ms since the start */
  get sinceMs(): number {
    return performance.now() - this.#startedMs
  }

  /** Begins a stage; the limit of the one before no longer counts. */
  enter(stage: Stage, limitMs = Infinity): void {
    const { sinceMs } = this
    this.#stage = stage
    this.#stages.set(stage, sinceMs)
    this.#cancelStage()
    // else the limit of the whole comes first
    if (sinceMs + limitMs < this.#wholeMs)
      this.#cancelStage = patientTimeout(limitMs, () => this.#onLimit(limitMs))
  }

  /** In place of all limits so far: calls back after `ms`, unless a stage begins. */
  hold(ms: number, then: () => void): void {
    this.stop()
    this.#wholeMs = Infinity
    this.#cancelStage = patientTimeout(ms, then)
  }

  stop(): void {
    this.#cancelWhole()
    this.#cancelStage()
  }
}
