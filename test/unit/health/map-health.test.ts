import t from 'tap'
import type { MapSettings } from '../../../config/config.ts'
import {
  diagnose,
  firstObservation,
  isCommandDue,
  nextObservation,
  type MapCheck,
} from '../../../health/map-health.ts'
import { mapStates, type MapObservation } from '../../../sentinels/reports.ts'

const answer = (status: number, header: string | null): MapCheck => ({
  kind: 'answer',
  status,
  header,
})

const timeout = (isHttpdFree: boolean, isMapIdle: boolean): MapCheck => ({
  kind: 'timeout',
  limitMs: 2_000,
  isHttpdFree,
  isMapIdle,
})

void t.test('what a check means', t => {
  for (const [check, state, reason] of [
    [answer(204, 'ok zope1 zope2'), 'ok', /^answers zope1 zope2$/],
    [answer(204, 'ok NULL'), 'ok', /^answers NULL$/],
    [answer(204, 'dead'), 'dead', /no answer from it/],
    [answer(204, 'out-of-step'), 'out-of-step', /a different lookup/],
    [answer(204, 'garbled'), 'garbled', /invalid answer/],
    [answer(204, 'better'), 'not-configured', /without X-Zope-Failover-Map/],
    [answer(204, null), 'not-configured', /answers 204/],
    [answer(404, null), 'not-configured', /answers 404/],
    [answer(200, 'ok zope1'), 'not-configured', /answers 200/],
    [{ kind: 'error', error: 'ECONNREFUSED' }, 'unreachable', /ECONNREFUSED/],
    [timeout(true, false), 'hung', /needs no lookup/],
    [timeout(false, true), 'hung', /no lookup was answered in the meantime/],
    [timeout(false, false), 'busy', /lookups go on/],
  ] as const) {
    const diagnosis = diagnose(check)
    t.equal(diagnosis.state, state)
    t.match(diagnosis.reason, reason)
  }
  t.end()
})

const first: MapObservation = {
  ...firstObservation,
  since: '2026-11-22T12:00:00.000Z',
}

void t.test('since when, and how often in a row', t => {
  const dead = { state: 'dead', reason: 'x' } as const
  const one = nextObservation(first, dead, 3, '2026-11-22T12:00:05.000Z')
  t.match(one, { state: 'dead', since: '2026-11-22T12:00:05.000Z', streak: 1 })
  const two = nextObservation(one, dead, 4, '2026-11-22T12:00:10.000Z')
  t.match(two, { since: '2026-11-22T12:00:05.000Z', streak: 2, ms: 4 })
  const ok = { state: 'ok', reason: 'y' } as const
  t.match(nextObservation(two, ok, 5, '2026-11-22T12:00:15.000Z'), {
    state: 'ok',
    since: '2026-11-22T12:00:15.000Z',
    streak: 1,
  })
  t.end()
})

const settings: MapSettings = {
  url: 'http://127.0.0.1/.zope-failover/map',
  host: null,
  intervalMs: 5_000,
  timeoutMs: 2_000,
  command: 'true',
  commandIntervalMs: 600_000,
}

const now = Date.parse('2026-11-22T12:00:00Z')

const ago = (ms: number): { commandAt: string } => ({
  commandAt: new Date(now - ms).toISOString(),
})

void t.test('the command: only where it helps, not at once, and seldom', t => {
  const broken: MapObservation = { ...first, state: 'dead', streak: 3 }
  const isDue = (seen: Partial<MapObservation>, given = settings): boolean =>
    isCommandDue({ ...broken, ...seen }, given, now)
  t.equal(isDue({}), true)
  t.equal(isDue({ streak: 2 }), false)
  t.equal(isDue({}, { ...settings, command: null }), false)
  t.equal(isDue(ago(599_999)), false)
  t.equal(isDue(ago(600_000)), true)
  t.equal(isDue(ago(-599_999)), false, 'the clock was set back')
  t.equal(isDue(ago(-600_000)), true)
  t.equal(isDue({ commandAt: 'rubbish' }), true)
  t.strictSame(
    mapStates.filter(state => isDue({ state })),
    ['dead', 'hung', 'out-of-step', 'garbled'],
  )
  t.end()
})
