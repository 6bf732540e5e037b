// monitor.json and back: what the monitor knows, and what an earlier one knew.
import { namePattern } from '../../config/config.ts'
import type { BackendReport, ProbeRecord } from '../../sentinels/reports.ts'
import { parseReport, states } from '../../sentinels/reports.ts'
import type { Snapshot } from '../../sentinels/snapshot.ts'
import type { Health } from '../../health/health.ts'
import type { SavedVerdict } from '../../health/light.ts'

/** How many probes of each backend are told, so that the file stays small. */
export function probesTold(backends: number): number {
  return Math.max(4, Math.min(64, Math.floor(2_000 / backends)))
}

/**
 * @param isKept it stays in as a last resort, for its pool has too few left
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

/** What an earlier monitor's report says of its backends. */
export type FormerReport = ReadonlyMap<
  string,
  {
    readonly state: string
    readonly since: number
    /** it was warming up */
    readonly isCold?: boolean
  }
>

/** Reads a former monitor.json; nothing in it is relied on. */
export function parseFormerReport(text: string): FormerReport {
  const former = new Map<
    string,
    { state: string; since: number; isCold?: boolean }
  >()
  const backends = parseReport(text)?.['backends']
  if (typeof backends !== 'object' || backends === null) return former
  for (const [name, told] of Object.entries(backends)) {
    const value: unknown = told
    // a name becomes that of a file that is removed: no path may come of it
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
 * The verdict to start from (contract 6): `.up` there, or monitor.json calling
 * the backend down; and since when that holds, if it is known.
 */
export function savedVerdict(
  name: string,
  snapshot: Snapshot,
  former: FormerReport,
  nowMs: number,
): { readonly verdict: SavedVerdict; readonly since: string } {
  const share = snapshot.backends.get(name)?.share ?? null
  const told = former.get(name)
  const verdict: SavedVerdict =
    share !== null
      ? { kind: 'up', share, ...(told?.isCold === true && { isCold: true }) }
      : { kind: isOut(told) ? 'down' : 'none' }
  // a time of the future, or none at all, cannot be when it began
  const isKnown =
    told !== undefined &&
    told.since <= nowMs &&
    isOut(told) === (verdict.kind === 'down')
  return {
    verdict,
    since: new Date(isKnown ? told.since : nowMs).toISOString(),
  }
}

function isOut(told: { readonly state: string } | undefined): boolean {
  return (
    told !== undefined && ['down', 'frozen', 'cut-off'].includes(told.state)
  )
}
