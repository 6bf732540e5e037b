// What a look at the map through httpd means, and when it is time for the
// administrator's command. Pure.
import type { MapSettings } from '../config/config.ts'
import { sentence } from '../text/printable.ts'
import type { MapObservation, MapState } from '../sentinels/reports.ts'

/** What came of asking httpd for `/.zope-failover/map`. */
export type MapAnswer =
  | {
      readonly kind: 'answer'
      readonly status: number
      /** X-Zope-Failover-Map; null = there is none */
      readonly header: string | null
    }
  | { readonly kind: 'error'; readonly error: string }
  | { readonly kind: 'timeout'; readonly limitMs: number }

/** The same, with more about a map program that is silent. */
export type MapCheck =
  | Exclude<MapAnswer, { readonly kind: 'timeout' }>
  | {
      readonly kind: 'timeout'
      readonly limitMs: number
      /** httpd answers what needs no lookup */
      readonly isHttpdFree: boolean
      /** the map's own reports tell of no lookup since the look before */
      readonly isMapIdle: boolean
    }

/** State and one sentence on why. */
export type MapFinding = { readonly state: MapState; readonly reason: string }

export function findingOf(look: MapCheck): MapFinding {
  switch (look.kind) {
    case 'answer':
      return answered(look.status, look.header)
    case 'error':
      return {
        state: 'unreachable',
        reason: `httpd does not answer (${look.error})`,
      }
    case 'timeout':
      if (look.isHttpdFree)
        return {
          state: 'hung',
          reason: `no answer within ${look.limitMs} ms, while httpd answers what needs no lookup`,
        }
      return look.isMapIdle
        ? {
            state: 'hung',
            reason: `no answer within ${look.limitMs} ms from httpd, and no lookup answered meanwhile`,
          }
        : {
            state: 'busy',
            reason: `no answer within ${look.limitMs} ms from httpd, but lookups go on`,
          }
  }
}

function answered(status: number, header: string | null): MapFinding {
  const [word = '', ...rest] = (header ?? '').split(' ')
  switch (status === 204 ? word : '') {
    case 'ok':
      return { state: 'ok', reason: sentence(`answers ${rest.join(' ')}`) }
    case 'dead':
      return { state: 'dead', reason: 'httpd reads nothing from it' }
    case 'out-of-step':
      return {
        state: 'out-of-step',
        reason: 'httpd reads the answer to another question',
      }
    case 'odd':
      return { state: 'odd', reason: 'httpd reads what is no answer' }
  }
  return {
    state: 'absent',
    reason: `httpd answers ${status} without X-Zope-Failover-Map: it serves another site there, or its configuration is an older one`,
  }
}

export const firstMapSeen: Omit<MapObservation, 'since'> = {
  state: 'unknown',
  reason: 'not looked at yet',
  streak: 0,
  ms: 0,
  commandAt: null,
}

/** @param now RFC 3339 */
export function nextMapSeen(
  seen: MapObservation,
  { state, reason }: MapFinding,
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

/** Three looks in a row: what heals by itself has had its time. */
const patience = 3

/**
 * States a new map mends. Not: httpd is down (`unreachable`), has no worker left
 * (`busy`), or does not know the path (`absent`).
 */
const mendable: ReadonlySet<MapState> = new Set<MapState>([
  'dead',
  'hung',
  'out-of-step',
  'odd',
])

/** @param nowMs since 1970 */
export function isCommandDue(
  seen: MapObservation,
  { command, commandIntervalMs }: MapSettings,
  nowMs: number,
): boolean {
  if (command === null || !mendable.has(seen.state)) return false
  if (seen.streak < patience) return false
  // a clock set back must not silence it for longer than that
  const sinceMs = Math.abs(nowMs - Date.parse(seen.commandAt ?? ''))
  return seen.commandAt === null || !(sinceMs < commandIntervalMs)
}
