// Which state of a backend is told: in the log, the report, events, notices and
// metrics. What must hold: what lasts under a second is not told, and what takes a
// backend out, or brings it back, is told at once. New visitors are steered by the
// state itself. Pure.
import type { State } from '../../sentinels/reports.ts'

export type Told = {
  readonly state: State
  /** when the backend left that state, by the monotonic clock; null = it is in it */
  readonly leftMs: number | null
}

/** So long a change must last: a full garbage collection of a Plone is shorter. */
export const lastingMs = 1_000

/**
 * @param state as it is judged now
 * @returns the told state; it is the same object when there is nothing to note
 */
export function tell(told: Told, state: State, nowMs: number): Told {
  if (state === told.state)
    return told.leftMs === null ? told : { state, leftMs: null }
  const leftMs = told.leftMs ?? nowMs
  const isTold =
    !isInService(state) ||
    !isInService(told.state) ||
    nowMs - leftMs >= lastingMs
  if (isTold) return { state, leftMs: null }
  return told.leftMs === null ? { ...told, leftMs } : told
}

/** Others are told at once: visitors lose it, or have it again. */
function isInService(state: State): boolean {
  return ['up', 'warming', 'slow', 'busy'].includes(state)
}
