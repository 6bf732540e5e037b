import * as fc from 'fast-check'
import t from 'tap'
import {
  lightOf,
  shareOf,
  nextLight,
  warmUpLimitMs,
  type Light,
  type LightEvent,
  type LightState,
  type SavedState,
} from '../../../health/light.ts'

const settings = {
  rise: 2,
  fall: 3,
  slowMs: 1_000,
  leastSlowMs: 300,
  slowStartMs: 30_000,
  window: { failures: 0, of: 0 },
  isDamped: false,
}
const quick = { ...settings, slowStartMs: 0 }

const pass = (ms = 5): LightEvent => ({
  kind: 'probed',
  outcome: { kind: 'pass', status: 200, bytes: 2 },
  ms,
})
const fail = (ms = 5): LightEvent => ({
  kind: 'probed',
  outcome: { kind: 'refused' },
  ms,
})
const nothing: LightEvent = {
  kind: 'probed',
  outcome: { kind: 'starved', lateMs: 9_000 },
  ms: 9_000,
}
const events: Record<string, LightEvent> = {
  P: pass(),
  L: pass(1_200),
  F: fail(),
  T: fail(5_000),
  o: { kind: 'overdue', limitMs: 1_000, isBeating: false },
  b: { kind: 'overdue', limitMs: 1_000, isBeating: true },
  h: { kind: 'beat' },
  z: { kind: 'frozen', silentForMs: 3_000 },
  q: {
    kind: 'probed',
    outcome: { kind: 'first-byte-timeout', limitMs: 5_000 },
    ms: 5_000,
  },
  S: {
    kind: 'probed',
    outcome: { kind: 'stuck', limitMs: 60_000 },
    ms: 60_000,
  },
  c: {
    kind: 'probed',
    outcome: { kind: 'connect-timeout', limitMs: 2_000 },
    ms: 2_000,
  },
  u: {
    kind: 'probed',
    outcome: { kind: 'unreachable', error: 'EHOSTUNREACH' },
    ms: 3_000,
  },
  t: { kind: 'tick' },
  n: nothing,
  w: { kind: 'warm-up', isGood: true },
  x: { kind: 'warm-up', isGood: false },
}

const fresh = lightOf({ kind: 'none' }, settings, 0)
const found = (verdict: SavedState, with_ = settings): Light =>
  lightOf(verdict, with_, 0)
const wasUp: SavedState = { kind: 'up', share: 100 }
const wasDown: SavedState = { kind: 'down' }

/** One event a second; the states after each. */
function run(health: Light, story: string, with_ = settings): Light {
  return story.split('').reduce((before, letter, index) => {
    const event = events[letter]
    return event === undefined
      ? before
      : nextLight(before, event, with_, (index + 1) * 1_000)
  }, health)
}

