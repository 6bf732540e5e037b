// Invariant: each backend has a loop of its own, so that a hanging one
// delays no other; a round never starts before the former ended.

/** A job that is repeated for as long as it lives, never twice at a time. */
export class TimedLoop {
  readonly #run: () => Promise<number>
  #timer: NodeJS.Timeout | undefined
  #isRunning = false
  #isStopped = false

  /** @param run does one round and says how many ms to wait after it */
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

  /** No more rounds; the one that runs is awaited by nobody. */
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
