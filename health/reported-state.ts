// Which state of a backend is reported: in the log, the report, events, notices and
// metrics. Invariant: a change that lasts under a second is not reported; a change
// that takes a backend out or brings it back is reported at once. New visitors are
// routed by the actual state. Pure.
import type { State } from '../sentinels/reports.ts'
import type { Snapshot } from '../sentinels/snapshot.ts'

export type ReportedState = {
  readonly state: State
  /** when the backend left this state, by the monotonic clock; null = still in it */
  readonly leftMs: number | null
}

/** How long a change must last: a full garbage collection of Plone is shorter. */
export const lastingMs = 1_000

/**
 * @param state as it is judged now
 * @returns the reported state; the same object if nothing has changed
 */
export function nextReported(
  told: ReportedState,
  state: State,
  nowMs: number,
): ReportedState {
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

/**
 * The directory as notices and events report it: the share of a backend matches its
 * reported state, so that a pool changes when its members do.
 *
 * @param told the reported state of each backend; `cold` = its warm-up is not over
 */
export function reportedSnapshot(
  snapshot: Snapshot,
  told: ReadonlyMap<
    string,
    { readonly state: string; readonly cold?: boolean }
  >,
): Snapshot {
  return {
    ...snapshot,
    backends: new Map(
      [...snapshot.backends].map(([name, sentinels]) => {
        const { state, cold = false } = told.get(name) ?? { state: '' }
        const share = toldShare(sentinels.share, state, cold)
        return [name, { ...sentinels, share }]
      }),
    ),
  }
}

function toldShare(
  share: number | null,
  state: string,
  isCold: boolean,
): number | null {
  if (share === null) return null
  if (state === 'slow' || state === 'busy') return 0
  const isServing = state === 'up' || (state === 'warming' && !isCold)
  return isServing && share === 0 ? 100 : share
}

/** A change to or from any other state is reported at once: it affects all visitors. */
function isInService(state: State): boolean {
  return ['up', 'warming', 'slow', 'busy'].includes(state)
}
