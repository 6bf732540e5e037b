import t from 'tap'
import {
  StateHistory,
  historyMinutes,
  type Minutes,
} from '../../../page/state-history.ts'
import { aBackend } from '../../fixtures/status-report.ts'

const minute = 60_000
const start = Date.parse('2026-11-22T18:00:30Z')

/** States as letters: `u` up, `d` down, `s` slow, `?` unknown, `.` not known. */
function letters(minutes: Minutes | undefined): string {
  return (minutes ?? [])
    .map(state => (state === 'unknown' ? '?' : (state?.charAt(0) ?? '.')))
    .join('')
}

/** Records [minutes after the start, state, minutes since it began]. */
function recorded(
  ...entries: readonly (readonly [at: number, state: string, age?: number])[]
): string {
  const history = new StateHistory()
  for (const [at, state, age] of entries) {
    const nowMs = start + at * minute
    const since =
      age === undefined ? null : new Date(nowMs - age * minute).toISOString()
    history.record([{ ...aBackend, state, since }], nowMs)
  }
  const all = letters(history.minutes().get('zope1'))
  t.equal(all.length, historyMinutes)
  return all
}

void t.test('it begins with what the report knows', t => {
  t.equal(recorded([0, 'up', 5]), `${'.'.repeat(54)}uuuuuu`)
  t.equal(recorded([0, 'up', 10_000]), 'u'.repeat(60))
  t.equal(recorded([0, 'unknown']), `${'.'.repeat(59)}?`)
  t.equal(recorded([0, 'up', -5]), `${'.'.repeat(59)}u`, 'not of the future')
  t.end()
})

void t.test('a minute shows its worst state', t => {
  t.equal(
    recorded([0, 'up', 3], [0.2, 'down', 0], [0.3, 'up', 0], [2, 'up', 1.7]),
    `${'.'.repeat(54)}uuuduu`,
  )
  t.equal(
    recorded([0, 'unknown', 0], [0.1, 'up', 0], [0.2, 'slow', 0]),
    `${'.'.repeat(59)}s`,
  )
  t.end()
})

void t.test('a change is where the report says it was', t => {
  t.equal(
    recorded([0, 'up', 1], [10, 'down', 4]),
    `${'.'.repeat(48)}${'u'.repeat(7)}ddddd`,
  )
  t.equal(
    recorded([0, 'up', 1], [200, 'down', 4]),
    `${'u'.repeat(55)}ddddd`,
    'what it was before that went on',
  )
  t.end()
})

void t.test('a clock that is set back', t => {
  t.equal(recorded([30, 'up', 0], [0, 'up', 2]), `${'.'.repeat(59)}u`)
  t.end()
})

void t.test('backends that are gone are forgotten', t => {
  const history = new StateHistory()
  history.record([aBackend], start)
  history.record([{ ...aBackend, name: 'zope2' }], start)
  t.strictSame([...history.minutes().keys()], ['zope2'])
  t.end()
})
