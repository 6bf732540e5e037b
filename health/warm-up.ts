// What the answer to a warm-up page says. Pure. Invariant: a page that is named
// wrongly is reported, and keeps no backend out.
import { describe } from './outcome.ts'
import type { Outcome } from './outcome.ts'

export type PageSeen = {
  /** it was answered in time, and it is a page */
  readonly isGood: boolean
  /** what a person should change; null = nothing */
  readonly complaint: string | null
}

/**
 * @param outcome of the request, every status passes
 * @param ms how long it took
 * @param slowMs the limit of `slow`
 * @param location where a redirect leads to; '' = nowhere
 */
export function judgePage(
  outcome: Outcome,
  ms: number,
  slowMs: number,
  location: string,
): PageSeen {
  if (outcome.kind !== 'pass' || 'by' in outcome) return failed(outcome)
  const { status } = outcome
  const isInTime = ms <= slowMs
  if (status >= 500)
    return {
      isGood: false,
      complaint: `status ${status}: look at Zope's own log`,
    }
  if (status >= 400)
    return {
      isGood: isInTime,
      complaint: `status ${status}, which warms nothing: name a page that is there and needs no login; "site" of the pool says where Zope has what visitors see`,
    }
  if (status >= 300)
    return {
      isGood: isInTime,
      complaint: `status ${status}${location === '' ? '' : ` to ${location}`}, which warms nothing: name the page it leads to, one that needs no login`,
    }
  return { isGood: isInTime, complaint: null }
}

function failed(outcome: Outcome): PageSeen {
  // the head came late, or the body has no end; what else ails it, probes find
  const isEndless =
    outcome.kind === 'first-byte-timeout' || outcome.kind === 'timeout'
  return {
    isGood: false,
    complaint: isEndless
      ? `${describe(outcome)}: name a page that is made within seconds`
      : null,
  }
}
