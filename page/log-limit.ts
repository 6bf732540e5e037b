// Decides which rejections are logged: anyone who can reach the port can cause them
// and must not be able to fill the disk. Pure.

const maxPerMinute = 5
const perMs = 60_000

export class LogLimit {
  /** by status code: when its minute began, and how many came since */
  readonly #minutes = new Map<number, { beganMs: number; count: number }>()

  /**
   * Counts one.
   *
   * @param nowMs of a monotonic clock
   * @returns how many like it were skipped since the last logged one; undefined =
   *   skip this one as well
   */
  count(status: number, nowMs: number): number | undefined {
    const minute = this.#minutes.get(status)
    if (minute !== undefined && nowMs - minute.beganMs < perMs) {
      minute.count++
      return minute.count <= maxPerMinute ? 0 : undefined
    }
    this.#minutes.set(status, { beganMs: nowMs, count: 1 })
    return Math.max(0, (minute?.count ?? 0) - maxPerMinute)
  }
}
