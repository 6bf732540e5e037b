// The observations that are worth an immediate probe. Pure: time is an
// argument. Invariant: however many requests fail, the directory is written
// only a few times a second. The monitor decides; an observer only requests a
// probe.
import type { Signal, Observation } from './line.ts'

/** The monitor makes at most two probes a second because of suspicions. */
const failureGapMs = 500
/**
 * An error page shows that the backend is alive; it can be one broken page that
 * is requested all day.
 */
const errorGapMs = 5_000
/** Older lines (a full pipe, BufferedLogs) say nothing about the present. */
const maxAgeMs = 10_000
/** The resolution of the time of the last good answer. */
const servedGapMs = 1_000

type ObserverAction = 'suspect' | 'served' | 'nothing'

export class SuspicionFilter {
  /** by backend: when it was last suspected, and when it last served */
  readonly #suspectedMs = new Map<string, number>()
  readonly #servedMs = new Map<string, number>()

  /**
   * @param atMs end of the request, ms since 1970
   * @param nowMs the same clock now
   */
  actionFor(
    { backend, signal }: Observation,
    atMs: number,
    nowMs: number,
  ): ObserverAction {
    if (signal === 'good') {
      if (!isOver(this.#servedMs.get(backend), servedGapMs, atMs))
        return 'nothing'
      this.#servedMs.set(backend, atMs)
      return 'served'
    }
    if (nowMs - atMs > maxAgeMs) return 'nothing'
    if (!isOver(this.#suspectedMs.get(backend), gapOf(signal), nowMs))
      return 'nothing'
    this.#suspectedMs.set(backend, nowMs)
    return 'suspect'
  }
}

/** A clock that was set back delays the next one by a gap at most. */
function isOver(
  sinceMs: number | undefined,
  gapMs: number,
  nowMs: number,
): boolean {
  return sinceMs === undefined || Math.abs(nowMs - sinceMs) >= gapMs
}

function gapOf(signal: Exclude<Signal, 'good'>): number {
  switch (signal) {
    case 'error':
      return errorGapMs
    case 'refused':
    case 'lost':
    case 'timeout':
      return failureGapMs
  }
}
