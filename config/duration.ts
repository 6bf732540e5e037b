// Durations as the configuration and the command line write them.

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

/**
 * Milliseconds of a duration such as `250ms`, `2s`, `5m` or `1h`; undefined for
 * anything else (a bare number included: its unit would be a guess).
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text)
  if (match === null) return undefined
  const unit = match[2] as keyof typeof unitMs
  const ms = Math.round(Number(match[1]) * unitMs[unit])
  return Number.isSafeInteger(ms) ? ms : undefined
}

/** The shortest exact spelling of a duration: 1500 is `1500ms`, 2000 is `2s`. */
export function formatDuration(ms: number): string {
  if (ms !== 0) {
    for (const unit of ['h', 'm', 's'] as const)
      if (ms % unitMs[unit] === 0) return `${ms / unitMs[unit]}${unit}`
  }
  return ms === 0 ? '0s' : `${ms}ms`
}