void t.test('stories of one probe a second', t => {
  const stories: readonly [
    string,
    Light,
    string,
    LightState,
    typeof settings?,
  ][] = [
    ['nothing yet', fresh, '', 'unknown'],
    ['one pass decides', fresh, 'P', 'up'],
    ['one failure decides', fresh, 'F', 'down'],
    ['a late first pass', fresh, 'L', 'slow'],
    ['what says nothing decides nothing', fresh, 'nnn', 'unknown'],
    ['a first probe that is late so far', fresh, 'o', 'unknown'],
    ['the first verdict starts no slow start', fresh, 'Pt', 'up'],
    ['two failures are not three', found(wasUp), 'FF', 'up'],
    ['three failures in a row', found(wasUp), 'FFF', 'down'],
    ['a pass begins the count again', found(wasUp), 'FFPFF', 'up'],
    ['the monitor’s own trouble counts not', found(wasUp), 'FnFnn', 'up'],
    ['nor does it begin the count again', found(wasUp), 'FnFnF', 'down'],
    ['one pass is not two', found(wasDown), 'P', 'down'],
    ['two passes in a row', found(wasDown), 'PP', 'warming'],
    ['a failure begins that count again', found(wasDown), 'PFP', 'down'],
    ['slow start can be off', found(wasDown), 'PP', 'up', quick],
    ['back, but late', found(wasDown), 'PL', 'slow'],
    ['late, then in time: warming it is', found(wasDown), 'PLP', 'warming'],
    ['overdue: last resort at once', found(wasUp), 'o', 'slow'],
    ['one late probe is enough', found(wasUp), 'L', 'slow'],
    ['it stays slow while late', found(wasUp), 'LoL', 'slow'],
    ['one timely probe ends it', found(wasUp), 'LP', 'up'],
    ['a failure does not end it', found(wasUp), 'oF', 'slow'],
    ['a late failure is late too', found(wasUp), 'T', 'slow'],
    ['late failures take it down', found(wasUp), 'oToToT', 'down'],
    ['overdue means nothing while down', found(wasDown), 'o', 'down'],
    ['failing while down', found(wasDown), 'FFFF', 'down'],
    ['late, but its heartbeat is alive: busy', found(wasUp), 'b', 'busy'],
    ['a heartbeat after the limit: busy', found(wasUp), 'oh', 'busy'],
    ['a heartbeat while nothing waits', found(wasUp), 'oLh', 'slow'],
    ['a late answer: a worker is free, but late', found(wasUp), 'bL', 'slow'],
    ['one timely answer does', found(wasUp), 'bP', 'up'],
    ['no worker for all of busyTimeout', found(wasUp), 'bS', 'down'],
    ['frozen at once', found(wasUp), 'z', 'frozen'],
    ['busy, then frozen', found(wasUp), 'bz', 'frozen'],
    [
      'frozen, and refused late: it is no better',
      found(wasUp),
      'zTT',
      'frozen',
    ],
    [
      'frozen, and refused: its process has ended',
      found(wasUp),
      'zTTT',
      'down',
    ],
    ['frozen, and its machine is gone', found(wasUp), 'zcucucu', 'frozen'],
    ['its machine is gone, without a heartbeat', found(wasUp), 'cuc', 'down'],
    ['frozen, and silent', found(wasUp), 'zqqqqq', 'frozen'],
    ['frozen, then dead', found(wasUp), 'zFFF', 'down'],
    ['frozen needs rise passes, too', found(wasUp), 'zL', 'frozen'],
    ['awake again', found(wasUp), 'zLP', 'warming'],
    ['frozen means nothing while down', found(wasDown), 'z', 'down'],
    ['down while warming', found(wasDown), 'PPFFF', 'down'],
  ]
  for (const [title, health, story, state, with_] of stories)
    t.equal(run(health, story, with_).state, state, `${title}: ${story}`)
  t.end()
})

void t.test('a window takes a flapping backend out', t => {
  const with_ = { ...quick, window: { failures: 3, of: 6 } }
  t.equal(run(found(wasUp), 'FPFP', with_).state, 'up')
  const down = run(found(wasUp), 'FPFPF', with_)
  t.equal(down.state, 'down')
  t.equal(
    down.reason,
    '3 of the last 6 probes failed (limit 3), the last one: the connection was refused: nothing listens on that port',
  )
  t.equal(
    run(down, 'PP', with_).state,
    'up',
    'back when fewer of the last 6 have failed',
  )
  t.equal(run(found(wasUp), 'FFPFP', with_).state, 'down')
  t.equal(
    run(found(wasUp), 'FFPFPP', with_).state,
    'down',
    'rise is reached, but 3 of the last 6 failed',
  )
  t.end()
})

void t.test('each change has a reason with numbers', t => {
  for (const [health, story, reason] of [
    [fresh, '', 'no probe has been judged yet'],
    [
      fresh,
      'P',
      'the first probe passed: status 200 with 2 bytes of body after 5 ms',
    ],
    [
      fresh,
      'F',
      'the first probe failed: the connection was refused: nothing listens on that port',
    ],
    [
      found(wasUp),
      'FFF',
      'failed 3 times in a row (fall 3): the connection was refused: nothing listens on that port',
    ],
    [found(wasUp), 'o', 'no answer for 1000 ms (the limit of slow)'],
    [
      found(wasUp),
      'L',
      'status 200 with 2 bytes of body after 1200 ms, later than the 1000 ms of slow',
    ],
    [
      found(wasUp),
      'T',
      'failed once (fall 3) after 5000 ms: the connection was refused: nothing listens on that port',
    ],
    [
      found(wasUp),
      'LP',
      'in time again: status 200 with 2 bytes of body after 5 ms',
    ],
    [
      found(wasDown),
      'PP',
      'passed 2 times in a row (rise 2): status 200 with 2 bytes of body after 5 ms; its share grows for 30s',
    ],
    [found(wasUp), '', 'found up with share 100 when the monitor started'],
    [found(wasDown), '', 'found down in monitor.json when the monitor started'],
  ] as const)
    t.equal(run(health, story).reason, reason)
  t.end()
})

