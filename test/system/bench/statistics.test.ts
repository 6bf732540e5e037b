import t from 'tap'
import {
  cutRounds,
  median,
  medianOfRounds,
  medianRatio,
  percentile,
  summarise,
} from '../../../bench/statistics.ts'

void t.test(
  'a percentile is a measured value, never one in between',
  async t => {
    const hundred = Array.from({ length: 100 }, (_value, i) => i + 1)
    t.equal(percentile(hundred, 0.5), 50)
    t.equal(percentile(hundred, 0.99), 99)
    t.equal(percentile(hundred, 0.999), 100)
    t.equal(percentile(hundred, 0), 1)
    t.equal(percentile(hundred, 1), 100)
    t.equal(percentile([7], 0.999), 7)
    t.ok(Number.isNaN(percentile([], 0.5)))
  },
)

void t.test(
  'the median of an even count lies in the middle of two',
  async t => {
    t.equal(median([3, 1, 2]), 2)
    t.equal(median([10, 1, 2, 3]), 2.5)
    t.ok(Number.isNaN(median([])))
  },
)

void t.test('round trips in any order make one round', async t => {
  const took = new Uint32Array(1000).fill(10_000)
  took[17] = 5_000_000
  took[500] = 40_000
  t.match(summarise(took), { p50Us: 10, p99Us: 10, p999Us: 40 })
  t.equal(
    Math.round(summarise(took).perSecond),
    Math.round(1e12 / (998 * 10_000 + 5_040_000)),
  )
  t.equal(took[17], 5_000_000, 'what was measured stays as it was')
})

void t.test('a disturbed round does not move the medians', async t => {
  const calm = { perSecond: 50_000, p50Us: 10, p99Us: 20, p999Us: 30 }
  const disturbed = { perSecond: 900, p50Us: 800, p99Us: 9e3, p999Us: 9e4 }
  t.same(medianOfRounds([calm, disturbed, calm]), calm)
  t.equal(medianRatio([11, 900, 22], [10, 100, 20]), 1.1)
  t.equal(medianRatio([11, 22, 33], [10, 20]), 1.1, 'pairs only')
  t.ok(Number.isNaN(medianRatio([1], [])))
})

void t.test("the driver's file is cut by round and program", async t => {
  const took = Uint32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9])
  t.same(
    cutRounds(took, 2, 2).map(round => round.map(one => [...one])),
    [
      [
        [1, 2],
        [3, 4],
      ],
      [
        [5, 6],
        [7, 8],
      ],
    ],
    'a round that was not finished is left out',
  )
})
