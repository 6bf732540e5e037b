import t from 'tap'
import { noHeartbeat } from '../../../health/heartbeat.ts'
import {
  learned,
  noPace,
  overdueMs,
  wellIntervalMs,
  type Pace,
} from '../../../health/pace.ts'

const settings = {
  intervalMs: 1_000,
  quickIntervalMs: 500,
  slowMs: 1_000,
  leastSlowMs: 300,
}

/** One answer a second, of these times. */
const after = (...answers: readonly number[]): Pace => {
  let pace = noPace
  for (const [index, ms] of answers.entries())
    pace = learned(pace, ms, settings, 1_000 * index)
  return pace
}
const limit = (pace: Pace, pauses: readonly number[] = []): number =>
  overdueMs(
    pace,
    { ...noHeartbeat, pauses: pauses.map(ms => ({ atMs: 0, ms })) },
    settings,
  )

void t.test('a probe is overdue after twice the longest answer', t => {
  t.equal(limit(noPace), 1_000, 'nothing is known')
  t.equal(limit(after(5, 5)), 1_000, 'too little')
  t.equal(limit(after(5, 5, 5)), 300, 'never sooner')
  t.equal(limit(after(200, 5, 5)), 400)
  t.equal(limit(after(900, 5, 5)), 1_000, 'never later than slow')
  t.equal(limit(after(5, 5, 5), [240]), 480, 'its pauses count, too')
  const long = after(400, 5, 5)
  t.equal(limit(learned(long, 5, settings, 599_000)), 800)
  t.equal(limit(learned(long, 5, settings, 601_000)), 300, 'ten minutes later')
  t.equal(
    overdueMs(after(5, 5, 5), noHeartbeat, { ...settings, leastSlowMs: 1_000 }),
    1_000,
    'slow was given',
  )
  t.end()
})

void t.test('probes come more often where they are cheap', t => {
  const interval = (pace: Pace): number => wellIntervalMs(pace, settings)
  t.equal(interval(noPace), 1_000)
  t.equal(interval(after(5, 5)), 1_000)
  t.equal(interval(after(5, 5, 5)), 500)
  t.equal(interval(after(30, 30, 30)), 1_000, 'a page of Plone')
  t.equal(interval(after(5, 5, 5, 60)), 1_000, 'it takes longer now')
  t.equal(interval(after(5, 5, 5, 60, ...Array<number>(5).fill(5))), 500)
  t.equal(wellIntervalMs(after(5, 5, 5), { ...settings, intervalMs: 200 }), 200)
  t.end()
})