void t.test('slow start', t => {
  const at = (ms: number): number | null =>
    shareOf(nextLight(warming, { kind: 'tick' }, settings, ms), settings, ms)
  const warming = run(found(wasDown), 'PP')
  t.equal(at(2_000), 10, 'begins with 10 percent')
  t.equal(at(17_000), 55, 'half way')
  t.equal(at(31_999), 99)
  t.equal(at(32_000), 100)
  t.equal(shareOf(warming, settings, 99_000), 100, 'even before the tick')
  const warm = nextLight(warming, { kind: 'tick' }, settings, 32_000)
  t.match(warm, {
    state: 'up',
    warmSinceMs: null,
    reason: 'slow start is over',
  })
  t.equal(
    nextLight(warming, pass(), settings, 40_000).state,
    'up',
    'a pass ends it as well',
  )
  const late = nextLight(warming, pass(2_000), settings, 5_000)
  t.equal(shareOf(late, settings, 5_000), 0, 'late while warming')
  t.equal(
    shareOf(nextLight(late, pass(), settings, 17_000), settings, 17_000),
    55,
    'and then as if nothing had been',
  )
  t.equal(nextLight(late, pass(), settings, 90_000).state, 'up')
  t.end()
})

void t.test('a cold backend gets new visitors when its pages are warm', t => {
  const pages = { ...settings, warmUp: [{ shown: '/', path: '/' }] }
  const seen = (
    story: string,
    with_ = pages,
    from: Light = found(wasDown, with_),
  ): unknown => {
    const light = run(from, story, with_)
    const nowMs = story.length * 1_000
    return [light.state, shareOf(light, with_, nowMs), light.cold !== null]
  }
  for (const [story, expected] of [
    ['PP', ['warming', 0, true]],
    ['PPw', ['warming', 0, true]],
    ['PPww', ['warming', 10, false]],
    ['PPwxw', ['warming', 0, true]],
    ['PPwxww', ['warming', 10, false]],
    // a page keeps the light probe waiting
    ['PPwo', ['slow', 0, true]],
    ['PPwoL', ['slow', 0, true]],
    ['PPwoPw', ['warming', 10, false]],
    ['PPwow', ['slow', 0, false]],
    ['PPwowP', ['warming', 13, false]],
    ['PPwbwP', ['warming', 13, false]],
    ['PPwz', ['frozen', null, false]],
    ['PPwFFF', ['down', null, false]],
    ['PPwFFFPP', ['warming', 0, true]],
    ['PPttt', ['warming', 0, true]],
  ] as const)
    t.same(seen(story), expected, story)
  t.same(seen('Pw', pages, found(wasUp)), ['up', 100, false], 'it is warm')
  t.same(
    seen('zPP', pages, found(wasUp)),
    ['warming', 10, false],
    'so is a frozen one',
  )
  t.same(seen('PP', { ...pages, warmUp: [] }), ['warming', 10, false])
  t.same(seen('PPw', { ...pages, slowStartMs: 0 }), ['warming', 0, true])
  t.same(seen('PPww', { ...pages, slowStartMs: 0 }), ['up', 100, false])
  t.same(
    [seen('P', pages, fresh), run(fresh, 'P', pages).state],
    [['up', 100, false], 'up'],
    'a starting monitor closes nothing',
  )
  t.match(
    [
      run(found(wasDown), 'PP', pages).reason,
      run(found(wasDown), 'PPww', pages).reason,
    ],
    [
      /; its warm-up pages are fetched before it gets new visitors$/,
      /^its warm-up pages were answered in time 2 times in a row; its share grows/,
    ],
  )
  t.end()
})

void t.test('no page keeps a backend out for good', t => {
  const pages = { ...settings, warmUp: [{ shown: '/', path: '/' }] }
  const cold = run(found(wasDown), 'PP', pages)
  const later = (
    light: Light,
    ms: number,
    with_: typeof settings = pages,
  ): Light => nextLight(light, { kind: 'tick' }, with_, 2_000 + ms)
  t.equal(later(cold, warmUpLimitMs - 1), cold)
  t.match(later(cold, warmUpLimitMs), {
    cold: null,
    state: 'warming',
    reason:
      /^its warm-up pages were not answered in time for 2m, it serves without warm-up; its share grows/,
  })
  t.match(later(nextLight(cold, pass(2_000), pages, 3_000), warmUpLimitMs), {
    cold: null,
    state: 'slow',
  })
  t.match(
    later(cold, 1, settings),
    {
      cold: null,
      reason: /^warm-up pages were removed from the configuration/,
    },
    'a reload has taken them away',
  )
  t.end()
})

