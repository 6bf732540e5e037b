import t from 'tap'
import {
  answeredElsewhere,
  heartbeatTimes,
  heartbeatProblem,
  isBeating,
  isTrialDue,
  noHeartbeat,
  nextHeartbeat,
  type Heartbeat,
  type HeartbeatEvent,
} from '../../../health/heartbeat.ts'

const auto = { intervalMs: 250, timeoutMs: 500 }
const usual = { fall: 3, intervalMs: 2_000, timeoutMs: 2_000 }
const times = heartbeatTimes(auto, usual, noHeartbeat)
const hourMs = 3_600_000

/** Events at their times in ms, one after the other. */
function after(
  from: Heartbeat,
  ...story: readonly (readonly [number, HeartbeatEvent])[]
): Heartbeat {
  return story.reduce(
    (heartbeat, [ms, event]) =>
      nextHeartbeat(
        heartbeat,
        event,
        heartbeatTimes(auto, usual, heartbeat),
        ms,
      ),
    from,
  )
}

const beat = (ms: number): HeartbeatEvent => ({ kind: 'beat', ms })
const silent = (silentForMs: number): HeartbeatEvent => ({
  kind: 'silent',
  silentForMs,
})
const learned = after(noHeartbeat, [1_000, { kind: 'learned', ms: 0.4 }])
const lateMs = (heartbeat: Heartbeat): number =>
  heartbeatTimes(auto, usual, heartbeat).lateMs

void t.test('the times', t => {
  t.same(times, {
    intervalMs: 250,
    timeoutMs: 500,
    lateMs: 200,
    frozenMs: 3_000,
    isFirst: true,
  })
  const quick = { intervalMs: 100, timeoutMs: 250 }
  t.match(heartbeatTimes(quick, usual, noHeartbeat), {
    lateMs: 150,
    frozenMs: 1_500,
  })
  t.equal(
    heartbeatTimes(quick, { ...usual, fall: 2 }, noHeartbeat).frozenMs,
    1_000,
  )
  const patient = { intervalMs: 250, timeoutMs: 2_000 }
  t.equal(heartbeatTimes(patient, usual, noHeartbeat).lateMs, 200)
  t.equal(
    heartbeatTimes({ intervalMs: 250, timeoutMs: 80 }, usual, noHeartbeat)
      .lateMs,
    80,
    'no later than the timeout',
  )
  t.end()
})

void t.test(
  'a hanging backend is out within the time of the light probes',
  t => {
    for (const [probe, frozenMs, isFirst] of [
      [{ fall: 2, intervalMs: 200, timeoutMs: 500 }, 900, true],
      [{ fall: 1, intervalMs: 200, timeoutMs: 500 }, 200, true],
      [{ fall: 2, intervalMs: 100, timeoutMs: 200 }, 200, false],
    ] as const)
      t.match(heartbeatTimes(auto, probe, noHeartbeat), { frozenMs, isFirst })
    t.end()
  },
)

void t.test('late is learned from its own pauses', t => {
  t.equal(lateMs(after(learned, [1_250, beat(60)])), 200, 'short ones')
  const paused = after(learned, [1_400, beat(150)])
  t.equal(lateMs(paused), 300, 'twice as long')
  t.equal(heartbeatTimes(auto, usual, paused).frozenMs, 3_000, 'frozen stays')
  t.equal(lateMs(after(paused, [1_800, beat(480)])), 500, 'up to the timeout')
  t.equal(lateMs(after(paused, [1_900, beat(120)])), 300, 'the longest')
  t.equal(
    lateMs(after(paused, [1_900, beat(120)], [601_400, beat(1)])),
    240,
    'of ten minutes',
  )
  t.equal(lateMs(after(paused, [602_000, beat(1)])), 200)
  t.equal(
    after(paused, [1_700, beat(160)], [2_000, beat(160)]).pauses.length,
    1,
    'no more than says something',
  )
  const quiet = after(paused, [5_000, { kind: 'broken', why: 'ECONNRESET' }])
  t.equal(
    lateMs(after(quiet, [5_100, beat(1)], [5_350, beat(1)])),
    300,
    'those of the backend stay, while it is tried again',
  )
  t.end()
})

