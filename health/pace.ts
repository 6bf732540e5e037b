// How often a backend is asked, and how long its answer may take before new visitors
// go elsewhere: learned from its own answers, within what the settings allow. Pure.
import type { ProbeSettings } from '../config/config.ts'
import { longestPauseMs, withPause } from './heartbeat.ts'
import type { Heartbeat, Pause } from './heartbeat.ts'

export type Pace = {
  /** answers in time so far; from `enough` on they say something */
  readonly count: number
  /** how long they usually take: a moving average, as of RFC 6298 */
  readonly usualMs: number
  /** its long answers in time of the last ten minutes, as `withPause` keeps them */
  readonly longest: readonly Pause[]
}

export type PaceSettings = Pick<
  ProbeSettings,
  'intervalMs' | 'quickIntervalMs' | 'slowMs' | 'leastSlowMs'
>

export const noPace: Pace = { count: 0, usualMs: 0, longest: [] }

const enough = 3
/** what probes may take of one worker, for them to come more often */
const cheapShare = 0.02
const newestCounts = 1 / 8

/** One more answer that came in time. */
export function learned(
  { count, usualMs, longest }: Pace,
  ms: number,
  { leastSlowMs }: Pick<PaceSettings, 'leastSlowMs'>,
  nowMs: number,
): Pace {
  return {
    count: Math.min(count + 1, enough),
    usualMs: count === 0 ? ms : usualMs + newestCounts * (ms - usualMs),
    longest: withPause(longest, { atMs: nowMs, ms }, leastSlowMs),
  }
}

/**
 * After how long the probe in flight is overdue: twice the longest answer or pause of
 * the last ten minutes, from `leastSlowMs` to `slowMs`. A page that is usually there
 * in 5 ms waits for a free worker when it takes 300 ms. In a Plone that stops half a
 * second for garbage it means nothing.
 */
export function overdueMs(
  { count, longest }: Pace,
  { pauses }: Pick<Heartbeat, 'pauses'>,
  { slowMs, leastSlowMs }: PaceSettings,
): number {
  if (count < enough) return slowMs
  const usual = 2 * Math.max(longestPauseMs(longest), longestPauseMs(pauses))
  return Math.min(slowMs, Math.max(leastSlowMs, usual))
}

/** Between two probes while all is well: shorter where they cost next to nothing. */
export function wellIntervalMs(
  { count, usualMs }: Pace,
  { intervalMs, quickIntervalMs }: PaceSettings,
): number {
  return count >= enough && usualMs <= cheapShare * quickIntervalMs
    ? Math.min(intervalMs, quickIntervalMs)
    : intervalMs
}
