// The impact of one fault on visitors, from their requests. Pure.
import { failuresOf, type Sample } from '../../lab/load.ts'

/** All times are from the same clock. */
export type Span = {
  /** the load began */
  readonly beginMs: number
  /** the fault began */
  readonly faultMs: number
  /** it was over: every Zope could answer again */
  readonly returnMs: number
  /** the load ended */
  readonly untilMs: number
}

export type Visits = {
  /** clients with a kept-alive connection */
  readonly kept: readonly Sample[]
  /** new visitors, one every `everyMs` */
  readonly fresh: readonly Sample[]
}

export type Impact = {
  readonly requests: number
  readonly failedKept: number
  readonly failedFresh: number
  /** failed requests that got a 503 with Retry-After */
  readonly turnedAway: number
  /** for how long new visitors failed or waited over a second */
  readonly badMs: number
  /** the longest time without a good answer to a new visitor */
  readonly gapMs: number
  /** from the return to the first good answer; null = there was none */
  readonly firstGoodMs: number | null
}

/** one new visitor in this many ms */
export const everyMs = 50
/** a longer wait counts as impact on a new visitor */
const slowMs = 1_000

export function isBad(sample: Sample): boolean {
  return sample.status !== 200 || sample.endMs - sample.startMs > slowMs
}

/** Each new visitor represents the `everyMs` until the next one. */
export function impactOf({ kept, fresh }: Visits, span: Span): Impact {
  const failed = failuresOf([...kept, ...fresh])
  const failedFresh = fresh.filter(({ status }) => status !== 200).length
  const goodMs = fresh
    .filter(({ status }) => status === 200)
    .map(({ endMs }) => endMs)
    .toSorted((one, other) => one - other)
  const marks = [span.beginMs, ...goodMs, span.untilMs]
  const first = goodMs.find(endMs => endMs >= span.returnMs)
  return {
    requests: kept.length + fresh.length,
    failedKept: failed.length - failedFresh,
    failedFresh,
    turnedAway: failed.filter(
      ({ status, retryAfter }) => status === 503 && retryAfter !== undefined,
    ).length,
    badMs: fresh.filter(isBad).length * everyMs,
    gapMs: Math.max(
      ...marks.slice(1).map((mark, i) => mark - (marks[i] ?? mark)),
    ),
    firstGoodMs: first === undefined ? null : first - span.returnMs,
  }
}
