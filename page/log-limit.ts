// Which refusals get a line of their own in the log: whoever can reach the port
// can cause them, and must not be able to fill a disk. Pure.

const most = 5
const perMs = 60_000

export class ToldRefusals {
  /** by status code: when the minute began, and how many came in it */
  readonly #minutes = new Map<number, { beganMs: number; count: number }>()

  /**
   * Counts one.
   *
   * @param nowMs of a clock that never goes back
   * @returns how many like it were not told since the last that was; undefined
   *   when this one is not to be told either
   */
  note(status: number, nowMs: number): number | undefined {
    const minute = this.#minutes.get(status)
    if (minute !== undefined && nowMs - minute.beganMs < perMs) {
      minute.count++
      return minute.count <= most ? 0 : undefined
    }
    this.#minutes.set(status, { beganMs: nowMs, count: 1 })
    return Math.max(0, (minute?.count ?? 0) - most)
  }
}
