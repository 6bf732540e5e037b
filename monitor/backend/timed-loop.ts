// Invariant: each backend has its own loop, so a hanging backend delays no other.
// A round never starts before the previous one has ended.

/** A repeated job that never overlaps itself. */
export class TimedLoop {
  readonly #run: () => Promise<number>
  #timer: NodeJS.Timeout | undefined
  #isRunning = false
  #isStopped = false

  /** @param run does one round and returns how many ms to wait after it */
  constructor(run: () => Promise<number>) {
    this.#run = run
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  start(delayMs: number): void {
    if (this.#isStopped || this.#isRunning) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#round(), delayMs)
  }

  /** No more rounds; the current one is not awaited. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  async #round(): Promise<void> {
    this.#isRunning = true
    const waitMs = await this.#run()
    this.#isRunning = false
    this.start(waitMs)
  }
}