void t.test('pauses that do not count', t => {
  const frozen = after(learned, [1_450, silent(200)], [4_250, silent(3_000)])
  t.equal(lateMs(after(frozen, [21_000, beat(19_750)])), 200, 'frozen')
  t.equal(
    lateMs(after(frozen, [4_750, silent(3_500)], [21_000, beat(1_300)])),
    200,
    'a heartbeat that was sent while it was frozen',
  )
  t.equal(
    lateMs(after(learned, [3_000, { kind: 'beat', ms: 1_750, isOurs: true }])),
    200,
    'the monitor slept',
  )
  t.equal(lateMs(after(learned, [3_000, beat(1_750)])), 500, 'a long one is')
  t.end()
})

void t.test('it is learned only by a trial', t => {
  t.equal(isTrialDue(noHeartbeat, 0), true)
  t.equal(learned.isLearned, true)
  t.equal(isTrialDue(learned, 2_000), false)
  const unknown = after(noHeartbeat, [1_000, beat(0.4)])
  t.equal(unknown.isLearned, false)
  t.equal(heartbeatProblem({ ...unknown, silentForMs: 900 }), null)
  t.equal(isBeating(unknown, times, 1_000), false)
  t.end()
})

void t.test('a request is no heartbeat: tried again in an hour', t => {
  for (const from of [noHeartbeat, learned]) {
    const heartless = after(from, [5_000, { kind: 'heartless' }])
    t.equal(heartless.isLearned, false)
    t.equal(isTrialDue(heartless, 4_999 + hourMs), false)
    t.equal(isTrialDue(heartless, 5_000 + hourMs), true)
  }
  t.end()
})

void t.test('a trial without a result is repeated less and less often', t => {
  let heartbeat = noHeartbeat
  let nowMs = 0
  const waits: number[] = []
  for (let trial = 0; trial < 11; trial++) {
    heartbeat = after(heartbeat, [nowMs, { kind: 'unclear' }])
    t.equal(isTrialDue(heartbeat, heartbeat.trialMs - 1), false)
    waits.push((heartbeat.trialMs - nowMs) / 1_000)
    nowMs = heartbeat.trialMs
  }
  t.same(
    waits,
    [10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600],
    'an hour at most',
  )
  t.equal(after(heartbeat, [nowMs, { kind: 'learned', ms: 1 }]).unclear, 0)
  t.end()
})

void t.test('late, broken, well again', t => {
  t.equal(isBeating(learned, times, 2_500), true)
  t.equal(isBeating(learned, times, 2_501), false, 'too long ago')
  t.equal(heartbeatProblem(learned), null)
  const late = after(learned, [1_400, silent(200)])
  t.equal(heartbeatProblem(late), 'no heartbeat for 200 ms')
  t.equal(isBeating(late, times, 1_400), false)
  t.match(after(late, [1_450, beat(250)]), { isLearned: true, silentForMs: 0 })
  const broken = after(late, [1_400, { kind: 'broken', why: 'ECONNRESET' }])
  t.equal(heartbeatProblem(broken), 'its heartbeat failed: ECONNRESET')
  t.equal(isBeating(broken, times, 1_400), false)
  const back = after(broken, [2_000, beat(8.4)])
  t.match(back, { isLearned: false, trouble: null })
  t.equal(isTrialDue(back, 2_000), true, 'it may be another program')
  t.end()
})

void t.test(
  'light answers without any heartbeat: not judged by heartbeats',
  t => {
    const late = { ...learned, silentForMs: 2_999 }
    t.equal(answeredElsewhere(late, times, 9_000), late)
    const unheard = answeredElsewhere(
      { ...late, silentForMs: 3_000 },
      times,
      9_000,
    )
    t.equal(unheard.isLearned, false)
    t.equal(isTrialDue(unheard, 18_999), false)
    t.equal(isTrialDue(unheard, 19_000), true)
    t.end()
  },
)
