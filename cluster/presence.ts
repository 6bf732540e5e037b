// Is this machine together with the others? By signs of life that came back through
// etcd, not by what a request says. Pure.
import type { ClusterState } from '../sentinels/reports.ts'

/** A machine writes its sign of life at least this often. */
export const liveEveryMs = 2_000
/** A machine without a sign of life for this long is away: the lease in etcd. */
export const leaseSeconds = 6
/** Without an echo for this long the watch moves to another member of etcd. */
export const moveAfterMs = 3_200

export type Signs = {
  /** when our own sign of life last came back; -Infinity = never */
  readonly lastEchoAt: number
  /** another machine with our name is alive */
  readonly isDuplicate: boolean
  /** how many orders etcd has lost */
  readonly lostOrders: number
}

/** @param nowMs the clock of `lastEchoAt` */
export function presenceOf(
  { lastEchoAt, isDuplicate, lostOrders }: Signs,
  isolatedAfterMs: number,
  nowMs: number,
): ClusterState {
  if (isDuplicate) return 'duplicate'
  if (nowMs - lastEchoAt >= isolatedAfterMs) return 'alone'
  return lostOrders > 0 ? 'older-data' : 'together'
}

const quickMs = 500
const quickForMs = 120_000
const slowMs = 5_000

/**
 * How long to wait before etcd is tried again: twice a second for two minutes, then up
 * to every five seconds. Machines must not all come at once.
 *
 * @param awayMs how long etcd has been away
 * @param random from 0 to 1
 */
export function retryMs(awayMs: number, random: number): number {
  const base =
    awayMs < quickForMs
      ? quickMs
      : Math.min(slowMs, quickMs * 2 ** ((awayMs - quickForMs) / 60_000))
  return Math.round(base * (0.75 + random / 2))
}

/** The clock of another machine, from its signs of life. */
export class ClockOffset {
  readonly #samples: number[] = []

  /**
   * A sign of life that has just arrived. Each is late by its way here: the largest
   * difference of the last ones is the nearest to the truth.
   */
  add(theirsMs: number, oursMs: number): void {
    this.#samples.push(theirsMs - oursMs)
    if (this.#samples.length > 5) this.#samples.shift()
  }

  /** Their clock minus ours; undefined before the first sign of life. */
  get ms(): number | undefined {
    return this.#samples.length === 0 ? undefined : Math.max(...this.#samples)
  }
}

/** Another machine with the name of this one: alive, or a lease that will expire? */
export class NameClaim {
  #other: { instance: string; revision: number } | undefined
  #isDuplicate = false

  /** The other machine goes on writing. */
  get isDuplicate(): boolean {
    return this.#isDuplicate
  }

  /**
   * Another instance has written a sign of life under our name.
   *
   * @param revision of its key
   * @returns whether this shows for the first time that it is alive
   */
  observe(instance: string, revision: number): boolean {
    if (this.#other?.instance !== instance) {
      this.#other = { instance, revision }
      return false
    }
    if (this.#other.revision === revision || this.#isDuplicate) return false
    this.#isDuplicate = true
    return true
  }

  /** This machine has the name. */
  confirm(): void {
    this.#other = undefined
    this.#isDuplicate = false
  }
}
