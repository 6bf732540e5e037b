import t from 'tap'
import type { MapObservation } from '../../../sentinels/reports.ts'
import { statusReport, type MonitorSeen } from '../../../status/report.ts'
import { parseConfig } from '../../../config/parse.ts'
import {
  emptySnapshot,
  noSentinels,
  type Snapshot,
} from '../../../sentinels/snapshot.ts'
import { aCluster } from '../../fixtures/cluster-report.ts'

const now = Date.parse('2026-11-22T18:00:00Z')

const config = parseConfig(
  [
    'directory: /run/x',
    'backends: { zope1: http://10.0.0.11:8080, constructor: "http://[::1]" }',
    'pools:',
    '  default: { members: [zope1, { name: constructor, weight: 3 }] }',
    '  spare: { policy: balance, members: [constructor] }',
  ].join('\n'),
  'f',
)

function monitor(backends: MonitorSeen['report']['backends']): MonitorSeen {
  return {
    report: { pid: 17, backends },
    writtenMs: now - 1_000,
    isRunning: true,
  }
}

void t.test(
  'an empty directory: no program was seen, every backend may be tried',
  t => {
    t.match(statusReport(config, emptySnapshot, undefined, [], now), {
      time: '2026-11-22T18:00:00.000Z',
      directory: '/run/x',
      verdictsCount: false,
      monitor: { kind: 'never-seen' },
      maps: [],
      backends: [
        {
          name: 'zope1',
          address: '10.0.0.11:8080',
          state: 'unknown',
          since: null,
          reason: null,
          share: null,
          probed: null,
          admin: [],
          probes: '',
        },
        { name: 'constructor', address: '[::1]:80', state: 'unknown' },
      ],
      pools: [
        {
          name: 'default',
          policy: 'failover',
          newcomers: ['zope1'],
          members: [
            { name: 'zope1', tier: 1, weight: 1, standing: 'presumed-down' },
            {
              name: 'constructor',
              tier: 2,
              weight: 3,
              standing: 'presumed-down',
            },
          ],
        },
        { name: 'spare', policy: 'balance', newcomers: ['constructor'] },
      ],
      problems: [],
    })
    t.end()
  },
)

void t.test('verdicts, administrators and the last probes', t => {
  const until = now + 60_000
  const note = { reason: 'disk', by: 'jim', until }
  const snapshot: Snapshot = {
    backends: new Map([
      [
        'zope1',
        {
          ...noSentinels,
          share: 50,
          maint: { ...note, until: now - 1 },
          drain: note,
          force: { reason: null, by: null, until: null },
        },
      ],
    ]),
    monitor: {
      writtenMs: now - 1_000,
      judged: new Set(['zope1', 'constructor']),
    },
    problems: [{ key: 'k', text: 'a problem' }],
  }
  const report = statusReport(
    config,
    snapshot,
    monitor({
      zope1: {
        state: 'slow',
        since: '2026-11-22T17:00:00Z',
        reason: 'late',
        share: 50,
        streak: 1,
        probes: ['refused', 'pass', 'starved', 'local'].map(outcome => ({
          at: '2026-11-22T17:59:59Z',
          outcome,
          ms: 1,
        })),
      },
    }),
    [],
    now,
    ['f.yaml: bad'],
  )
  t.match(report, {
    verdictsCount: true,
    monitor: { kind: 'alive', pid: 17, ageMs: 1_000 },
    problems: ['f.yaml: bad', 'a problem'],
  })
  t.strictSame(report.backends[0], {
    name: 'zope1',
    address: '10.0.0.11:8080',
    state: 'slow',
    since: '2026-11-22T17:00:00Z',
    reason: 'late',
    share: 50,
    probed: '2026-11-22T17:59:59Z',
    admin: [
      {
        kind: 'drain',
        reason: 'disk',
        by: 'jim',
        until: new Date(until).toISOString(),
      },
      { kind: 'force', reason: null, by: null, until: null },
    ],
    probes: '-+??',
  })
  t.strictSame(report.pools[1]?.newcomers, [], 'down, and the verdict counts')
  t.end()
})

void t.test('a program is alive, silent, or dead', t => {
  const map = {
    version: '1',
    pid: 18,
    started: '2026-11-22T17:00:00Z',
    written: '',
    config: '',
    problems: ['one'],
    lookups: 4,
    malformed: 2,
    unanswered: 1,
    faults: 0,
    tables: 1,
    answers: { zope1: 3 },
  }
  const seen = [
    { writtenMs: now + 9_000, isRunning: true },
    { writtenMs: now - 5_000, isRunning: true },
    { writtenMs: now - 5_001, isRunning: true },
    { writtenMs: now - 5_001, isRunning: false },
  ].map(when => ({ ...when, report: map }))
  const { maps } = statusReport(config, emptySnapshot, undefined, seen, now)
  t.strictSame(
    maps.map(({ kind }) => kind),
    ['alive', 'alive', 'silent', 'dead'],
  )
  t.strictSame(maps[3], {
    kind: 'dead',
    pid: 18,
    ageMs: 5_001,
    lookups: 4,
    malformed: 2,
    unanswered: 1,
    faults: 0,
    outOfStep: 0,
    started: '2026-11-22T17:00:00Z',
    answers: { zope1: 3 },
    problems: ['one'],
  })
  t.end()
})

