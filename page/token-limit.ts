// Limits wrong tokens over all clients together: an attacker may have many
// addresses. Pure.

const maxAttempts = 5
const perMs = 60_000

export class TokenLimit {
  #times: readonly number[] = []

  /** @param nowMs of a monotonic clock */
  recordWrong(nowMs: number): void {
    this.#times = [...this.#times, nowMs].slice(-maxAttempts)
  }

  /** How many ms no token is checked, not even the right one. */
  pauseMs(nowMs: number): number {
    const [first = 0] = this.#times
    return this.#times.length < maxAttempts
      ? 0
      : Math.max(0, first + perMs - nowMs)
  }
}
