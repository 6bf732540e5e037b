// What the answer to a warm-up page means. Pure. Invariant: a misconfigured page is
// reported and keeps no backend out.
import { describe, type Outcome } from './outcome.ts'

export type PageResult = {
  /** it was answered in time and is a page */
  readonly isGood: boolean
  /** what the operator should change; null = nothing */
  readonly complaint: string | null
}

/**
 * @param outcome of the request; every status passes
 * @param ms how long it took
 * @param slowMs the limit of `slow`
 * @param location where a redirect leads to; '' = nowhere
 */
export function judgePage(
  outcome: Outcome,
  ms: number,
  slowMs: number,
  location: string,
): PageResult {
  if (outcome.kind !== 'pass' || 'by' in outcome) return failed(outcome)
  const { status } = outcome
  const isInTime = ms <= slowMs
  if (status >= 500)
    return {
      isGood: false,
      complaint: `status ${status}: check Zope's own log`,
    }
  if (status >= 400)
    return {
      isGood: isInTime,
      complaint: `status ${status}, which warms nothing: choose a page that exists and needs no login; the pool's "site" sets which Zope object visitors see as /`,
    }
  if (status >= 300)
    return {
      isGood: isInTime,
      complaint: `status ${status}${location === '' ? '' : ` to ${location}`}, which warms nothing: choose the page it redirects to, one that needs no login`,
    }
  return { isGood: isInTime, complaint: null }
}

function failed(outcome: Outcome): PageResult {
  // a late header or an endless body; the probes find all other problems
  const isEndless =
    outcome.kind === 'first-byte-timeout' || outcome.kind === 'timeout'
  return {
    isGood: false,
    complaint: isEndless
      ? `${describe(outcome)}: choose a page that renders within seconds`
      : null,
  }
}
