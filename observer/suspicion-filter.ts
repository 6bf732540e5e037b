// Which observations are worth a probe at once. Pure: time comes in. What must
// hold: however many requests fail, the directory is touched a few times a
// second; the monitor decides, an observer only asks it to look.
import type { Signal, Observation } from './line.ts'

/** Two probes a second is what the monitor does for a suspicion (contract 6). */
const failureGapMs = 500
/**
 * An error page shows that the backend lives; it can be one broken page that
 * somebody reloads all day.
 */
const errorGapMs = 5_000
/** Older lines (a full pipe, BufferedLogs) say nothing of now. */
const maxAgeMs = 10_000
/** The time of the last good answer is kept to this grain. */
const servedGapMs = 1_000

export type ObserverAction = 'suspect' | 'served' | 'nothing'

export class SuspicionFilter {
  /** by backend: when it was suspected, and last known to have served */
  readonly #suspectedMs = new Map<string, number>()
  readonly #servedMs = new Map<string, number>()

  /**
   * @param atMs end of the request, ms since 1970
   * @param nowMs the same clock now
   */
  actionFor(
    { backend, signal: finding }: Observation,
    atMs: number,
    nowMs: number,
  ): ObserverAction {
    if (finding === 'good') {
      if (!isOver(this.#servedMs.get(backend), servedGapMs, atMs))
        return 'nothing'
      this.#servedMs.set(backend, atMs)
      return 'served'
    }
    if (nowMs - atMs > maxAgeMs) return 'nothing'
    if (!isOver(this.#suspectedMs.get(backend), gapOf(finding), nowMs))
      return 'nothing'
    this.#suspectedMs.set(backend, nowMs)
    return 'suspect'
  }
}

/** A clock that was set back must not silence anybody: only for a gap's time. */
function isOver(
  sinceMs: number | undefined,
  gapMs: number,
  nowMs: number,
): boolean {
  return sinceMs === undefined || Math.abs(nowMs - sinceMs) >= gapMs
}

function gapOf(finding: Exclude<Signal, 'good'>): number {
  switch (finding) {
    case 'error':
      return errorGapMs
    case 'refused':
    case 'lost':
    case 'timeout':
      return failureGapMs
  }
}
