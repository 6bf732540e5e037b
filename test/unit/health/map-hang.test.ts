import t from 'tap'
import { hangOf, withSample, type MapSample } from '../../../health/map-hang.ts'

const stepMs = 200

/** Samples at equal steps for a duration, as the function returns them. */
function story(
  ms: number,
  lookAt: (atMs: number) => Partial<MapSample> = () => ({}),
): readonly MapSample[] {
  let samples: readonly MapSample[] = []
  for (let atMs = 0; atMs <= ms; atMs += stepMs)
    samples = withSample(samples, {
      atMs,
      // a healthy one writes every second and sleeps after each lookup
      report: String(Math.floor(atMs / 1_000)),
      sleeps: atMs,
      lookupMs: 0,
      state: 'S',
      cpuMs: 0,
      isRunnable: false,
      isDirectoryWell: true,
      ...lookAt(atMs),
    })
  return samples
}

void t.test('a healthy one, or one without lookups', async t => {
  t.equal(hangOf([]), undefined, 'not checked yet')
  t.equal(hangOf(story(20_000)), undefined)
  t.equal(hangOf(story(20_000, () => ({ sleeps: 7 }))), undefined, 'idle')
})

void t.test('stopped, by a signal, a debugger or a disk', async t => {
  for (const [state, why] of [
    ['T', 'stopped (SIGSTOP)'],
    ['t', 'stopped by a debugger'],
    ['D', 'waiting for a disk or a file server'],
  ] as const) {
    const stopped = { state, sleeps: 7 }
    t.equal(hangOf(story(1_800, () => stopped)), undefined, 'not for long')
    t.equal(
      hangOf(story(2_000, () => stopped)),
      `its process has been ${why} for 2 s`,
    )
    t.equal(
      hangOf(story(9_000, atMs => ({ state, sleeps: atMs }))),
      undefined,
      'seen so each time, but it runs in between',
    )
    t.equal(
      hangOf(story(4_000, atMs => (atMs === 3_000 ? {} : stopped))),
      undefined,
      'it ran for a moment',
    )
  }
})

void t.test('stuck in one lookup', async t => {
  const inside = { lookupMs: 1_000, sleeps: 7, state: 'R', isRunnable: true }
  const since = (ms: number) => (atMs: number) => (atMs < ms ? {} : inside)
  t.equal(hangOf(story(3_000, since(3_000))), undefined, 'not confirmed yet')
  t.equal(
    hangOf(story(3_200, since(3_000))),
    'one lookup has been unanswered for over 1 s',
  )
  t.equal(
    hangOf(story(3_200, atMs => ({ ...since(3_000)(atMs), sleeps: atMs }))),
    undefined,
    'it has ended since, and the next report will say so',
  )
})

void t.test('a report that grows old', async t => {
  const silent = { report: 'last', sleeps: 7 }
  t.equal(hangOf(story(2_800, () => silent)), undefined)
  t.equal(
    hangOf(story(3_000, () => silent)),
    'it has written no report for 3 s',
  )
  t.equal(
    hangOf(story(9_000, () => ({ ...silent, isDirectoryWell: false }))),
    undefined,
    'nothing can be written there',
  )
  t.equal(
    hangOf(
      story(9_000, atMs => ({ ...silent, isDirectoryWell: atMs > 7_000 })),
    ),
    undefined,
    'not for long enough since then',
  )
  const running = { ...silent, state: 'R', isRunnable: true }
  t.equal(
    hangOf(story(6_000, atMs => ({ ...running, cpuMs: atMs / 10 }))),
    undefined,
    'the machine is busy',
  )
  t.equal(
    hangOf(story(6_000, atMs => ({ ...running, cpuMs: atMs }))),
    'it has written no report for 6 s',
    'an endless loop',
  )
})

void t.test('the monitor was stopped itself', async t => {
  const stopped = { state: 'T', sleeps: 7, report: 'last' }
  const silent = { ...stopped, state: 'S' }
  for (const [pauseMs, sample] of [
    [60_000, stopped],
    [5_000, stopped],
    [5_000, silent],
    [5_000, { ...silent, lookupMs: 1_000 }],
  ] as const) {
    const before = story(1_800, () => sample)
    const [last] = before.slice(-1)
    if (last === undefined) throw new Error('no sample')
    const samples = withSample(before, { ...last, atMs: pauseMs })
    t.equal(hangOf(samples), undefined, 'the first observation after it')
    if (sample === stopped && pauseMs < 20_000)
      t.match(
        hangOf(withSample(samples, { ...last, atMs: pauseMs + stepMs })),
        'stopped (SIGSTOP) for 5.2 s',
        'and still stopped at the next one',
      )
  }
})

void t.test('a busy machine lets the monitor observe it rarely', async t => {
  const samples = story(12_000, () => ({ state: 'T', sleeps: 7 }))
  const everyMs = (ms: number) => samples.filter(({ atMs }) => atMs % ms === 0)
  t.equal(
    hangOf(everyMs(6_000)),
    'its process has been stopped (SIGSTOP) for 12 s',
  )
  t.equal(hangOf(everyMs(12_000)), undefined, 'not often enough')
})

void t.test('no more samples are kept than it needs', async t => {
  t.ok(story(100_000).length <= 20_000 / stepMs + 1)
})
