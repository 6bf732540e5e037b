import * as fc from 'fast-check'
import t from 'tap'
import { firstDelayMs, intervalMs, jittered } from '../../../health/interval.ts'
import { noPace } from '../../../health/pace.ts'

const settings = {
  intervalMs: 1_000,
  quickIntervalMs: 500,
  slowMs: 1_000,
  leastSlowMs: 300,
  fastIntervalMs: 250,
  downIntervalMs: 3_000,
}

void t.test('the state decides how soon to probe again', t => {
  for (const [state, streak, ms] of [
    ['up', 5, 1_000],
    ['up', -1, 250],
    ['slow', 1, 250],
    ['busy', 1, 250],
    ['frozen', 0, 3_000],
    ['frozen', 1, 250],
    ['warming', -2, 250],
    ['down', -9, 3_000],
    ['down', 0, 3_000],
    ['down', 1, 250],
    ['unknown', 0, 1_000],
  ] as const)
    t.equal(
      intervalMs({ state, streak, pace: noPace }, settings),
      ms,
      `${state} ${streak}`,
    )
  t.equal(
    intervalMs(
      { state: 'up', streak: -1, pace: noPace },
      { ...settings, fastIntervalMs: 9_000 },
    ),
    1_000,
    'a fast interval above the usual one slows nothing down',
  )
  t.end()
})

void t.test('cheap probes come more often while all is well', t => {
  const pace = { count: 3, usualMs: 5, longest: [] }
  for (const [state, streak, ms] of [
    ['up', 5, 500],
    ['warming', 1, 500],
    ['up', -1, 250],
    ['down', 0, 3_000],
  ] as const)
    t.equal(intervalMs({ state, streak, pace }, settings), ms, state)
  t.end()
})

void t.test('an interval varies by a tenth at most', t => {
  fc.assert(
    fc.property(
      fc.nat(1e6),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (ms, chance) => {
        const got = jittered(ms, () => chance)
        return got >= 0.9 * ms && got <= 1.1 * ms + 1e-6
      },
    ),
  )
  t.end()
})

void t.test('few backends are probed at once, many are spread', t => {
  t.ok(firstDelayMs(100, settings, () => 1) <= 100)
  t.equal(
    firstDelayMs(5_000, settings, () => 1),
    1_000,
  )
  t.equal(
    firstDelayMs(5_000, settings, () => 0),
    0,
  )
  t.end()
})
