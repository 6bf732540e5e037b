// Durations as the configuration and the command line write them.

const unitMs = new Map([
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
])

/**
 * Milliseconds of a duration such as `250ms`, `2s`, `5m` or `1h`; undefined for
 * anything else (a bare number included: its unit would be a guess).
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text)
  const unit = unitMs.get(match?.[2] ?? '')
  if (unit === undefined) return undefined
  const ms = Math.round(Number(match?.[1]) * unit)
  return Number.isSafeInteger(ms) ? ms : undefined
}

/**
 * The shortest exact spelling of a duration: 1500 is `1500ms`, 2000 is `2s`.
 */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  for (const [unit, size] of unitMs)
    if (ms % size === 0) return `${ms / size}${unit}`
  return `${ms}ms`
}
