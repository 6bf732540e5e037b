import t from 'tap'
import { dampedMs, flipped, noFlips } from '../../../health/damping.ts'

const after = (...timesMs: readonly number[]) =>
  timesMs.reduce(flipped, noFlips)

void t.test('a backend that goes down repeatedly is kept out longer', t => {
  t.equal(dampedMs(noFlips, 0), 0)
  t.equal(dampedMs(after(0), 0), 0)
  t.equal(dampedMs(after(0, 0), 0), 0, 'twice is no habit')
  t.equal(dampedMs(after(0, 0, 0), 0), 4_000)
  t.equal(dampedMs(after(0, 0, 0, 0), 0), 8_000)
  t.equal(dampedMs(after(...Array.from({ length: 30 }, () => 0)), 0), 120_000)
  t.end()
})

void t.test('the penalty halves every five minutes', t => {
  t.equal(dampedMs(after(0, 0, 0, 0), 300_000), 0)
  t.equal(after(0, 300_000).penalty, 1.5)
  t.end()
})
