import t from 'tap'
import { buildTable, type TablePool } from '../../../choice/table.ts'
import { parseConfig } from '../../../config/parse.ts'
import {
  firstTrack,
  judgeFront,
  probeOf,
  nextTrack,
  whileStarting,
  type FrontProbe,
  type FrontTrack,
} from '../../../health/front.ts'
import {
  noSentinels,
  type BackendSentinels,
} from '../../../sentinels/snapshot.ts'

const mapUrl = 'http://127.0.0.1/.zope-failover/map'
const pass: FrontProbe = { outcome: 'pass', reason: 'answers' }
const fail: FrontProbe = { outcome: 'fail', reason: 'no answer' }
const starved: FrontProbe = { outcome: 'starved', reason: 'did not run' }

void t.test('what an answer means', t => {
  const ofMap = (status: number, header: string | null) =>
    probeOf({ kind: 'answer', status, header }, mapUrl).outcome
  t.equal(ofMap(204, 'ok zope1 zope2'), 'pass')
  for (const word of ['dead', 'garbled', 'out-of-step'])
    t.equal(ofMap(204, word), 'pass', `${word}: the fallback serves`)
  t.equal(ofMap(204, null), 'fail', 'another program answers')
  t.equal(ofMap(200, 'ok zope1 -'), 'fail')
  t.match(probeOf({ kind: 'answer', status: 404, header: null }, mapUrl), {
    outcome: 'fail',
    reason: /404 without X-Zope-Failover-Map/,
  })
  for (const [status, outcome] of [
    [200, 'pass'],
    [302, 'pass'],
    [404, 'fail'],
    [503, 'fail'],
  ] as const)
    t.strictSame(
      probeOf({ kind: 'answer', status, header: null }, 'http://127.0.0.1/x'),
      { outcome, reason: `answers with status ${status}` },
    )
  t.strictSame(probeOf({ kind: 'error', error: 'ECONNREFUSED' }, mapUrl), {
    outcome: 'fail',
    reason: 'no answer (ECONNREFUSED)',
  })
  t.strictSame(probeOf({ kind: 'timeout', limitMs: 300 }, mapUrl), {
    outcome: 'fail',
    reason: 'no answer within 300 ms',
  })
  t.strictSame(probeOf({ kind: 'starved', lateMs: 900 }, mapUrl), {
    outcome: 'starved',
    reason: 'the monitor itself did not run for 900 ms',
  })
  t.end()
})

void t.test('while a new map program starts', t => {
  const timeout = { kind: 'timeout', limitMs: 300 } as const
  const kindOf = (...ages: readonly number[]) =>
    whileStarting(timeout, ages).kind
  t.equal(kindOf(), 'timeout')
  t.equal(kindOf(0), 'starting')
  t.equal(kindOf(3_600_000, 4_999), 'starting')
  t.equal(kindOf(5_000), 'timeout', 'it hangs')
  t.equal(kindOf(-20), 'timeout', 'the clocks do not agree')
  const refused = { kind: 'error', error: 'ECONNREFUSED' } as const
  t.equal(whileStarting(refused, [1]), refused, 'httpd itself is gone')
  t.strictSame(probeOf(whileStarting(timeout, [1]), mapUrl), {
    outcome: 'starved',
    reason: 'no answer within 300 ms while the map program starts',
  })
  t.end()
})

const after = (looks: readonly FrontProbe[], rules = { fall: 2, rise: 1 }) =>
  looks.reduce<FrontTrack>(
    (track, probe) => nextTrack(track, probe, rules),
    firstTrack,
  )

void t.test('how many probes it takes', t => {
  t.equal(after([]).isAnswering, null)
  t.equal(after([pass]).isAnswering, true, 'the first pass counts at once')
  t.equal(after([pass], { fall: 1, rise: 9 }).isAnswering, true)
  t.equal(after([fail]).isAnswering, null, 'one failure proves nothing')
  t.strictSame(after([fail, fail]), {
    isAnswering: false,
    streak: -2,
    reason: 'no answer',
  })
  t.equal(after([pass, fail]).isAnswering, true)
  t.equal(after([pass, fail, pass, fail]).isAnswering, true)
  t.strictSame(after([pass, fail, pass]), {
    isAnswering: true,
    streak: 1,
    reason: 'answers',
  })
  t.equal(after([fail, fail, pass]).isAnswering, true)
  const slow = { fall: 2, rise: 2 }
  t.equal(after([fail, fail, pass], slow).isAnswering, false)
  t.equal(after([fail, fail, pass, pass], slow).isAnswering, true)
  t.strictSame(
    after([pass, fail, starved]),
    after([pass, fail]),
    'a pause of the monitor proves nothing',
  )
  t.end()
})

