// The state of each backend during the last hour, minute by minute. It is kept in
// memory that does not grow, and begins with what the report knows: since when a
// backend has been in its state. Pure.
import { toneOf } from './events.ts'
import type { BackendStatus } from '../status/report.ts'

/** How many minutes are kept. */
export const historyMinutes = 60

/** The worst state of each minute, oldest first; undefined = not known. */
export type Minutes = readonly (string | undefined)[]

const minuteMs = 60_000

/** From good to bad. */
const tones = ['good', 'note', 'warn', 'bad']

export class StateHistory {
  #backends = new Map<string, BackendHistory>()

  /**
   * Forgets the backends that are not in `rows`.
   *
   * @param nowMs ms since 1970
   */
  record(rows: readonly BackendStatus[], nowMs: number): void {
    this.#backends = new Map(
      rows.map(({ name, state, since }) => {
        const history = this.#backends.get(name) ?? new BackendHistory()
        history.record(state, Date.parse(since ?? ''), nowMs)
        return [name, history]
      }),
    )
  }

  /** By backend, up to the last call of `record`. */
  minutes(): ReadonlyMap<string, Minutes> {
    return new Map(
      [...this.#backends].map(([name, history]) => [name, history.minutes()]),
    )
  }
}

class BackendHistory {
  /** by minute since 1970 */
  readonly #worst = new Map<number, string>()
  #state: string | undefined
  #now = 0

  /** @param sinceMs when the state began; any number, the report is not trusted */
  record(state: string, sinceMs: number, nowMs: number): void {
    const now = minuteOf(nowMs)
    const oldest = now - historyMinutes + 1
    const known = Number.isNaN(sinceMs) ? now : minuteOf(sinceMs)
    const since = Math.min(Math.max(known, oldest), now)
    const seen = Math.min(Math.max(this.#now, oldest), now)
    if (this.#state === state) this.#fill(Math.max(since, seen), now, state)
    else {
      if (this.#state !== undefined) this.#fill(seen, since, this.#state)
      this.#fill(since, now, state)
    }
    this.#state = state
    this.#now = now
    // also those of a clock that was ahead
    for (const minute of this.#worst.keys())
      if (minute < oldest || minute > now) this.#worst.delete(minute)
  }

  minutes(): Minutes {
    const oldest = this.#now - historyMinutes + 1
    return Array.from({ length: historyMinutes }, (_, index) =>
      this.#worst.get(oldest + index),
    )
  }

  #fill(from: number, to: number, state: string): void {
    for (let minute = from; minute <= to; minute++) {
      const other = this.#worst.get(minute)
      if (other === undefined || rank(state) > rank(other))
        this.#worst.set(minute, state)
    }
  }
}

function minuteOf(ms: number): number {
  return Math.floor(ms / minuteMs)
}

function rank(state: string): number {
  return tones.indexOf(toneOf(state))
}
