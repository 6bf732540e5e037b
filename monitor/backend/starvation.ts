// Notices that this very process did not run for a while (stopped, swapped out,
// a suspended machine): a limit that ran out meanwhile says nothing about the
// backend. Watches its own timer come late.
const everyMs = 250
/** how late is late: shorter pauses are the life of a busy machine */
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
   * How long the process did not run at some time since `sinceMs`; 0 = it ran.
   * Looks at the running pause, too: other timers can be served before ours.
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