const sightOf = (isAnswering: boolean | null): FrontTrack => ({
  isAnswering,
  streak: 1,
  reason: isAnswering === true ? 'answers' : 'does not',
})

function poolOf(
  own: Readonly<Record<string, Partial<BackendSentinels>>>,
  settings = '',
): TablePool | undefined {
  const config = parseConfig(
    `backends: { a: http://a, b: http://b }\npools: { default: { ${settings} } }`,
    'f',
  )
  const snapshot = {
    backends: new Map(
      Object.entries(own).map(([name, one]) => [
        name,
        { ...noSentinels, ...one },
      ]),
    ),
    monitor: { writtenMs: 0, judged: new Set(['a', 'b']) },
    problems: [],
  }
  return buildTable(config, snapshot, 0).pools.get('default')
}

const note = { reason: null, by: null, until: null }

const scored = (
  isAnswering: boolean | null,
  pool: TablePool | undefined,
  minScore: 50 | 100 = 50,
) => {
  const { state, score } = judgeFront(
    { track: sightOf(isAnswering), pool, admin: undefined },
    minScore,
  )
  return [state, score]
}

void t.test('the score', t => {
  const well = poolOf({ a: { share: 100 } })
  const last = poolOf({ a: { share: 0 } })
  const none = poolOf({})
  t.strictSame(scored(true, well), ['up', 100])
  t.strictSame(scored(true, poolOf({ b: { share: 1 } })), ['up', 100])
  t.strictSame(scored(true, last), ['last-resort', 50])
  t.strictSame(scored(true, last, 100), ['last-resort', null])
  t.strictSame(scored(true, well, 100), ['up', 100])
  t.strictSame(scored(true, none), ['nobody', null])
  t.strictSame(
    scored(true, poolOf({}, 'whenAllDown: try-all')),
    ['last-resort', 50],
    'a pool that tries all is worth a try',
  )
  t.strictSame(
    scored(true, poolOf({ a: { share: 100, maint: note } })),
    ['nobody', null],
    'orders to the backends count',
  )
  t.strictSame(scored(false, well), ['silent', null])
  t.strictSame(scored(false, undefined), ['silent', null])
  t.strictSame(scored(null, well), ['unknown', undefined], 'stays as it was')
  t.strictSame(scored(true, undefined), ['unknown', undefined])
  t.strictSame(scored(null, undefined, 100), ['unknown', undefined])
  t.end()
})

const ordered = (
  admin: 'maint' | 'drain' | 'force',
  isAnswering: boolean | null,
) => {
  const pool = poolOf({ a: { share: 100 } })
  const { state, score } = judgeFront(
    { track: sightOf(isAnswering), pool, admin },
    100,
  )
  return [state, score]
}

void t.test('what an administrator wants', t => {
  t.strictSame(ordered('maint', true), ['up', null])
  t.strictSame(ordered('drain', true), ['up', null])
  t.strictSame(ordered('maint', null), ['unknown', null], 'at once')
  t.strictSame(ordered('force', false), ['silent', 100])
  t.strictSame(ordered('force', null), ['unknown', 100])
  t.end()
})

const reasonOf = (isAnswering: boolean | null, pool?: TablePool) =>
  judgeFront({ track: sightOf(isAnswering), pool, admin: undefined }, 50).reason

void t.test('the reasons', t => {
  t.equal(
    reasonOf(true, poolOf({ a: { share: 9 } })),
    'the front answers, new visitors go to a',
  )
  t.equal(
    reasonOf(true, poolOf({ a: { share: 0 } })),
    'the front answers, but only last resorts are left: a',
  )
  t.equal(
    reasonOf(true, poolOf({})),
    'the front answers, but no backend of pool default can serve',
  )
  t.equal(reasonOf(false), 'the front does not')
  t.match(reasonOf(true), /not all of its backends are judged/)
  t.end()
})
