// Notices on their way to one receiver, oldest first. Bounded: a receiver that is
// away for long gets the newest, and the number of those it missed. Pure.
import type { Notice } from './notice.ts'

export type Queue = {
  readonly notices: readonly Notice[]
  /** left out since the last one that arrived */
  readonly dropped: number
}

export const emptyQueue: Queue = { notices: [], dropped: 0 }

export const maxQueued = 100

export function added(queue: Queue, notice: Notice): Queue {
  // the newer reminder says it all; the first may be on its way just now
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

/** It has arrived. */
export function without(queue: Queue, { id }: Notice): Queue {
  return { notices: queue.notices.filter(one => one.id !== id), dropped: 0 }
}

/** It never will arrive as it is: a shorter one takes its place, or none. */
export function given(
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
 * Which one to try: the oldest, but one that keeps being refused must not stand in
 * the way of all others. While the receiver is away their order is kept.
 *
 * @param refusals in a row: failures of a receiver that is there
 * @param patience from so many on the newest has its turn, too
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
 * @param failures in a row, from 1
 */
export function pauseMs(failures: number): number {
  return Math.min(longestPauseMs, 1_000 * 2 ** Math.min(failures - 1, 20))
}
