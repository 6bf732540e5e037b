import t from 'tap'
import { aCluster, aMachine, lostOrder } from '../../fixtures/cluster-report.ts'
import {
  isMapReport,
  isMonitorReport,
  judgedBackends,
  parseReport,
} from '../../../sentinels/reports.ts'

const map = {
  pid: 1,
  started: '',
  lookups: 1,
  malformed: 0,
  unanswered: 0,
  faults: 0,
  outOfStep: 0,
  answers: { a: 1 },
  problems: [''],
}

const rubbish = [
  '',
  'null',
  '5',
  '"text"',
  '[]',
  '{',
  '\u0000',
  '{"pid":1}',
  '{"pid":0,"backends":{}}',
  '{"pid":-1,"backends":{}}',
  '{"pid":"1","backends":{}}',
  '{"pid":1,"backends":[]}',
  '{"pid":1,"backends":null}',
  '{"pid":1,"backends":{"a":null}}',
  '{"pid":1,"backends":{"a":{"state":"up"}}}',
  '{"pid":1,"backends":{"a":{"state":"up","since":"","reason":"","probes":5}}}',
  '{"pid":1,"backends":{"a":{"state":"up","since":"","reason":"","probes":[5]}}}',
  ...[
    { started: 5 },
    { unanswered: '0' },
    { faults: -1 },
    { outOfStep: '0' },
    { answers: [] },
    { answers: { a: '1' } },
    { kinds: [] },
    { kinds: { a: 5 } },
    { kinds: { a: { hit: -1 } } },
    { problems: {} },
    { problems: [5] },
  ].map(wrong => JSON.stringify({ ...map, ...wrong })),
]

void t.test('garbage is not a report, and has judged no backend', t => {
  for (const text of rubbish) {
    const value = parseReport(text)
    t.notOk(isMonitorReport(value), text)
    t.notOk(isMapReport(value), text)
    if (!text.includes('"up"')) t.strictSame(judgedBackends(value), [], text)
  }
  t.end()
})

void t.test('only known states but "unknown" are a judgement', t => {
  t.strictSame(
    judgedBackends({
      backends: {
        a: backend('up'),
        b: backend('unknown'),
        c: backend('down'),
        d: backend('slow'),
        e: backend('warming'),
        f: backend('happy'),
        g: {},
        h: 5,
      },
    }),
    ['a', 'c', 'd', 'e'],
  )
  t.end()
})

void t.test('a report of either program is one', t => {
  const monitor = {
    pid: 1,
    backends: {
      a: {
        state: 'up',
        since: '2026-11-22T18:00:00Z',
        reason: 'passed',
        probes: [{ outcome: 'pass' }],
      },
    },
  }
  t.ok(isMonitorReport(monitor))
  t.notOk(isMapReport(monitor))
  const seen = { state: 'ok', since: '', reason: '' }
  t.ok(isMonitorReport({ ...monitor, map: seen }))
  t.notOk(isMonitorReport({ ...monitor, map: { ...seen, since: 1 } }))
  t.notOk(isMonitorReport({ ...monitor, map: 'ok' }))
  const front = { ...seen, url: 'u', score: 100, probes: [] }
  t.ok(isMonitorReport({ ...monitor, front }))
  t.notOk(isMonitorReport({ ...monitor, front: seen }))
  t.notOk(isMonitorReport({ ...monitor, front: { ...front, url: 5 } }))
  t.ok(isMonitorReport({ ...monitor, zeo: { default: seen } }))
  t.notOk(isMonitorReport({ ...monitor, zeo: { default: 'well' } }))
  t.notOk(isMonitorReport({ ...monitor, zeo: [seen] }))
  const receiver = { waiting: 0, dropped: 1 }
  t.ok(isMonitorReport({ ...monitor, notices: { webhook: receiver } }))
  for (const wrong of [
    { webhook: 1 },
    { webhook: { ...receiver, dropped: '1' } },
    { webhook: { dropped: 1 } },
    [receiver],
  ])
    t.notOk(isMonitorReport({ ...monitor, notices: wrong }))
  const limit = { severity: 'info', what: '', why: '', remedy: '' }
  t.ok(isMonitorReport({ ...monitor, limits: [limit] }))
  t.notOk(isMonitorReport({ ...monitor, limits: [{ ...limit, why: 1 }] }))
  t.ok(
    isMonitorReport({
      ...monitor,
      limits: [{ ...limit, severity: 'warning' }],
    }),
  )
  t.notOk(isMonitorReport({ ...monitor, limits: [{ ...limit, severity: 1 }] }))
  t.notOk(isMonitorReport({ ...monitor, limits: [1] }))
  t.notOk(isMonitorReport({ ...monitor, limits: limit }))
  t.ok(isMapReport(map))
  t.ok(isMapReport({ ...map, kinds: { a: { hit: 1 } } }))
  t.ok(isMapReport({ ...map, startTime: '1', pidNamespace: '-', lookupMs: 0 }))
  t.notOk(isMapReport({ ...map, startTime: 1 }))
  t.notOk(isMapReport({ ...map, lookupMs: -1 }))
  const { outOfStep: _, ...former } = map
  t.ok(isMapReport(former), 'an older map, too')
  t.notOk(isMonitorReport(map))
  t.end()
})

function backend(state: unknown) {
  return { state }
}

void t.test('the report about other machines', t => {
  const monitor = { pid: 5, backends: {} }
  const of = (cluster: unknown) => isMonitorReport({ ...monitor, cluster })
  const machine = aMachine()
  t.ok(of(aCluster({ differs: { a: { fe2: 'down' } } })))
  t.ok(of(aCluster({ orders: { 'a.drain': lostOrder } })))
  t.ok(
    of(
      aCluster({ members: { fe2: aMachine({ ageMs: null, version: null }) } }),
    ),
  )
  for (const wrong of [
    5,
    { ...aCluster(), state: 'other' },
    { ...aCluster(), name: 5 },
    { ...aCluster(), engine: null },
    { ...aCluster(), members: [] },
    { ...aCluster(), members: { fe2: 5 } },
    { ...aCluster(), members: { fe2: { ...machine, state: 5 } } },
    { ...aCluster(), members: { fe2: { ...machine, ageMs: 'x' } } },
    { ...aCluster(), members: { fe2: { ...machine, version: 5 } } },
    { ...aCluster(), members: { fe2: { ...machine, own: 5 } } },
    { ...aCluster(), members: { fe2: { ...machine, own: [5] } } },
    { ...aCluster(), differs: 5 },
    { ...aCluster(), differs: { a: 5 } },
    { ...aCluster(), differs: { a: { fe2: 5 } } },
    { ...aCluster(), orders: 5 },
    { ...aCluster(), orders: { 'a.drain': 5 } },
    { ...aCluster(), orders: { 'a.drain': {} } },
  ])
    t.notOk(of(wrong), JSON.stringify(wrong))
  t.end()
})
