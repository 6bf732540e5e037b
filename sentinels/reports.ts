// What the two programs tell about themselves in files of the directory:
// monitor.json (contract 1) and rewritemap-PID.json.

/** What the monitor makes of a backend. */
export const states = ['unknown', 'up', 'slow', 'warming', 'down'] as const
export type State = (typeof states)[number]

/** One probe, as the report keeps the last of them. */
export type ProbeRecord = {
  /** RFC 3339 */
  readonly at: string
  /** an outcome's code (monitor/outcome.ts) */
  readonly outcome: string
  readonly ms: number
}

export type BackendReport = {
  readonly state: State
  /** RFC 3339: when this state began */
  readonly since: string
  /** one sentence */
  readonly reason: string
  /** percent of its weight; null = not up */
  readonly share: number | null
  /** passes (positive) or failures (negative) in a row */
  readonly streak: number
  /** oldest first, at most 64 */
  readonly probes: readonly ProbeRecord[]
}

export type MonitorReport = {
  readonly version: string
  readonly pid: number
  readonly started: string
  readonly written: string
  readonly config: string
  readonly backends: Readonly<Record<string, BackendReport>>
}

/** Kept by each running map program, rewritten once a second. */
export type MapReport = {
  readonly version: string
  readonly pid: number
  readonly started: string
  readonly written: string
  readonly config: string
  /** sentences: what is wrong with directory, files or configuration now */
  readonly problems: readonly string[]
  readonly lookups: number
  /** lookups that were malformed, too long, or for an unknown pool */
  readonly malformed: number
  /** lookups answered NULL although well-formed */
  readonly unanswered: number
  /** bugs caught in the answer path */
  readonly faults: number
  /** tables taken over */
  readonly tables: number
  readonly answers: Readonly<Record<string, number>>
}

/** Which backends the monitor has judged, out of monitor.json; [] of rubbish. */
export function judgedBackends(text: string): string[] {
  const backends = parseReport(text)?.['backends']
  return Object.entries(isRecord(backends) ? backends : {})
    .filter(
      ([, backend]) => isRecord(backend) && backend['state'] !== 'unknown',
    )
    .map(([name]) => name)
}

/** A report file as a value; undefined when it is not a JSON object. */
export function parseReport(
  text: string,
): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : undefined
  } catch {
    // JSON.parse throws of its input only
    return undefined
  }
}

/** Enough of its form to be shown; the rest was written by the same version. */
export function isMonitorReport(value: unknown): value is MonitorReport {
  return (
    isRecord(value) &&
    typeof value['pid'] === 'number' &&
    isRecord(value['backends'])
  )
}

/** As for `isMonitorReport`. */
export function isMapReport(value: unknown): value is MapReport {
  return (
    isRecord(value) &&
    typeof value['pid'] === 'number' &&
    typeof value['lookups'] === 'number' &&
    Array.isArray(value['problems'])
  )
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
