// Limits a repeated task to a share of the time, however long it takes.

type DutyLimits = {
  /** the part of the time that the task may use, such as 1/5 */
  readonly share: number
  /** ms between two starts: at least, and at most whatever the share */
  readonly leastMs?: number
  readonly mostMs?: number
}

export class DutyCycle {
  readonly #share: number
  readonly #leastMs: number
  readonly #mostMs: number
  #dueMs = -Infinity

  constructor({ share, leastMs = 0, mostMs = Infinity }: DutyLimits) {
    this.#share = share
    this.#leastMs = leastMs
    this.#mostMs = mostMs
  }

  /** ms until the task may start again; 0 = now. */
  get waitMs(): number {
    return Math.max(0, this.#dueMs - performance.now())
  }

  /** Runs the task; its duration decides when it may start again. */
  run<Result>(task: () => Result): Result {
    const startMs = performance.now()
    try {
      return task()
    } finally {
      const tookMs = performance.now() - startMs
      this.#dueMs =
        startMs +
        Math.min(this.#mostMs, Math.max(this.#leastMs, tookMs / this.#share))
    }
  }

  /** The task may start at once. */
  reset(): void {
    this.#dueMs = -Infinity
  }
}
