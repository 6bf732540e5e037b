import t from 'tap'
import { parseConfig } from '../../../config/parse.ts'
import {
  healthOf,
  holdsProbe,
  isTrialDue,
  shareOf,
  nextHealth,
  unflipped,
  type Health,
  type HealthEvent,
} from '../../../health/health.ts'
import type { HeartbeatEvent } from '../../../health/heartbeat.ts'
import { isDeepInDoubt } from '../../../health/deep.ts'

const [backend] = parseConfig(
  'backends: { a: { url: http://a, probe: { slowStart: 0s, deep: { path: /@@probe } } } }',
  'f',
).backends
if (backend === undefined) throw new Error('no backend')
const settings = backend.probe

const early = { id: '03f8000000000000', seconds: 100 }
const later = { id: '03f8000000000001', seconds: 160 }
const none = {
  newest: null,
  newestOf: 'a',
  agreedAt: Infinity,
  beyond: null,
  aheadSeconds: null,
}
const pass: HealthEvent = {
  kind: 'probed',
  outcome: { kind: 'pass', status: 200, bytes: 1 },
  ms: 3,
}
const heartbeatEvent = (
  event: HeartbeatEvent,
  lastServedAgoMs = Infinity,
): HealthEvent => ({
  kind: 'heartbeat',
  event,
  lastServedAgoMs,
})
const beat = heartbeatEvent({ kind: 'beat', ms: 0.3 })
const fresh: HealthEvent = {
  kind: 'deep',
  outcome: { kind: 'fresh', ms: 2, own: later, server: later },
  ...none,
}
const gone: HealthEvent = {
  kind: 'deep',
  outcome: { kind: 'gone', why: 'no answer for 1000 ms', own: null },
  ...none,
}
const silent = (silentForMs: number, lastServedAgoMs?: number): HealthEvent =>
  heartbeatEvent({ kind: 'silent', silentForMs }, lastServedAgoMs)

/** Plays events at their times in ms, starting with a backend found up. */
function play(...story: readonly (readonly [number, HealthEvent])[]): Health {
  return story.reduce(
    (health, [ms, event]) => nextHealth(health, event, settings, ms),
    healthOf({ kind: 'up', share: 100 }, settings, 0),
  )
}

const learned = [
  [0, pass],
  [10, heartbeatEvent({ kind: 'learned', ms: 0.3 })],
] as const

void t.test('a heartbeat', t => {
  const stories: readonly [string, Health, string, number | null][] = [
    ['learned', play(...learned), 'up', 100],
    ['late', play(...learned, [400, silent(200)]), 'slow', 0],
    ['back', play(...learned, [400, silent(200)], [450, beat]), 'up', 100],
    ['not yet frozen', play(...learned, [2_900, silent(2_500)]), 'slow', 0],
    ['frozen', play(...learned, [3_300, silent(3_050)]), 'frozen', null],
    [
      'not frozen while httpd gets answers',
      play(...learned, [3_300, silent(3_050, 400)]),
      'slow',
      0,
    ],
    [
      'not frozen while light probes are answered',
      play(...learned, [2_000, pass], [3_300, silent(3_050)]),
      'slow',
      0,
    ],
    [
      'no heartbeat any more, but light answers: not judged by it',
      play(...learned, [3_300, silent(3_050)], [3_400, pass], [3_500, pass]),
      'up',
      100,
    ],
    ['never learned', play([0, pass], [400, silent(900)]), 'up', 100],
    [
      'given, but never tried',
      play([0, pass], [5, beat], [9, silent(900)]),
      'up',
      100,
    ],
    [
      'busy',
      play(...learned, [1_010, { kind: 'overdue', limitMs: 1_000 }]),
      'busy',
      0,
    ],
    [
      'busy, and all its connections wait',
      play(
        ...learned,
        [1_010, { kind: 'overdue', limitMs: 1_000 }],
        [1_100, beat],
        [4_900, silent(3_500)],
      ),
      'busy',
      0,
    ],
    [
      'frozen just before it was called busy',
      play(
        ...learned,
        [1_010, { kind: 'overdue', limitMs: 1_000 }],
        [4_900, silent(3_500)],
      ),
      'frozen',
      null,
    ],
    [
      'a heartbeat of long ago',
      play(...learned, [9_000, { kind: 'overdue', limitMs: 1_000 }]),
      'slow',
      0,
    ],
    [
      'refused',
      play(...learned, [
        500,
        heartbeatEvent({ kind: 'broken', why: 'ECONNREFUSED' }),
      ]),
      'slow',
      0,
    ],
    [
      'refused, and there again: not judged by it until it is tried again',
      play(
        ...learned,
        [500, heartbeatEvent({ kind: 'broken', why: 'ECONNREFUSED' })],
        [700, beat],
        [5_000, silent(4_000)],
      ),
      'up',
      100,
    ],
    [
      'another answer than 100',
      play(
        ...learned,
        [300, heartbeatEvent({ kind: 'heartless' })],
        [400, silent(300)],
      ),
      'up',
      100,
    ],
  ]
  for (const [title, health, state, share] of stories) {
    t.equal(health.state, state, `${title}: ${health.reason}`)
    t.equal(shareOf(health, settings, 9_999), share, title)
  }
  t.match(
    play(...learned, [400, silent(200)]).reason,
    'no heartbeat for 200 ms',
  )
  t.match(
    play(...learned, [400, silent(200)], [450, beat]).reason,
    'its heartbeat is back',
  )
  t.end()
})