void t.test('the ZEO servers, if the monitor probes them', t => {
  const zeo: MonitorSeen['report']['zeo'] = {
    default: { state: 'gone', since: '2026-11-22T17:00:00Z', reason: 'r' },
  }
  const seen = monitor({})
  const report = { ...seen.report, zeo }
  t.strictSame(
    statusReport(config, emptySnapshot, { ...seen, report }, [], now).zeo,
    zeo,
  )
  t.notOk('zeo' in statusReport(config, emptySnapshot, seen, [], now))
  const severity = 'warning' as const
  const limits = [{ severity, what: 'no', why: 'so', remedy: 'do' }]
  const limited = { ...seen, report: { ...seen.report, limits } }
  const limitsOf = (monitor: MonitorSeen) =>
    statusReport(config, emptySnapshot, monitor, [], now).limits
  t.strictSame(limitsOf({ ...limited, isRunning: true }), limits)
  t.equal(limitsOf({ ...limited, isRunning: false }), undefined)
  t.equal(limitsOf({ ...seen, isRunning: true }), undefined)
  const notices = { webhook: { waiting: 1, dropped: 2 } }
  const noticing = { ...seen, report: { ...seen.report, notices } }
  const noticesOf = (monitor: MonitorSeen) =>
    statusReport(config, emptySnapshot, monitor, [], now).notices
  t.strictSame(noticesOf({ ...noticing, isRunning: true }), notices)
  t.equal(noticesOf({ ...noticing, isRunning: false }), undefined)
  t.equal(noticesOf({ ...seen, isRunning: true }), undefined)
  const cluster = aCluster()
  const joined = { ...seen, report: { ...seen.report, cluster } }
  const clusterOf = (monitor: MonitorSeen) =>
    statusReport(config, emptySnapshot, monitor, [], now).cluster
  t.strictSame(clusterOf({ ...joined, isRunning: true }), cluster)
  t.equal(clusterOf({ ...joined, isRunning: false }), undefined)
  t.end()
})

void t.test('the map program seen through httpd, if checked', t => {
  const mapSeen: MapObservation = {
    state: 'dead',
    since: '2026-11-22T17:00:00Z',
    reason: 'httpd gets no answer from it',
    streak: 3,
    ms: 1,
    commandAt: null,
  }
  const seen = monitor({})
  const report = { ...seen.report, map: mapSeen }
  t.strictSame(
    statusReport(config, emptySnapshot, { ...seen, report }, [], now).mapSeen,
    mapSeen,
  )
  t.notOk('mapSeen' in statusReport(config, emptySnapshot, seen, [], now))
  t.end()
})

void t.test('readers, if there are any', t => {
  const report = {
    version: '1',
    pid: 20,
    started: '2026-11-22T17:00:00Z',
    written: '2026-11-22T18:00:00Z',
    config: 'f',
    problems: [],
    lookups: 3,
    malformed: 0,
    unanswered: 0,
    faults: 0,
    tables: 1,
    answers: { zope1: 3 },
  }
  const seen = { report, writtenMs: now, isRunning: true }
  const kinds = { zope1: { hit: 2, miss: 1 } }
  const { readers } = statusReport(
    config,
    emptySnapshot,
    undefined,
    [],
    now,
    [],
    [
      { program: 'squid-helper', ...seen },
      { program: 'icp', ...seen, report: { ...report, kinds } },
    ],
  )
  t.match(readers, [
    { program: 'squid-helper', kind: 'alive', pid: 20, answers: { zope1: 3 } },
    { program: 'icp', kinds },
  ])
  t.notOk(readers?.[0] !== undefined && 'kinds' in readers[0])
  t.end()
})

void t.test('this machine, if the monitor judges it', t => {
  const fronted = parseConfig('backends: { zope1: http://h:1 }\nfront: {}', 'f')
  const frontOf = (seen: MonitorSeen | undefined) =>
    statusReport(fronted, emptySnapshot, seen, [], now).front
  t.match(frontOf(undefined), { name: 'front', state: 'unknown' })
  const front = {
    url: 'http://127.0.0.1/up',
    score: 100,
    state: 'up',
    since: '2026-11-22T17:00:00.000Z',
    reason: 'all is well',
    probes: [],
  } as const
  const seen = monitor({})
  t.match(frontOf({ ...seen, report: { ...seen.report, front } }), {
    name: 'front',
    state: 'up',
    reason: 'all is well',
  })
  t.equal(statusReport(config, emptySnapshot, seen, [], now).front, undefined)
  t.end()
})
