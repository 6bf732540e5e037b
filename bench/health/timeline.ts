// What one checker made of one fault, from what it said over time. Pure.

/** What a checker says of one backend. */
export type Word =
  /** new visitors may get it */
  | 'in'
  /** new visitors go elsewhere, visitors stay */
  | 'last'
  /** down */
  | 'out'

/** A change: from then on it said so. */
export type StateChange = { readonly atMs: number; readonly word: Word }

/** A fault: from `beginMs` to `endMs`; `untilMs` is when watching ended. */
export type Span = {
  readonly beginMs: number
  readonly endMs: number
  readonly untilMs: number
}

/** Times in ms; null = it never came. */
export type FaultTiming = {
  /** from the fault until new visitors would go elsewhere */
  readonly elsewhereMs: number | null
  /** from the fault until down */
  readonly downMs: number | null
  /**
   * from the fault's end until new visitors may come, to stay; null: never out, or
   * not back
   */
  readonly backMs: number | null
  /** it was not back when watching ended */
  readonly isLost: boolean
  /** new visitors were let in again while the fault lasted */
  readonly isEarly: boolean
  /** changes between in and not in, while watched */
  readonly flips: number
}

/** a checker may see the end sooner than we do */
const graceMs = 1_000

export function findingOf(
  changes: readonly StateChange[],
  span: Span,
): FaultTiming {
  const { beginMs, endMs, untilMs } = span
  const before = changes.findLast(({ atMs }) => atMs < beginMs)?.word ?? 'in'
  const seen = changes.filter(({ atMs }) => atMs >= beginMs && atMs <= untilMs)
  const words = [{ atMs: beginMs, word: before }, ...seen]
  const firstWhen = (is: (word: Word) => boolean): number | null => {
    const first = words.find(({ atMs, word }) => atMs <= endMs && is(word))
    return first === undefined ? null : first.atMs - beginMs
  }
  const isBack = words.at(-1)?.word === 'in'
  const wasAway = words.some(({ word }) => word !== 'in')
  const inAgain = words.filter(
    ({ word }, i) => i > 0 && word === 'in' && words[i - 1]?.word !== 'in',
  )
  const last = inAgain.at(-1)
  const flips = words.filter(
    ({ word }, i) => i > 0 && (word === 'in') !== (words[i - 1]?.word === 'in'),
  ).length
  return {
    elsewhereMs: firstWhen(word => word !== 'in'),
    downMs: firstWhen(word => word === 'out'),
    backMs:
      isBack && last !== undefined ? Math.max(0, last.atMs - endMs) : null,
    isLost: wasAway && !isBack,
    isEarly: inAgain.some(({ atMs }) => atMs < endMs - graceMs),
    flips,
  }
}
