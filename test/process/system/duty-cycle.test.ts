import t from 'tap'
import { DutyCycle } from '../../../system/duty-cycle.ts'

/** Keeps the processor for so long. */
function busyFor(ms: number): void {
  const endMs = performance.now() + ms
  while (performance.now() < endMs);
}

void t.test('the pause follows from how long the task took', t => {
  const cycle = new DutyCycle({ share: 1 / 100 })
  t.equal(cycle.waitMs, 0, 'the first time at once')
  t.equal(
    cycle.run(() => {
      busyFor(200)
      return 'done'
    }),
    'done',
  )
  t.ok(cycle.waitMs > 10_000, 'a hundred times 200 ms, less what has passed')
  cycle.reset()
  t.equal(cycle.waitMs, 0)
  t.throws(() =>
    cycle.run(() => {
      busyFor(200)
      throw new Error('failed')
    }),
  )
  t.ok(cycle.waitMs > 10_000, 'a task that fails takes time, too')
  t.end()
})

void t.test('at least, and at most', t => {
  const rare = new DutyCycle({ share: 1, leastMs: 60_000 })
  rare.run(() => {})
  t.ok(rare.waitMs > 30_000)
  const often = new DutyCycle({ share: 1 / 1e6, mostMs: 60_000 })
  often.run(() => busyFor(10))
  t.ok(often.waitMs <= 60_000)
  t.end()
})