void t.test('a starting monitor finds a cold backend', t => {
  const pages = { ...settings, warmUp: [{ shown: '/', path: '/' }] }
  const verdict: SavedState = { kind: 'up', share: 0, isCold: true }
  const cold = lightOf(verdict, pages, 0)
  t.match(cold, { state: 'warming', cold: { sinceMs: 0, good: 0 } })
  t.equal(shareOf(cold, pages, 0), 0)
  t.match(run(cold, 'Pww', pages), { state: 'warming', cold: null })
  t.match(lightOf(verdict, settings, 0), { state: 'slow', cold: null })
  t.end()
})

void t.test('shares', t => {
  t.equal(shareOf(fresh, settings, 0), null)
  t.equal(shareOf(found(wasDown), settings, 0), null)
  t.equal(shareOf(found(wasUp), settings, 0), 100)
  t.equal(shareOf(run(found(wasUp), 'o'), settings, 0), 0)
  t.end()
})

const share = (found_: number, with_ = settings): unknown => {
  const health = found({ kind: 'up', share: found_ }, with_)
  return [health.state, shareOf(health, with_, 0)]
}

void t.test('a share found on disk is continued', t => {
  t.same(share(0), ['slow', 0])
  t.same(share(5), ['warming', 10])
  t.same(share(55), ['warming', 55])
  t.same(share(100), ['up', 100])
  t.same(share(55, quick), ['up', 100])
  t.end()
})

const anyEvent = fc.constantFrom(...Object.values(events))
const probedEvent = fc.constantFrom(
  ...Object.entries(events)
    .filter(([letter]) => !'zSqcu'.includes(letter))
    .map(([, event]) => event),
)
const anySettings = fc.record({
  rise: fc.integer({ min: 1, max: 5 }),
  fall: fc.integer({ min: 1, max: 5 }),
  slowMs: fc.constant(1_000),
  leastSlowMs: fc.constant(300),
  slowStartMs: fc.constantFrom(0, 3_000, 30_000),
  window: fc.constant({ failures: 0, of: 0 }),
  isDamped: fc.constant(false),
})
const anyVerdict = fc.constantFrom<SavedState>(
  { kind: 'none' },
  wasUp,
  wasDown,
  {
    kind: 'up',
    share: 0,
  },
)

void t.test('down needs `fall` failures in a row, up `rise` passes', t => {
  fc.assert(
    fc.property(
      anyVerdict,
      anySettings,
      fc.array(probedEvent, { maxLength: 40 }),
      (verdict, with_, story) => {
        let health = lightOf(verdict, with_, 0)
        // counted independently here, from the row of outcomes
        let row: string[] = []
        for (const [index, event] of story.entries()) {
          const before = health
          health = nextLight(health, event, with_, index * 1_000)
          if (event.kind === 'probed' && event.outcome.kind !== 'starved') {
            const kind = event.outcome.kind
            row = row.at(-1) === kind ? [...row, kind] : [kind]
          }
          const wasKnown = before.state !== 'unknown'
          const isNewlyDown = health.state === 'down' && before.state !== 'down'
          const isNewlyUp = before.state === 'down' && health.state !== 'down'
          const failures = row[0] === 'refused' ? row.length : 0
          const passes = row[0] === 'pass' ? row.length : 0
          if (isNewlyDown && wasKnown && failures < with_.fall) return false
          if (isNewlyUp && passes < with_.rise) return false
          if (failures >= with_.fall && health.state !== 'down') return false
          if (passes >= with_.rise && health.state === 'down') return false
        }
        return true
      },
    ),
  )
  t.end()
})

