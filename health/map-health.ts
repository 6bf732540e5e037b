// What a check of the map program through httpd means, and when to run the
// administrator's command. Pure.
import type { MapSettings } from '../config/config.ts'
import { sentence } from '../text/printable.ts'
import type { MapObservation, MapState } from '../sentinels/reports.ts'

/** The result of requesting `/.zope-failover/map` from httpd. */
export type MapAnswer =
  | {
      readonly kind: 'answer'
      readonly status: number
      /** X-Zope-Failover-Map; null = there is none */
      readonly header: string | null
    }
  | { readonly kind: 'error'; readonly error: string }
  | { readonly kind: 'timeout'; readonly limitMs: number }

/** The same, with more detail about a silent map program. */
export type MapCheck =
  | Exclude<MapAnswer, { readonly kind: 'timeout' }>
  | {
      readonly kind: 'timeout'
      readonly limitMs: number
      /** httpd answers what needs no lookup */
      readonly isHttpdFree: boolean
      /** the map programs' reports show no lookup since the last check */
      readonly isMapIdle: boolean
    }

/** State and one sentence on why. */
export type MapDiagnosis = { readonly state: MapState; readonly reason: string }

export function diagnose(check: MapCheck): MapDiagnosis {
  switch (check.kind) {
    case 'answer':
      return answered(check.status, check.header)
    case 'error':
      return {
        state: 'unreachable',
        reason: `httpd does not answer (${check.error})`,
      }
    case 'timeout':
      if (check.isHttpdFree)
        return {
          state: 'hung',
          reason: `no answer within ${check.limitMs} ms, while httpd answers what needs no lookup`,
        }
      return check.isMapIdle
        ? {
            state: 'hung',
            reason: `no answer within ${check.limitMs} ms from httpd, and no lookup was answered in the meantime`,
          }
        : {
            state: 'busy',
            reason: `no answer within ${check.limitMs} ms from httpd, but lookups go on`,
          }
  }
}

function answered(status: number, header: string | null): MapDiagnosis {
  const [word = '', ...rest] = (header ?? '').split(' ')
  switch (status === 204 ? word : '') {
    case 'ok':
      return { state: 'ok', reason: sentence(`answers ${rest.join(' ')}`) }
    case 'dead':
      return { state: 'dead', reason: 'httpd gets no answer from it' }
    case 'out-of-step':
      return {
        state: 'out-of-step',
        reason: 'httpd gets the answer to a different lookup',
      }
    case 'garbled':
      return { state: 'garbled', reason: 'httpd gets an invalid answer' }
  }
  return {
    state: 'not-configured',
    reason: `httpd answers ${status} without X-Zope-Failover-Map: another site answers there, or its configuration is outdated`,
  }
}

export const firstObservation: Omit<MapObservation, 'since'> = {
  state: 'unknown',
  reason: 'not checked yet',
  streak: 0,
  ms: 0,
  commandAt: null,
}

/** @param now RFC 3339 */
export function nextObservation(
  seen: MapObservation,
  { state, reason }: MapDiagnosis,
  ms: number,
  now: string,
): MapObservation {
  const isSame = state === seen.state
  return {
    ...seen,
    state,
    reason,
    since: isSame ? seen.since : now,
    streak: isSame ? seen.streak + 1 : 1,
    ms,
  }
}

/** Three checks in a row: enough time for a problem to go away by itself. */
const patience = 3

/**
 * States that a new map program cures. Not: httpd is down (`unreachable`), has no
 * free worker (`busy`), or does not know the path (`not-configured`).
 */
const curable: ReadonlySet<MapState> = new Set<MapState>([
  'dead',
  'hung',
  'out-of-step',
  'garbled',
])

/** @param nowMs since 1970 */
export function isCommandDue(
  seen: MapObservation,
  { command, commandIntervalMs }: MapSettings,
  nowMs: number,
): boolean {
  if (command === null || !curable.has(seen.state)) return false
  if (seen.streak < patience) return false
  // a clock that was set back must not block it for longer than that
  const sinceMs = Math.abs(nowMs - Date.parse(seen.commandAt ?? ''))
  return seen.commandAt === null || !(sinceMs < commandIntervalMs)
}
