import t from 'tap'
import {
  lastingMs,
  nextReported,
  reportedSnapshot,
  type ReportedState,
} from '../../../health/reported-state.ts'
import type { State } from '../../../sentinels/reports.ts'
import { emptySnapshot, noSentinels } from '../../../sentinels/snapshot.ts'

type Moment = readonly [ms: number, state: State, lateAnswers?: number]

/** Plays states at their times in ms, starting up; returns the reported ones. */
function toldOf(...story: readonly Moment[]): State[] {
  let reported: ReportedState = { state: 'up', leftMs: null }
  const states: State[] = []
  for (const [ms, state, lateAnswers = 0] of story) {
    const next = nextReported(reported, state, lateAnswers, ms)
    if (next.state !== reported.state) states.push(next.state)
    reported = next
  }
  return states
}

void t.test('a change of under a second is not reported', t => {
  t.same(toldOf([0, 'slow'], [lastingMs - 1, 'slow'], [lastingMs, 'up']), [])
  t.same(toldOf([0, 'slow'], [999, 'up'], [1_200, 'slow'], [2_100, 'up']), [])
  t.same(toldOf([0, 'slow'], [lastingMs, 'slow']), ['slow'])
  t.same(
    toldOf([0, 'slow'], [1_000, 'slow'], [2_000, 'up'], [2_900, 'slow']),
    ['slow'],
    'nor that it was well for a moment',
  )
  t.end()
})

void t.test('a single late answer is not reported', t => {
  // a page of 1.9 s, no answer before 1 s: the probe after it decides
  t.same(toldOf([0, 'busy'], [900, 'slow', 1], [1_200, 'up']), [])
  t.same(toldOf([0, 'busy'], [900, 'slow', 1], [1_100, 'slow', 1]), [])
  t.same(toldOf([0, 'busy'], [900, 'slow', 1], [2_400, 'slow', 2]), ['slow'])
  t.same(toldOf([0, 'busy'], [900, 'slow', 1], [2_100, 'busy', 1]), ['busy'])
  t.same(toldOf([0, 'busy'], [1_000, 'busy']), ['busy'], 'no answer at all')
  t.end()
})

void t.test('a state that keeps changing is reported as well', t => {
  t.same(toldOf([0, 'slow'], [600, 'busy'], [1_100, 'slow'], [1_300, 'busy']), [
    'slow',
  ])
  t.end()
})

void t.test(
  'a change that takes it out or brings it back is reported at once',
  t => {
    for (const state of ['frozen', 'down', 'cut-off', 'unknown'] as const)
      t.same(toldOf([0, 'slow'], [10, state], [20, 'warming']), [
        state,
        'warming',
      ])
    t.end()
  },
)

void t.test('no change', t => {
  const reported: ReportedState = { state: 'up', leftMs: null }
  t.equal(nextReported(reported, 'up', 0, 9), reported)
  const left = nextReported(reported, 'slow', 0, 9)
  t.same(left, { state: 'up', leftMs: 9 })
  t.equal(nextReported(left, 'busy', 0, 500), left)
  t.same(nextReported(left, 'up', 0, 500), reported)
  t.end()
})

void t.test('a share matches the reported state', t => {
  for (const [state, share, reported, cold] of [
    ['up', 100, 100],
    ['up', 10, 10],
    ['up', 0, 100],
    ['up', null, null],
    ['warming', 0, 100],
    ['warming', 0, 0, true],
    ['slow', 100, 0],
    ['busy', 100, 0],
    ['slow', null, null],
    // kept as a last resort by minAlive
    ['down', 0, 0],
    // not reported yet, or by a later version
    [undefined, 0, 0],
  ] as const) {
    const sentinels = { ...noSentinels, share }
    const snapshot = {
      ...emptySnapshot,
      backends: new Map([['zope1', sentinels]]),
    }
    const states = new Map(
      state === undefined
        ? []
        : [['zope1', { state, ...(cold === true && { cold }) }]],
    )
    t.strictSame(
      reportedSnapshot(snapshot, states).backends.get('zope1'),
      { ...sentinels, share: reported },
      `${state} ${share}`,
    )
  }
  t.end()
})
