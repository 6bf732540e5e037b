// Remembers which problems are in the log, so that each is logged once, and its end
// once.

export class LogOnce {
  readonly #logged = new Map<string, string>()

  /**
   * Whether the problem must be logged: it is new, or another than before.
   *
   * @param what the thing that has it
   */
  isNew(what: string, problem = ''): boolean {
    if (this.#logged.get(what) === problem) return false
    this.#logged.set(what, problem)
    return true
  }

  /** Ends the problem; whether there was one. */
  end(what: string): boolean {
    return this.#logged.delete(what)
  }
}
