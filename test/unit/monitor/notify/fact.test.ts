import t from 'tap'
import {
  mapStates,
  states,
  type ClusterReport,
  type FrontState,
  type MapObservation,
  type State,
} from '../../../../sentinels/reports.ts'
import { aCluster, aMachine } from '../../../fixtures/cluster-report.ts'
import { parseConfig } from '../../../../config/parse.ts'
import { factsOf, type MonitorState } from '../../../../monitor/notify/fact.ts'
import {
  noSentinels,
  type BackendSentinels,
  type Snapshot,
} from '../../../../sentinels/snapshot.ts'

const nowMs = 1_800_000_000_000
const since = '2026-11-23T00:00:00.000Z'
const note = { reason: null, by: null, until: null }

const configOf = (text = '') =>
  parseConfig(`backends: { a: http://a, b: http://b }\n${text}`, 'f')

function snapshotOf(
  backends: Readonly<Record<string, Partial<BackendSentinels>>>,
  ageMs = 0,
): Snapshot {
  const entries = Object.entries(backends)
  return {
    backends: new Map(
      entries.map(([name, own]) => [name, { ...noSentinels, ...own }]),
    ),
    monitor: {
      writtenMs: nowMs - ageMs,
      judged: new Set(entries.map(([name]) => name)),
    },
    problems: [],
  }
}

function knownOf(
  seen: Readonly<Record<string, State>>,
  more: Partial<MonitorState> = {},
): MonitorState {
  return {
    backends: new Map(
      Object.entries(seen).map(([name, state]) => [
        name,
        { state, since, reason: 'why' },
      ]),
    ),
    zeo: new Map(),
    map: undefined,
    ...more,
  }
}

const both = snapshotOf({ a: { share: 100 }, b: { share: 100 } })

void t.test('the severity of each state of a backend', t => {
  const severityOf = (state: State, own: Partial<BackendSentinels> = {}) =>
    factsOf(
      configOf(),
      snapshotOf({ a: own, b: { share: 100 } }),
      knownOf({ a: state }),
      nowMs,
    ).find(({ name }) => name === 'a')
  t.strictSame(
    states.map(state => [state, severityOf(state)?.severity]),
    [
      ['unknown', null],
      ['up', 'info'],
      ['warming', 'info'],
      ['slow', 'warning'],
      ['busy', 'warning'],
      ['frozen', 'critical'],
      ['cut-off', 'critical'],
      ['down', 'critical'],
    ],
  )
  t.match(severityOf('down'), { what: 'backend', reason: 'why', since })
  t.match(severityOf('down', { drain: note }), {
    severity: 'info',
    state: 'drain',
    reason: 'an administrator set it to drain',
  })
  t.match(severityOf('down', { maint: note, drain: note }), { state: 'maint' })
  t.match(severityOf('up', { maint: note }), { state: 'up', severity: 'info' })
  t.match(
    severityOf('down', { drain: { ...note, until: nowMs - 1 } }),
    { severity: 'critical' },
    'expired',
  )
  t.equal(
    factsOf(configOf(), both, knownOf({}), nowMs).length,
    1,
    'not watched yet',
  )
  t.end()
})

const poolOf = (snapshot: Snapshot, text = '') => {
  const [pool] = factsOf(configOf(text), snapshot, knownOf({}), nowMs)
  return [pool?.state, pool?.severity, pool?.reason]
}

void t.test('how many backends a pool has left', t => {
  t.strictSame(poolOf(both), ['well', 'info', 'served by a, b'])
  t.strictSame(poolOf(snapshotOf({ a: {}, b: { share: 50 } })), [
    'one-left',
    'warning',
    'only b is left of a, b',
  ])
  t.strictSame(poolOf(snapshotOf({ a: {}, b: { share: 0 } })), [
    'last-resort',
    'warning',
    'only b can serve, as a last resort',
  ])
  t.strictSame(poolOf(snapshotOf({ a: {}, b: { share: 50, maint: note } })), [
    'nobody',
    'critical',
    'none of a, b can serve',
  ])
  t.strictSame(
    poolOf(
      snapshotOf({ a: {}, b: {} }),
      'pools: { default: { whenAllDown: try-all } }',
    ).slice(0, 2),
    ['nobody', 'critical'],
  )
  t.strictSame(
    poolOf(both, 'pools: { one: { members: [a] } }').slice(0, 2),
    ['well', 'info'],
    'it never had more',
  )
  t.equal(poolOf({ ...both, monitor: null })[1], null, 'not judged yet')
  t.equal(poolOf(snapshotOf({ a: {}, b: {} }, 60_000))[1], null, 'stale')
  t.end()
})

