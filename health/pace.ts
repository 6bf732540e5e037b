// How often a backend is probed, and how long its answer may take before new visitors
// go elsewhere: learned from its own answers, within the configured limits. Pure.
import type { ProbeSettings } from '../config/config.ts'
import {
  longestPauseMs,
  withPause,
  type Heartbeat,
  type Pause,
} from './heartbeat.ts'

export type Pace = {
  /** answers in time so far; fewer than `enough` say nothing */
  readonly count: number
  /** how long they usually take: a moving average as in RFC 6298 */
  readonly usualMs: number
  /** the longest in-time answers of the last ten minutes, as `withPause` keeps them */
  readonly longest: readonly Pause[]
}

export type PaceSettings = Pick<
  ProbeSettings,
  'intervalMs' | 'quickIntervalMs' | 'slowMs' | 'leastSlowMs'
>

export const noPace: Pace = { count: 0, usualMs: 0, longest: [] }

const enough = 3
/** probes come more often if they use no more than this part of one worker */
const cheapShare = 0.02
const newestCounts = 1 / 8

/** Adds one more answer that came in time. */
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
 * When the probe in flight is overdue: after twice the longest answer or pause of the
 * last ten minutes, between `leastSlowMs` and `slowMs`. A page that usually takes 5 ms
 * is waiting for a free worker when it takes 300 ms. In a Plone that stops half a
 * second for garbage collection that means nothing.
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

/** Between two probes while all is well: shorter where probes cost next to nothing. */
export function wellIntervalMs(
  { count, usualMs }: Pace,
  { intervalMs, quickIntervalMs }: PaceSettings,
): number {
  return count >= enough && usualMs <= cheapShare * quickIntervalMs
    ? Math.min(intervalMs, quickIntervalMs)
    : intervalMs
}
