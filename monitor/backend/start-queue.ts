// Decides when a probe may start. Invariant: a thousand backends that are due at
// the same moment must not make each other's answers look late, since all of them
// share this one thread. So only a few start at a time, and arrived data is read in
// between. This limits starts, not probes in flight.
const startsPerTurn = 8

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
    for (const begin of this.#waiting.splice(0, startsPerTurn)) begin()
    this.#isDraining = this.#waiting.length > 0
    if (this.#isDraining) setImmediate(() => this.#drain())
  }
}