const poolFact = (share: number, state: State) =>
  factsOf(
    configOf(),
    snapshotOf({ a: { share }, b: { share: 100 } }),
    knownOf({ a: state, b: 'up' }),
    nowMs,
  ).find(({ what }) => what === 'pool')?.state

void t.test('a pool changes when its members are reported, not before', t => {
  t.equal(poolFact(0, 'up'), 'well', 'slow for less than a second')
  t.equal(poolFact(0, 'slow'), 'one-left')
  t.equal(poolFact(100, 'slow'), 'one-left', 'well for less than a second')
  t.end()
})

const mapOf = (state: MapObservation['state'], streak: number) =>
  factsOf(
    configOf(),
    both,
    knownOf(
      {},
      { map: { state, since, reason: 'r', streak, ms: 1, commandAt: null } },
    ),
    nowMs,
  ).find(({ what }) => what === 'map')?.severity

const zeoOf = (state: 'unknown' | 'well' | 'gone') =>
  factsOf(
    configOf(),
    both,
    knownOf({}, { zeo: new Map([['p', { state, since, reason: 'r' }]]) }),
    nowMs,
  ).find(({ what }) => what === 'zeo')?.severity

void t.test('the map and a ZEO server', t => {
  t.strictSame(
    mapStates.map(state => [state, mapOf(state, 2)]),
    [
      ['unknown', null],
      ['ok', 'info'],
      ['dead', 'critical'],
      ['hung', 'critical'],
      ['out-of-step', 'critical'],
      ['garbled', 'critical'],
      ['busy', 'warning'],
      ['unreachable', 'critical'],
      ['not-configured', 'warning'],
    ],
  )
  t.equal(mapOf('dead', 1), null, 'one look may meet a graceful restart')
  t.equal(mapOf('ok', 1), 'info')
  t.strictSame(
    [zeoOf('unknown'), zeoOf('well'), zeoOf('gone')],
    [null, 'info', 'critical'],
  )
  t.end()
})

void t.test('the front', t => {
  const factOf = (
    state: FrontState,
    own: Partial<BackendSentinels> = {},
  ): unknown => {
    const front = {
      url: 'u',
      state,
      since,
      reason: 'why',
      score: null,
      probes: [],
    }
    const snapshot = snapshotOf({ a: { share: 100 }, front: own })
    return factsOf(
      configOf('front: {}'),
      snapshot,
      knownOf({}, { front }),
      nowMs,
    )
      .filter(({ what }) => what === 'front')
      .map(fact => [fact.name, fact.state, fact.severity, fact.since])
  }
  t.strictSame(
    factsOf(configOf(), both, knownOf({}), nowMs).filter(
      ({ what }) => what === 'front',
    ),
    [],
  )
  for (const [state, severity] of [
    ['unknown', null],
    ['up', 'info'],
    ['last-resort', 'info'],
    ['nobody', 'info'],
    ['silent', 'critical'],
  ] as const)
    t.strictSame(factOf(state), [['front', state, severity, since]])
  t.strictSame(
    factOf('silent', { maint: note }),
    [['front', 'maint', 'info', null]],
    'httpd may be stopped for it',
  )
  t.strictSame(factOf('up', { drain: note }), [['front', 'up', 'info', since]])
  t.end()
})

const clusterFactsOf = (cluster: ClusterReport) =>
  factsOf(configOf(), both, knownOf({}, { cluster }), nowMs)
    .filter(({ what }) => what === 'cluster')
    .map(({ name, state, severity }) => [name, state, severity])

void t.test('this machine among the others', t => {
  t.strictSame(clusterFactsOf(aCluster()), [
    ['fe1', 'together', 'info'],
    ['fe2', 'live', 'info'],
  ])
  t.strictSame(
    clusterFactsOf(
      aCluster({
        members: {
          fe1: aMachine(),
          fe2: aMachine({ state: 'away' }),
          fe3: aMachine({ clockMs: 9_000 }),
        },
      }),
    ),
    [
      ['fe1', 'together', 'info'],
      ['fe2', 'away', 'warning'],
      ['fe3', 'differs', 'warning'],
    ],
  )
  for (const [state, severity] of [
    ['alone', 'warning'],
    ['duplicate', 'critical'],
  ] as const)
    t.strictSame(clusterFactsOf(aCluster({ state })), [
      ['fe1', state, severity],
      ['fe2', 'live', null],
    ])
  t.match(clusterFactsOf(aCluster({ state: 'older-data' })), [
    ['fe1', 'older-data', 'critical'],
  ])
  t.end()
})
