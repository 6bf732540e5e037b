// Whether this machine should get visitors: combines what httpd answers, the state
// of the pool and what an administrator wants. Pure.
import { candidatesOf } from '../choice/choose.ts'
import type { TablePool } from '../choice/table.ts'
import type { FrontSettings } from '../config/config.ts'
import type { AdminKind } from '../sentinels/names.ts'
import type { FrontState } from '../sentinels/reports.ts'
import { diagnose, type MapAnswer, type MapDiagnosis } from './map-health.ts'

/** The result of one request to httpd or Squid. */
export type FrontAnswer =
  | MapAnswer
  /** this process itself did not run meanwhile */
  | { readonly kind: 'starved'; readonly lateMs: number }
  /** no answer in time, while a new map program starts: lookups wait for it */
  | { readonly kind: 'starting'; readonly limitMs: number }

/** A map program that is older than this has had its time to start. */
const startLimitMs = 5_000

/**
 * A graceful restart starts a new map program, and on a busy machine that takes longer
 * than a probe may take. Such a timeout says nothing about the front. One that hangs is
 * recognized when it is older.
 *
 * @param mapAgesMs the ages of the map programs of this directory
 */
export function whileStarting(
  answer: FrontAnswer,
  mapAgesMs: readonly number[],
): FrontAnswer {
  // negative: the two clocks of this system do not agree
  const isYoung = mapAgesMs.some(age => age >= 0 && age < startLimitMs)
  return answer.kind === 'timeout' && isYoung
    ? { kind: 'starting', limitMs: answer.limitMs }
    : answer
}

/** What an answer means. */
export type FrontProbe = {
  /** starved = it says nothing */
  readonly outcome: 'pass' | 'fail' | 'starved'
  /** the end of a sentence about the program that was asked */
  readonly reason: string
}

/** httpd serves without the map program, too: the generated rules have a fallback. */
const servingStates: ReadonlySet<MapDiagnosis['state']> = new Set<
  MapDiagnosis['state']
>(['ok', 'dead', 'garbled', 'out-of-step'])

/**
 * @param url what was requested: for `/.zope-failover/map` the generated rules must
 *   have answered; for any other path a status below 400 is enough
 */
export function probeOf(answer: FrontAnswer, url: string): FrontProbe {
  switch (answer.kind) {
    case 'starved':
      return {
        outcome: 'starved',
        reason: `the monitor itself did not run for ${answer.lateMs} ms`,
      }
    case 'starting':
      return {
        outcome: 'starved',
        reason: `no answer within ${answer.limitMs} ms while the map program starts`,
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
      const { state, reason } = diagnose(answer)
      const isServing = servingStates.has(state)
      return {
        outcome: isServing ? 'pass' : 'fail',
        reason: isServing ? 'answers' : reason,
      }
    }
  }
}

/** What the probes so far have shown. */
export type FrontTrack = {
  /** null = not known yet */
  readonly isAnswering: boolean | null
  /** passes (positive) or failures (negative) in a row */
  readonly streak: number
  /** of the last probe that counted */
  readonly reason: string
}

export const firstTrack: FrontTrack = {
  isAnswering: null,
  streak: 0,
  reason: 'has not been asked yet',
}

/** Changes after `fall` failures or `rise` passes in a row; the first pass counts at once. */
export function nextTrack(
  track: FrontTrack,
  { outcome, reason }: FrontProbe,
  { fall, rise }: Pick<FrontSettings, 'fall' | 'rise'>,
): FrontTrack {
  if (outcome === 'starved') return track
  const isPass = outcome === 'pass'
  const streak = isPass
    ? Math.max(0, track.streak) + 1
    : Math.min(0, track.streak) - 1
  const isEnough = isPass
    ? streak >= rise || track.isAnswering === null
    : streak <= -fall
  return {
    isAnswering: isEnough ? isPass : track.isAnswering,
    streak,
    reason,
  }
}

type FrontVerdict = {
  readonly state: FrontState
  /** the content of `front.up`; null = no file; undefined = unchanged */
  readonly score: 100 | 50 | null | undefined
  /** one sentence */
  readonly reason: string
}

/** What decides about `front.up`. */
type FrontEvidence = {
  readonly track: FrontTrack
  /** where new visitors go; undefined = the backends are not all judged yet */
  readonly pool: TablePool | undefined
  /** the administrator's file with precedence */
  readonly admin: AdminKind | undefined
}

/**
 * Coarse on purpose: moving the address breaks responses in progress, so it must
 * not move because of load or a small difference.
 */
export function judgeFront(
  { track, pool, admin }: FrontEvidence,
  minScore: FrontSettings['minScore'],
): FrontVerdict {
  const { state, score, reason } = judgeWithoutAdmin(track, pool)
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

function judgeWithoutAdmin(
  { isAnswering, reason }: FrontTrack,
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
      reason: 'the front answers; not all of its backends are judged yet',
    }
  const candidates = candidatesOf(pool.members)
  const names = candidates.map(({ name }) => name).join(', ')
  const preference = candidates[0]?.preference
  if (preference === undefined)
    return {
      state: 'nobody',
      score: null,
      reason: `the front answers, but no backend of pool ${pool.name} can serve`,
    }
  return preference === 0
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