void t.test('an accepted connection is no sign of life', t => {
  const accepted: HealthEvent = {
    ...pass,
    outcome: { kind: 'pass', by: 'tcp', said: '' },
  }
  const frozen = [
    [0, accepted],
    [10, heartbeatEvent({ kind: 'learned', ms: 0.3 })],
    [2_000, accepted],
    [3_300, silent(3_050)],
  ] as const
  const twice = (ms: number) =>
    [
      [ms, accepted],
      [ms + 10, accepted],
    ] as const
  t.equal(play(...frozen).state, 'frozen')
  t.equal(play(...frozen, ...twice(3_400)).state, 'frozen')
  t.equal(play(...frozen, [3_390, beat], ...twice(3_400)).state, 'up')
  const heartless = [3_390, heartbeatEvent({ kind: 'heartless' })] as const
  t.equal(play(...frozen, heartless, ...twice(3_400)).state, 'up')
  const off = { ...settings, heartbeat: { kind: 'off' } as const }
  t.equal(
    [3_400, 3_410].reduce(
      (health, ms) => nextHealth(health, accepted, off, ms),
      play(...frozen),
    ).state,
    'up',
    'no heartbeats are expected any more',
  )
  t.end()
})

void t.test('a silent light probe is held', t => {
  const held = (health: Health, ms: number): boolean =>
    holdsProbe(health, settings, ms)
  t.equal(held(play(...learned), 100), true, 'its heartbeat is alive')
  t.equal(
    held(play(...learned, [400, silent(200)]), 400),
    true,
    'not yet known',
  )
  t.equal(
    held(play(...learned, [3_300, silent(3_050)]), 3_300),
    false,
    'frozen',
  )
  t.equal(held(play([0, pass]), 100), false, 'no heartbeat')
  const quick = { ...settings, intervalMs: 100, timeoutMs: 100, fall: 1 }
  const late = [...learned, [400, silent(200)]] as const
  t.equal(
    holdsProbe(play(...late), quick, 400),
    false,
    'light probes know sooner',
  )
  t.equal(
    holdsProbe(
      play(
        ...learned,
        [300, { kind: 'overdue', limitMs: 1_000 }],
        [310, beat],
        [520, silent(200)],
      ),
      quick,
      520,
    ),
    true,
    'proven busy',
  )
  const off = { ...settings, heartbeat: { kind: 'off' } as const }
  t.equal(holdsProbe(play(...learned), off, 100), false)
  t.equal(
    nextHealth(play(), pass, off, 100).state,
    'up',
    'heartbeats are switched off',
  )
  t.end()
})

void t.test('the trial of a heartbeat runs while it is well', t => {
  const due = (health: Health, with_ = settings): boolean =>
    isTrialDue(health, with_, 5_000)
  const unknown = healthOf({ kind: 'none' }, settings, 0)
  t.equal(due(unknown), false)
  t.equal(due(play()), false, 'no probe has passed yet')
  t.equal(due(play([0, pass])), true)
  const light = { ...unknown.light, state: 'warming', streak: 1 } as const
  t.equal(due({ ...unknown, light }), true)
  t.equal(due(play(...learned)), false)
  const off = { ...settings, heartbeat: { kind: 'off' } as const }
  t.equal(due(play([0, pass]), off), false)
  const health = play([0, pass])
  t.equal(nextHealth(health, beat, off, 9), health, 'switched off meanwhile')
  t.end()
})

void t.test('time goes by', t => {
  const unknown = healthOf({ kind: 'none' }, settings, 0)
  t.equal(nextHealth(unknown, { kind: 'tick' }, settings, 9).state, 'unknown')
  t.equal(shareOf(unknown, settings, 9), null)
  const down = healthOf({ kind: 'down' }, settings, 0)
  t.equal(nextHealth(down, { kind: 'tick' }, settings, 9).state, 'down')
  t.equal(shareOf(down, settings, 9), null)
  t.equal(play([0, pass], [9_000, { kind: 'tick' }]).state, 'up')
  t.end()
})

