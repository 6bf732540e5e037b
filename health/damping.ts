// A backend that goes down repeatedly is kept out longer each time, so that a
// flapping backend changes the route a bounded number of times. Taking it out is
// never delayed. Pure.

/** Its recent failures: 1 for each time it went down, halved every five minutes. */
export type Flips = { readonly penalty: number; readonly atMs: number }
export const noFlips: Flips = { penalty: 0, atMs: 0 }

const halfLifeMs = 300_000
/** two in a row are normal for a backend that is restarted by hand */
const freeFlips = 2.5
const maxHoldMs = 120_000

/** Counts one more failure. */
export function flipped(flips: Flips, nowMs: number): Flips {
  return { penalty: penaltyAt(flips, nowMs) + 1, atMs: nowMs }
}

/** How long it must pass without a failure before it is up again. */
export function dampedMs(flips: Flips, nowMs: number): number {
  const penalty = penaltyAt(flips, nowMs)
  return penalty < freeFlips
    ? 0
    : Math.min(maxHoldMs, 1_000 * 2 ** (penalty - 1))
}

function penaltyAt({ penalty, atMs }: Flips, nowMs: number): number {
  return penalty * 2 ** (-(nowMs - atMs) / halfLifeMs)
}
