// How many wrong tokens are taken, from everybody together: who guesses may have
// many addresses. Pure.

const most = 5
const perMs = 60_000

export class WrongTokens {
  #times: readonly number[] = []

  /** @param nowMs of a clock that never goes back */
  note(nowMs: number): void {
    this.#times = [...this.#times, nowMs].slice(-most)
  }

  /** For so many ms no token is looked at, not even the right one. */
  pauseMs(nowMs: number): number {
    const [first = 0] = this.#times
    return this.#times.length < most ? 0 : Math.max(0, first + perMs - nowMs)
  }
}