void t.test('the database', t => {
  const cut = [
    [1_000, gone],
    [2_000, gone],
    [3_000, gone],
  ] as const
  t.equal(play(...learned, [1_000, gone], [2_000, gone]).state, 'up')
  t.equal(
    play(...learned, ...cut.slice(0, 2), [3_000, fresh], [4_000, gone]).state,
    'up',
  )
  const off = play(...learned, ...cut)
  t.equal(off.state, 'cut-off')
  t.equal(
    off.reason,
    'its database: no answer for 1000 ms (3 in a row, fall 3)',
  )
  t.equal(shareOf(off, settings, 0), null)
  t.equal(play(...learned, ...cut, [4_000, fresh]).state, 'cut-off')
  const back = play(...learned, ...cut, [4_000, fresh], [5_000, fresh])
  t.match(back, { state: 'up', reason: 'its database answers again' })
  const slow: HealthEvent = {
    kind: 'deep',
    outcome: { kind: 'fresh', ms: 1_500, own: null, server: null },
    ...none,
  }
  const late = play(...learned, [1_000, slow])
  t.equal(late.state, 'up', 'as after a restart of ZEO')
  t.match(play(...learned, [1_000, slow], [2_000, slow]), {
    state: 'slow',
    reason:
      'its database answered after 1500 ms (2 late in a row, the limit of slow is 1000 ms)',
  })
  t.equal(isDeepInDoubt(late.deep), true, 'it is asked again soon')
  t.equal(
    play(...learned, [
      1_000,
      { kind: 'deep', outcome: { kind: 'none', why: 'refused' }, ...none },
    ]).state,
    'up',
  )
  const held = (ms: number): HealthEvent => ({
    kind: 'deep',
    outcome: { kind: 'silent', ms },
    ...none,
  })
  t.equal(
    play(...learned, [3_000, held(3_000)], [6_000, held(6_000)]).state,
    'up',
  )
  t.equal(play(...learned, [9_000, held(9_100)]).state, 'cut-off')
  t.end()
})

void t.test('a client that lags its peers', t => {
  const lost: HealthEvent = {
    kind: 'deep',
    outcome: { kind: 'gone', why: 'no answer for 1000 ms', own: early },
    ...none,
    newest: later,
    newestOf: 'zope2',
  }
  const cut = play(...learned, [1_000, lost], [2_000, lost], [3_000, lost])
  t.equal(
    cut.reason,
    'its database: no answer for 1000 ms, and it serves stale pages: it lacks a transaction known to zope2; its newest transaction is 60 s behind (3 in a row, fall 3)',
  )
  const behind: HealthEvent = {
    kind: 'deep',
    outcome: { kind: 'fresh', ms: 2, own: early, server: null },
    ...none,
    newest: later,
    newestOf: 'zope2',
  }
  t.equal(play([0, pass], [1_000, behind], [10_900, behind]).state, 'up')
  const stale = play([0, pass], [1_000, behind], [11_100, behind])
  t.equal(stale.state, 'cut-off')
  t.equal(
    stale.reason,
    'serves stale pages: for 10 s it has lacked a transaction known to zope2 (maxLag 10 s); its newest transaction is 60 s behind',
  )
  const caught: HealthEvent = { ...fresh, newest: later, newestOf: 'zope2' }
  t.equal(
    play([0, pass], [1_000, behind], [5_000, caught], [11_100, behind]).state,
    'up',
    'the time starts over',
  )
  t.equal(
    nextHealth(
      nextHealth(stale, caught, settings, 12_000),
      caught,
      settings,
      13_000,
    ).state,
    'up',
  )
  t.match(
    nextHealth(stale, { kind: 'tick' }, { ...settings, deep: null }, 12_000),
    { state: 'up', reason: 'deep probes are switched off' },
    'the deep probe was switched off',
  )
  t.end()
})

void t.test('a planned restart is not counted for damping', t => {
  const refused: HealthEvent = {
    kind: 'probed',
    outcome: { kind: 'refused' },
    ms: 1,
  }
  const story = [
    [0, pass],
    [1, refused],
    [2, refused],
    [3, refused],
  ] as const
  const before = play(...story.slice(0, 3))
  const down = play(...story)
  t.equal(down.light.flips.penalty, 1)
  t.match(unflipped(before, down), {
    state: 'down',
    light: { state: 'down', flips: { penalty: 0 } },
  })
  t.end()
})

void t.test('warm-up pages', t => {
  const pages = { ...settings, warmUp: [{ shown: '/', path: '/' }] }
  const events: HealthEvent[] = [
    pass,
    pass,
    { kind: 'warm-up', isGood: true },
    { kind: 'warm-up', isGood: true },
  ]
  const seen: unknown[] = []
  events.reduce(
    (health, event) => {
      const next = nextHealth(health, event, pages, 9)
      seen.push([next.state, shareOf(next, pages, 9), next.reason])
      return next
    },
    healthOf({ kind: 'down' }, pages, 0),
  )
  t.match(seen, [
    ['down', null],
    ['warming', 0, /pages are fetched before it gets new visitors$/],
    ['warming', 0],
    ['up', 100, 'its warm-up pages were answered in time 2 times in a row'],
  ])
  t.end()
})
