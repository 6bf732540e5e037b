// Whether this machine is worth sending visitors to: what httpd answers, what the
// pool says, and what an administrator wants, put together. Pure.
import { candidatesOf } from '../choice/choose.ts'
import type { TablePool } from '../choice/table.ts'
import type { FrontSettings } from '../config/config.ts'
import type { AdminKind } from '../sentinels/names.ts'
import type { FrontState } from '../sentinels/reports.ts'
import { findingOf } from './map-health.ts'
import type { MapAnswer, MapFinding } from './map-health.ts'

/** What came of one question to httpd, or to Squid. */
export type FrontAnswer =
  | MapAnswer
  /** this very process did not run meanwhile */
  | { readonly kind: 'starved'; readonly lateMs: number }

/** What an answer means. */
export type FrontLook = {
  /** starved = it says nothing */
  readonly outcome: 'pass' | 'fail' | 'starved'
  /** the end of a sentence about the program that was asked */
  readonly reason: string
}

/** Serves without the map program, too: the generated rules have a fallback. */
const servingStates: ReadonlySet<MapFinding['state']> = new Set<
  MapFinding['state']
>(['ok', 'dead', 'odd', 'out-of-step'])

/**
 * @param url what was asked: for the path of the map, the generated rules must have
 *   answered; for any other, a status below 400 is enough
 */
export function lookOf(answer: FrontAnswer, url: string): FrontLook {
  switch (answer.kind) {
    case 'starved':
      return {
        outcome: 'starved',
        reason: `the monitor itself stood still for ${answer.lateMs} ms`,
      }
    case 'timeout':
      return {
        outcome: 'fail',
        reason: `no answer within ${answer.limitMs} ms`,
      }
    case 'error':
      return { outcome: 'fail', reason: `no answer (${answer.error})` }
    case 'answer': {
      const { status } = answer
      if (!url.endsWith('/.zope-failover/map'))
        return {
          outcome: status < 400 ? 'pass' : 'fail',
          reason: `answers with status ${status}`,
        }
      const { state, reason } = findingOf(answer)
      const isServing = servingStates.has(state)
      return {
        outcome: isServing ? 'pass' : 'fail',
        reason: isServing ? 'answers' : reason,
      }
    }
  }
}

/** What the looks so far have shown. */
export type FrontSight = {
  /** null = not known yet */
  readonly isAnswering: boolean | null
  /** passes (positive) or failures (negative) in a row */
  readonly streak: number
  /** of the last look that counted */
  readonly reason: string
}

export const firstSight: FrontSight = {
  isAnswering: null,
  streak: 0,
  reason: 'was not asked yet',
}

/** `fall` failures in a row change it, or `rise` passes; the first pass counts at once. */
export function nextSight(
  sight: FrontSight,
  { outcome, reason }: FrontLook,
  { fall, rise }: Pick<FrontSettings, 'fall' | 'rise'>,
): FrontSight {
  if (outcome === 'starved') return sight
  const isPass = outcome === 'pass'
  const streak = isPass
    ? Math.max(0, sight.streak) + 1
    : Math.min(0, sight.streak) - 1
  const isEnough = isPass
    ? streak >= rise || sight.isAnswering === null
    : streak <= -fall
  return {
    isAnswering: isEnough ? isPass : sight.isAnswering,
    streak,
    reason,
  }
}

export type FrontVerdict = {
  readonly state: FrontState
  /** what `front.up` is to hold; null = it is not there; undefined = as it was */
  readonly score: 100 | 50 | null | undefined
  /** one sentence */
  readonly reason: string
}

/** What counts for `front.up`. */
export type FrontEvidence = {
  readonly sight: FrontSight
  /** where new visitors go; undefined = the backends are not all judged yet */
  readonly pool: TablePool | undefined
  /** the administrator's file that comes first */
  readonly admin: AdminKind | undefined
}

/**
 * Coarse on purpose: an address that moves breaks the answers under way, so it must
 * not move for load or for a small difference.
 */
export function judgeFront(
  { sight, pool, admin }: FrontEvidence,
  minScore: FrontSettings['minScore'],
): FrontVerdict {
  const { state, score, reason } = ownVerdict(sight, pool)
  switch (admin) {
    case 'maint':
    case 'drain':
      return { state, score: null, reason }
    case 'force':
      return { state, score: 100, reason }
    case undefined:
      return {
        state,
        score: typeof score === 'number' && score < minScore ? null : score,
        reason,
      }
  }
}

function ownVerdict(
  { isAnswering, reason }: FrontSight,
  pool: TablePool | undefined,
): FrontVerdict {
  if (isAnswering === false)
    return { state: 'silent', score: null, reason: `the front ${reason}` }
  if (isAnswering === null)
    return { state: 'unknown', score: undefined, reason: `the front ${reason}` }
  if (pool === undefined)
    return {
      state: 'unknown',
      score: undefined,
      reason: 'the front answers; its backends are not all judged yet',
    }
  const newcomers = candidatesOf(pool.members)
  const names = newcomers.map(({ name }) => name).join(', ')
  const level = newcomers[0]?.preference
  if (level === undefined)
    return {
      state: 'nobody',
      score: null,
      reason: `the front answers, but no backend of pool ${pool.name} can serve`,
    }
  return level === 0
    ? {
        state: 'up',
        score: 100,
        reason: `the front answers, new visitors go to ${names}`,
      }
    : {
        state: 'last-resort',
        score: 50,
        reason: `the front answers, but only last resorts are left: ${names}`,
      }
}