void t.test('overdue sooner than slow', t => {
  const isBeating = false
  const overdue = (limitMs: number): LightEvent => ({
    kind: 'overdue',
    limitMs,
    isBeating,
  })
  const up = nextLight(fresh, pass(), settings, 0)
  const [soon, late] = [300, 1_000].map(ms =>
    nextLight(up, overdue(ms), settings, 0),
  )
  t.match(soon, {
    state: 'slow',
    reason:
      'no answer for 300 ms (twice its longest answer of the last ten minutes)',
  })
  t.match(late?.reason, '1000 ms (the limit of slow)')
  t.match(soon && nextLight(soon, { kind: 'beat' }, settings, 0), {
    state: 'busy',
    reason: /unanswered after more than 300 ms \(twice/,
  })
  const back = soon && nextLight(soon, pass(500), settings, 500)
  t.match(back, { state: 'up', pace: { count: 2 } }, 'in time for slow')
  t.match(
    back && nextLight(back, pass(1_500), settings, 2_000),
    { state: 'slow', pace: { count: 2 } },
    'a late one teaches nothing',
  )
  t.end()
})

void t.test(
  'an outcome that says nothing about the backend changes nothing',
  t => {
    fc.assert(
      fc.property(fc.array(anyEvent), anySettings, (story, with_) => {
        const health = story.reduce(
          (before, event) => nextLight(before, event, with_, 0),
          fresh,
        )
        // the state of the probe in flight ends with it
        const ended = { overdueMs: null, isProvenBusy: false }
        const after = nextLight(health, nothing, with_, 0)
        // while there is no verdict, the reason says why
        const why = health.state === 'unknown' ? { reason: after.reason } : {}
        const before = { ...health, ...ended, ...why }
        return JSON.stringify(after) === JSON.stringify(before)
      }),
    )
    t.end()
  },
)

void t.test('a warming share never shrinks and stays in its limits', t => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 4_000 }), { maxLength: 30 }),
      steps => {
        let health = run(found(wasDown), 'PP')
        let nowMs = 2_000
        let share = 10
        for (const ms of steps) {
          nowMs += ms
          health = nextLight(health, pass(), settings, nowMs)
          const next = shareOf(health, settings, nowMs) ?? -1
          if (next < share || next > 100) return false
          share = next
        }
        return true
      },
    ),
  )
  t.end()
})

void t.test('busy is not down while its probes are answered', t => {
  const alive = fc.constantFrom(...'PLobhtn'.split(''))
  fc.assert(
    fc.property(fc.array(alive, { maxLength: 60 }), story => {
      const { state } = run(found(wasUp), story.join(''))
      return state === 'up' || state === 'slow' || state === 'busy'
    }),
  )
  t.end()
})

void t.test('a flapping backend changes the route only a few times', t => {
  const damped = { ...quick, isDamped: true }
  let health = found(wasUp, damped)
  let flips = 0
  // an hour of two good probes and three bad ones
  for (let second = 1; second <= 3_600; second++) {
    const before = health.state
    health = nextLight(
      health,
      second % 5 < 2 ? pass() : fail(),
      damped,
      second * 1e3,
    )
    if (health.state !== before) flips++
  }
  t.comment(`${flips} changes in an hour`)
  t.ok(flips <= 60, `${flips} changes, 1,440 without damping`)
  t.end()
})

void t.test(
  'whatever the rhythm, the number of changes per hour is bounded',
  t => {
    const spell = fc.record({
      good: fc.integer({ min: 1, max: 150 }),
      bad: fc.integer({ min: 1, max: 20 }),
    })
    let most = 0
    fc.assert(
      fc.property(
        anySettings,
        fc.array(spell, { minLength: 1, maxLength: 9 }),
        (with_, spells) => {
          const damped = { ...with_, isDamped: true }
          const story = spells.flatMap(({ good, bad }) => [
            ...Array.from({ length: good }, () => pass()),
            ...Array.from({ length: bad }, () => fail()),
          ])
          let health = found(wasUp, damped)
          let [changes, isOut] = [0, false]
          for (let second = 0; second < 3_600; second++) {
            const event = story[second % story.length] ?? pass()
            health = nextLight(health, event, damped, second * 1e3)
            if ((health.state === 'down') !== isOut) changes++
            isOut = health.state === 'down'
          }
          most = Math.max(most, changes)
          // 133 are made by one that goes down the moment it is back: the penalty of
          // more than one flip a minute keeps it out for longer than a minute
          return changes <= 135
        },
      ),
    )
    t.comment(`${most} changes at most`)
    t.end()
  },
)

void t.test('the memory of a backend does not grow', t => {
  t.equal(run(fresh, 'P'.repeat(200)).failures.length, 64)
  t.end()
})
