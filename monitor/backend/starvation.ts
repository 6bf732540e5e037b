// Detects that this process did not run for a while (stopped, swapped out, machine
// suspended). A timeout that expired meanwhile says nothing about the backend.
// It measures how late its own timer fires.
const everyMs = 250
/** how late counts: shorter pauses are normal on a busy machine */
const graceMs = 1_000

export class Starvation {
  readonly #now: () => number
  readonly #timer: NodeJS.Timeout
  #tickedMs: number
  #lastMs = -Infinity
  #lastLateMs = 0

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#tickedMs = now()
    this.#timer = setInterval(() => this.#tick(), everyMs)
    this.#timer.unref()
  }

  /**
   * How long the process did not run at some point since `sinceMs`; 0 = it ran.
   * Includes a pause that is just ending: other timers can fire before ours.
   */
  lateSince(sinceMs: number): number {
    this.#tick()
    return this.#lastMs >= sinceMs ? this.#lastLateMs : 0
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    const nowMs = this.#now()
    const lateMs = nowMs - this.#tickedMs - everyMs
    this.#tickedMs = nowMs
    if (lateMs <= graceMs) return
    this.#lastMs = nowMs
    this.#lastLateMs = Math.round(lateMs)
  }
}
