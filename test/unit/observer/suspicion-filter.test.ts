import t from 'tap'
import { SuspicionFilter } from '../../../observer/suspicion-filter.ts'
import type { Signal } from '../../../observer/line.ts'

const noon = 1_795_362_578_000

/** Judges findings of `zope1`, given as [ms after noon, finding, age of the line]. */
function verdicts(
  ...events: readonly (readonly [number, Signal, number?])[]
): string[] {
  const judge = new SuspicionFilter()
  return events.map(([ms, finding, age = 0]) =>
    judge.actionFor(
      { backend: 'zope1', signal: finding },
      noon + ms - age,
      noon + ms,
    ),
  )
}

void t.test('each kind of failure is worth a probe', t => {
  for (const finding of ['refused', 'lost', 'timeout', 'error'] as const)
    t.strictSame(verdicts([0, finding]), ['suspect'], finding)
  t.end()
})

void t.test('twice a second at most', t => {
  t.strictSame(
    verdicts([0, 'lost'], [499, 'refused'], [500, 'lost'], [501, 'timeout']),
    ['suspect', 'nothing', 'suspect', 'nothing'],
  )
  t.end()
})

void t.test('for error pages once in five seconds', t => {
  t.strictSame(verdicts([0, 'error'], [4_999, 'error'], [5_000, 'error']), [
    'suspect',
    'nothing',
    'suspect',
  ])
  t.strictSame(
    verdicts([0, 'error'], [600, 'lost'], [700, 'error']),
    ['suspect', 'suspect', 'nothing'],
    'but a worse finding does not wait for that',
  )
  t.end()
})

void t.test('backends do not wait for each other', t => {
  const judge = new SuspicionFilter()
  for (const backend of ['zope1', 'zope2'])
    t.equal(judge.actionFor({ backend, signal: 'lost' }, noon, noon), 'suspect')
  t.end()
})

void t.test('an old line says nothing of now', t => {
  t.strictSame(verdicts([0, 'lost', 10_000], [1, 'lost', 10_001]), [
    'suspect',
    'nothing',
  ])
  t.strictSame(verdicts([0, 'lost', 10_001], [1, 'lost']), [
    'nothing',
    'suspect',
  ])
  t.end()
})

void t.test('the last good answer is kept, to the second', t => {
  t.strictSame(
    verdicts([0, 'good'], [999, 'good'], [1_000, 'good'], [1_001, 'lost']),
    ['served', 'nothing', 'served', 'suspect'],
  )
  t.end()
})

void t.test('a clock that was set back delays a suspicion only briefly', t => {
  t.strictSame(
    verdicts([0, 'lost'], [-3_600_000, 'lost'], [-3_600_000, 'good']),
    ['suspect', 'suspect', 'served'],
  )
  t.end()
})
