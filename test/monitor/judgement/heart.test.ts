import t from 'tap'
import {
  heardElsewhere,
  heartTimes,
  heartTrouble,
  isBeating,
  noHeart,
  stepHeart,
} from '../../../monitor/judgement/heart.ts'

const usual = { fall: 3, intervalMs: 2_000, timeoutMs: 2_000 }
const times = heartTimes({ intervalMs: 250, timeoutMs: 500 }, usual, noHeart)
const learned = stepHeart(noHeart, { kind: 'beat', ms: 0.4 }, true, 1_000)

void t.test('the times', t => {
  t.same(times, {
    intervalMs: 250,
    timeoutMs: 500,
    lateMs: 200,
    frozenMs: 3_000,
    isFirst: true,
  })
  const quick = { intervalMs: 100, timeoutMs: 250 }
  t.match(heartTimes(quick, usual, noHeart), { lateMs: 150, frozenMs: 1_500 })
  t.equal(heartTimes(quick, { ...usual, fall: 2 }, noHeart).frozenMs, 1_000)
  t.equal(
    heartTimes(quick, usual, { usualMs: 50 }).lateMs,
    200,
    'four times what is usual',
  )
  t.equal(
    heartTimes(quick, usual, { usualMs: 90 }).lateMs,
    250,
    'up to the limit',
  )
  t.end()
})

void t.test('whoever hangs is out in the time of the light probes', t => {
  const auto = { intervalMs: 250, timeoutMs: 500 }
  for (const [probe, frozenMs, isFirst] of [
    [{ fall: 2, intervalMs: 200, timeoutMs: 500 }, 900, true],
    [{ fall: 1, intervalMs: 200, timeoutMs: 500 }, 200, true],
    [{ fall: 2, intervalMs: 100, timeoutMs: 200 }, 200, false],
  ] as const)
    t.match(heartTimes(auto, probe, noHeart), { frozenMs, isFirst })
  t.end()
})

void t.test('it is learned while the backend is well, and only then', t => {
  t.equal(learned.isLearned, true)
  const unwell = stepHeart(noHeart, { kind: 'beat', ms: 0.4 }, false, 1_000)
  t.equal(unwell.isLearned, false)
  t.equal(heartTrouble({ ...unwell, silentMs: 900 }), null)
  t.equal(isBeating(unwell, times, 1_000), false)
  t.equal(stepHeart(learned, { kind: 'heartless' }, true, 0), noHeart)
  t.end()
})

void t.test('late, broken, well again', t => {
  t.equal(isBeating(learned, times, 2_500), true)
  t.equal(isBeating(learned, times, 2_501), false, 'too long ago')
  t.equal(heartTrouble(learned), null)
  const late = stepHeart(
    learned,
    { kind: 'silent', silentMs: 200 },
    true,
    1_400,
  )
  t.equal(heartTrouble(late), 'no heartbeat for 200 ms')
  t.equal(isBeating(late, times, 1_400), false)
  const broken = stepHeart(late, { kind: 'broken', why: 'ECONNRESET' }, true, 0)
  t.equal(heartTrouble(broken), 'its heartbeat failed: ECONNRESET')
  t.equal(isBeating(broken, times, 1_400), false)
  const back = stepHeart(broken, { kind: 'beat', ms: 8.4 }, false, 2_000)
  t.match(back, { isLearned: true, silentMs: 0, trouble: null, usualMs: 1.4 })
  t.end()
})

void t.test(
  'light answers without any heartbeat: it is not judged by it',
  t => {
    const late = { ...learned, silentMs: 2_999 }
    t.equal(heardElsewhere(late, times), late)
    t.equal(heardElsewhere({ ...late, silentMs: 3_000 }, times), noHeart)
    t.end()
  },
)
