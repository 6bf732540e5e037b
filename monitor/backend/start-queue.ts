// Who may begin a probe now. Invariant: a thousand backends that are due
// in one moment must not make each other's answers look late, for all of them
// wait for this one thread; so few begin at a time, and what came in is served
// between. Nobody waits for another's answer here, only for his turn to begin.
const atATime = 8

export class StartQueue {
  readonly #waiting: (() => void)[] = []
  #isDraining = false

  /** Resolves when it is the caller's turn, in the order of asking. */
  turn(): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      if (this.#isDraining) return
      this.#isDraining = true
      setImmediate(() => this.#drain())
    })
  }

  #drain(): void {
    for (const begin of this.#waiting.splice(0, atATime)) begin()
    this.#isDraining = this.#waiting.length > 0
    if (this.#isDraining) setImmediate(() => this.#drain())
  }
}
