// Notices waiting for one receiver, oldest first. Bounded: after a long outage a
// receiver gets the newest ones and the number of those it missed. Pure.
import type { Notice } from './notice.ts'

export type Queue = {
  readonly notices: readonly Notice[]
  /** dropped since the last delivery */
  readonly dropped: number
}

export const emptyQueue: Queue = { notices: [], dropped: 0 }

export const maxQueued = 100

export function added(queue: Queue, notice: Notice): Queue {
  // a newer reminder replaces an older one; the first may be in transit
  const notices = [
    ...queue.notices.filter(
      ({ kind }, at) =>
        at === 0 || kind !== 'reminder' || notice.kind !== 'reminder',
    ),
    notice,
  ]
  const over = Math.max(0, notices.length - maxQueued)
  return { notices: notices.slice(over), dropped: queue.dropped + over }
}

/** After its delivery. */
export function without(queue: Queue, { id }: Notice): Queue {
  return { notices: queue.notices.filter(one => one.id !== id), dropped: 0 }
}

/** It cannot be delivered as it is: a shorter one takes its place, or none. */
export function replaced(
  queue: Queue,
  { id }: Notice,
  shorter: Notice | undefined,
): Queue {
  return shorter === undefined
    ? {
        notices: queue.notices.filter(one => one.id !== id),
        dropped: queue.dropped + 1,
      }
    : {
        ...queue,
        notices: queue.notices.map(one => (one.id === id ? shorter : one)),
      }
}

/**
 * Which one to try: the oldest. But one that keeps failing must not block all
 * others. While the receiver is away the order is kept.
 *
 * @param refusals in a row: failures of a receiver that can be reached
 * @param patience after this many the newest is tried in turn
 */
export function nextOf(
  { notices }: Queue,
  refusals: number,
  patience: number,
): Notice | undefined {
  return refusals >= patience && refusals % 2 === 1
    ? notices.at(-1)
    : notices[0]
}

const longestPauseMs = 300_000

/**
 * From a failed attempt to the next, in ms.
 *
 * @param failures in a row, at least 1
 */
export function pauseMs(failures: number): number {
  return Math.min(longestPauseMs, 1_000 * 2 ** Math.min(failures - 1, 20))
}
