// Which state of a backend is reported: in the log, the report, events, notices and
// metrics. Invariant: a change that lasts under a second is not reported, nor is a
// single late answer; a change that takes a backend out or brings it back is reported
// at once. New visitors are routed by the actual state. Pure.
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
 * @param lateAnswers how many probes in a row were answered too late: after the first
 *   of them the next one decides, a fraction of a second later
 * @returns the reported state; the same object if nothing has changed
 */
export function nextReported(
  reported: ReportedState,
  state: State,
  lateAnswers: number,
  nowMs: number,
): ReportedState {
  if (state === reported.state)
    return reported.leftMs === null ? reported : { state, leftMs: null }
  const leftMs = reported.leftMs ?? nowMs
  const isReportable =
    !isInService(state) ||
    !isInService(reported.state) ||
    (nowMs - leftMs >= lastingMs && !(state === 'slow' && lateAnswers === 1))
  if (isReportable) return { state, leftMs: null }
  return reported.leftMs === null ? { ...reported, leftMs } : reported
}

/**
 * The directory as notices and events report it: the share of a backend matches its
 * reported state, so that a pool changes when its members do.
 *
 * @param reported the reported state of each backend; `cold` = its warm-up is not over
 */
export function reportedSnapshot(
  snapshot: Snapshot,
  reported: ReadonlyMap<
    string,
    { readonly state: string; readonly cold?: boolean }
  >,
): Snapshot {
  return {
    ...snapshot,
    backends: new Map(
      [...snapshot.backends].map(([name, sentinels]) => {
        const { state, cold = false } = reported.get(name) ?? { state: '' }
        const share = reportedShare(sentinels.share, state, cold)
        return [name, { ...sentinels, share }]
      }),
    ),
  }
}

function reportedShare(
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
