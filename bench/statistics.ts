// Statistics of many measured times. Machines are shared and noisy, so speed is
// reported as the median over alternating rounds, and judged as a ratio between
// two programs of the same round.

/** Nearest rank: the smallest value not exceeded by at least `share` of all. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN
  const rank = Math.ceil(share * sorted.length)
  return sorted[Math.min(Math.max(rank, 1), sorted.length) - 1] ?? Number.NaN
}

/** The middle one, or the mean of the two in the middle; NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN
  return (lower + upper) / 2
}

/** One program's round trips in one round, or the medians of many rounds. */
export type RoundTrips = {
  readonly perSecond: number
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
}

/** @param tookNs time of each round trip, in any order */
export function summarise(tookNs: Uint32Array): RoundTrips {
  const sorted = tookNs.toSorted()
  const sumNs = sorted.reduce((sum, ns) => sum + ns, 0)
  return {
    perSecond: (sorted.length * 1e9) / sumNs,
    p50Us: percentile(sorted, 0.5) / 1000,
    p99Us: percentile(sorted, 0.99) / 1000,
    p999Us: percentile(sorted, 0.999) / 1000,
  }
}

export function medianOfRounds(rounds: readonly RoundTrips[]): RoundTrips {
  return {
    perSecond: median(rounds.map(round => round.perSecond)),
    p50Us: median(rounds.map(round => round.p50Us)),
    p99Us: median(rounds.map(round => round.p99Us)),
    p999Us: median(rounds.map(round => round.p999Us)),
  }
}

/**
 * Compares two programs: the median of the ratios of each round, so that a
 * burst of foreign load during a whole round has no effect.
 */
export function medianRatio(
  values: readonly number[],
  references: readonly number[],
): number {
  return median(
    values.flatMap((value, round) => {
      const reference = references[round]
      return reference === undefined ? [] : [value / reference]
    }),
  )
}

/**
 * Splits the driver's output into `[round][program]`; drops an unfinished last
 * round.
 */
export function cutRounds(
  tookNs: Uint32Array,
  programs: number,
  lookups: number,
): Uint32Array[][] {
  const rounds = Math.floor(tookNs.length / (programs * lookups))
  return Array.from({ length: rounds }, (_round, round) =>
    Array.from({ length: programs }, (_program, program) => {
      const start = (round * programs + program) * lookups
      return tookNs.subarray(start, start + lookups)
    }),
  )
}
