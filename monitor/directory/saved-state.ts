// What the monitor writes to monitor.json, and what it reads back at its start.
import { namePattern } from '../../config/config.ts'
import {
  parseReport,
  states,
  type BackendReport,
  type ProbeRecord,
} from '../../sentinels/reports.ts'
import type { Snapshot } from '../../sentinels/snapshot.ts'
import type { Health } from '../../health/health.ts'
import type { SavedState } from '../../health/light.ts'

/** How many probes of each backend are reported, so that the file stays small. */
export function probesReported(backends: number): number {
  return Math.max(4, Math.min(64, Math.floor(2_000 / backends)))
}

/**
 * @param isKept it stays in as a last resort: its pool has too few left
 * @param since RFC 3339: when this state began
 */
export function backendReport(
  health: Health,
  share: number | null,
  isKept: boolean,
  probes: readonly ProbeRecord[],
  since: string,
): BackendReport {
  return {
    state: health.state,
    since,
    reason: [
      health.reason,
      ...(health.deep.remark === null ? [] : [health.deep.remark]),
      ...(isKept ? ['kept as last resort by minAlive'] : []),
    ].join('; '),
    share,
    streak: health.light.streak,
    ...(health.light.cold !== null && { cold: true }),
    probes,
  }
}

/** What an earlier monitor's report says about its backends. */
type FormerReport = ReadonlyMap<
  string,
  {
    readonly state: string
    readonly since: number
    /** it was warming up */
    readonly isCold?: boolean
  }
>

/** Reads a former monitor.json; its content is not trusted. */
export function parseFormerReport(text: string): FormerReport {
  const former = new Map<
    string,
    { state: string; since: number; isCold?: boolean }
  >()
  const backends = parseReport(text)?.['backends']
  if (typeof backends !== 'object' || backends === null) return former
  for (const [name, reported] of Object.entries(backends)) {
    const value: unknown = reported
    // a file of this name may be removed later: it must not become a path
    if (!namePattern.test(name)) continue
    if (typeof value !== 'object' || value === null) continue
    const state: unknown = Reflect.get(value, 'state')
    const since = Date.parse(String(Reflect.get(value, 'since')))
    const known = states.find(one => one === state)
    const isCold = Reflect.get(value, 'cold') === true
    if (known !== undefined)
      former.set(name, { state: known, since, ...(isCold && { isCold }) })
  }
  return former
}

/**
 * The verdict to start from: `.up` if it exists; else `down` if monitor.json says
 * so. And since when that holds, if known.
 */
export function savedState(
  name: string,
  snapshot: Snapshot,
  former: FormerReport,
  nowMs: number,
): { readonly verdict: SavedState; readonly since: string } {
  const share = snapshot.backends.get(name)?.share ?? null
  const reported = former.get(name)
  const verdict: SavedState =
    share !== null
      ? {
          kind: 'up',
          share,
          ...(reported?.isCold === true && { isCold: true }),
        }
      : { kind: isOut(reported) ? 'down' : 'none' }
  // a time in the future, or none at all, cannot be its beginning
  const isKnown =
    reported !== undefined &&
    reported.since <= nowMs &&
    isOut(reported) === (verdict.kind === 'down')
  return {
    verdict,
    since: new Date(isKnown ? reported.since : nowMs).toISOString(),
  }
}

function isOut(reported: { readonly state: string } | undefined): boolean {
  return (
    reported !== undefined &&
    ['down', 'frozen', 'cut-off'].includes(reported.state)
  )
}
