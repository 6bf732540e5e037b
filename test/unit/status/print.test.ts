import t from 'tap'
import { aCluster, aMachine, lostOrder } from '../../fixtures/cluster-report.ts'
import type { StatusReport } from '../../../status/report.ts'
import { clusterText, statusText } from '../../../status/print.ts'
import { aBackend, aMap, aReport } from '../../fixtures/status-report.ts'

const now = Date.parse('2026-11-22T18:00:00Z')

const quiet = aReport()

function text(changes: Partial<StatusReport> = {}, isColoured = false): string {
  return statusText({ ...quiet, ...changes }, isColoured, now)
}

void t.test('when all is well', t => {
  t.equal(
    text(),
    [
      'monitor: alive, pid 17',
      'map: alive, pid 18, 5 lookups, 2 without a usable backend, 1 malformed',
      '',
      'BACKEND  ADDRESS         STATE  SHARE  SINCE  PROBES  REASON',
      'zope1    10.0.0.11:8080  up     100 %  1m     -+++    passed',
      '',
      'pool default (failover): new visitors go to zope1',
      '  MEMBER  TIER  WEIGHT  STANDING',
      '  zope1   1     1       up',
      '',
    ].join('\n'),
  )
  t.end()
})

void t.test('problems are described', t => {
  const shown = text({
    verdictsCount: false,
    monitor: { kind: 'dead', pid: 17, ageMs: 3_700_000 },
    maps: [
      aMap({ kind: 'silent', pid: 18, ageMs: 61_000 }),
      { ...aMap({ kind: 'dead', pid: 19, ageMs: 500 }), problems: ['a', 'b'] },
    ],
    pools: [
      { name: 'default', policy: 'failover', newcomers: [], members: [] },
    ],
    problems: ['b', 'c'],
    limits: [
      { severity: 'info', what: 'cannot', why: 'so', remedy: 'do this' },
    ],
    notices: {
      webhook: { waiting: 3, dropped: 0 },
      command: { waiting: 0, dropped: 2 },
    },
  })
  for (const line of [
    'monitor: DEAD, pid 17 is gone, last sign of life 1h ago',
    'map: SILENT for 1m, pid 18 is running but writes no report, 5 lookups',
    'map: DEAD, pid 19 is gone, last sign of life 500ms ago, 5 lookups',
    'verdicts are stale: they still rank the backends, but exclude none',
    'notices by webhook: 3 waiting, 0 dropped',
    'notices by command: 0 waiting, 2 dropped',
    'pool default (failover): NO BACKEND can serve',
    '\nb\nc\nmap: a\n',
  ])
    t.match(shown, line)
  t.notMatch(
    text({ notices: { webhook: { waiting: 0, dropped: 0 } } }),
    'notices',
  )
  t.match(text({ maps: [] }), 'map: never seen in this directory')
  t.match(
    text({ monitor: { kind: 'never-seen' } }),
    /^monitor: never seen in this directory$/m,
  )
  t.end()
})

void t.test(
  'the reason of an administrator is quoted, the state shows the action',
  t => {
    const shown = text({
      backends: [
        {
          ...aBackend,
          state: 'down',
          since: 'no time',
          share: null,
          reason: null,
          probes: '-'.repeat(64),
          admin: [
            { kind: 'drain', reason: 'disk', by: 'jim', until: '2030-01-01' },
            { kind: 'force', reason: null, by: null, until: null },
          ],
        },
        { ...aBackend, since: null, probes: '' },
      ],
    })
    t.match(
      shown,
      `down+drain+force  -      -      ${'-'.repeat(16)}  drain by jim until 2030-01-01: disk; force; not judged yet\n`,
    )
    t.match(shown, /up +100 % +- +- +passed\n/)
    t.end()
  },
)

void t.test('columns stay aligned, whatever the names and their number', t => {
  const backends = Array.from({ length: 50 }, (_, index) => ({
    ...aBackend,
    name: 'z'.repeat(1 + (index % 32)),
  }))
  const lines = text({ backends }).split('\n')
  const head = lines.findIndex(line => line.startsWith('BACKEND'))
  const column = lines[head]?.indexOf('ADDRESS')
  for (const line of lines.slice(head + 1, head + 51))
    t.equal(line.indexOf('10.0.0.11'), column)
  t.end()
})

void t.test('nothing from outside reaches the terminal unescaped', t => {
  const evil = '\u001B]0;x\u0007\u009B31m\r'
  const shown = text({
    backends: [
      {
        ...aBackend,
        state: evil,
        reason: evil,
        admin: [{ kind: 'maint', reason: evil, by: evil, until: null }],
      },
    ],
    maps: [{ ...aMap({ kind: 'alive', pid: 1, ageMs: 0 }), problems: [evil] }],
    problems: [evil.repeat(2)],
  })
  // eslint-disable-next-line no-control-regex -- these are the ones meant
  t.notMatch(shown, /[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/)
  t.match(shown, String.raw`map: \u001b]0;x\u0007\u009b31m\u000d`)
  t.end()
})

void t.test('color surrounds whole lines, never columns', t => {
  const shown = text(
    { monitor: { kind: 'dead', pid: 1, ageMs: 0 }, verdictsCount: false },
    true,
  )
  t.match(shown, '\u001B[31mmonitor: DEAD')
  t.match(shown, '\u001B[32mmap: alive')
  t.match(shown, '\nzope1    10.0.0.11:8080  up ')
  // eslint-disable-next-line no-control-regex -- these are the ones meant
  t.equal(shown.replaceAll(/\u001B\[\d*m/g, '').includes('\u001B'), false)
  t.end()
})

void t.test('the map program seen through httpd', t => {
  const seen = {
    state: 'ok',
    since: '2026-11-22T17:57:00Z',
    reason: 'answers zope1 zope2',
    streak: 5,
    ms: 1,
    commandAt: null,
  } as const
  for (const [state, shown] of [
    [
      'ok',
      '\u001B[32mmap program seen through httpd: ok for 3m, answers zope1 zope2',
    ],
    ['unknown', '\u001B[33mmap program seen through httpd: unknown for 3m'],
    ['dead', '\u001B[31mmap program seen through httpd: DEAD for 3m'],
    [
      'out-of-step',
      '\u001B[31mmap program seen through httpd: OUT-OF-STEP for 3m',
    ],
  ] as const)
    t.match(text({ mapSeen: { ...seen, state } }, true), shown)
  t.notMatch(text(), 'through httpd')
  t.end()
})

void t.test('other programs that answer from the table', t => {
  const helper = {
    ...aMap({ kind: 'alive', pid: 20, ageMs: 0 }),
    program: 'squid-helper',
    problems: ['x'],
  }
  const icp = {
    ...aMap({ kind: 'dead', pid: 21, ageMs: 2_000 }),
    program: 'icp',
    kinds: { zope1: { hit: 3, miss: 0, silence: 1 } },
  }
  const follow = {
    ...aMap({ kind: 'alive', pid: 22, ageMs: 0 }),
    program: 'follow',
  }
  const shown = text({ maps: [], readers: [helper, icp, follow] })
  for (const line of [
    'squid-helper: alive, pid 20, 5 lookups, 2 without a usable backend, 1 malformed\n',
    'icp: DEAD, pid 21 is gone, last sign of life 2s ago, 5 lookups, 2 without a usable backend, 1 malformed, zope1 3 hit 1 silence\n',
    'follow: alive, pid 22, 5 runs, 2 failed\n',
    'squid-helper: x\n',
  ])
    t.ok(shown.includes(line), line)
  t.notMatch(shown, 'map: never seen')
  t.match(text({ maps: [] }), 'map: never seen in this directory')
  t.end()
})

void t.test('the front is the first row', t => {
  const front = {
    ...aBackend,
    name: 'front',
    address: 'http://127.0.0.1/.zope-failover/map',
    share: 50,
    state: 'last-resort',
  }
  const rows = text({ front }).split('\n')
  const head = rows.findIndex(row => row.startsWith('BACKEND'))
  t.match(
    rows[head + 1],
    /^front +http:\/\/127\.0\.0\.1\/\.zope-failover\/map +last-resort +50 %/,
  )
  t.match(rows[head + 2], /^zope1 /)
  t.end()
})

void t.test('several machines', t => {
  const cluster = aCluster({
    state: 'older-data',
    members: {
      fe1: aMachine(),
      fe2: aMachine({ state: 'away', ageMs: 61_000, own: ['zope1.drain'] }),
      fe3: aMachine({ ageMs: null, version: null, clockMs: null, maps: 0 }),
    },
    orders: { 'zope1.maint': lostOrder },
  })
  const shown = text({ cluster })
  t.match(
    shown,
    [
      'MACHINE         STATE  SEEN       VERSION  CLOCK  MAPS  NOTES',
      'fe1 (this one)  live   500ms ago  1        +0.0s  1     -',
      'fe2             away   1m ago     1        +0.0s  1     files made by hand: zope1.drain',
      'fe3             live   -          -        -      0     -',
    ].join('\n'),
  )
  t.match(shown, /^cluster: fe1 is together, but etcd has OLDER DATA/m)
  t.match(shown, /^order lost by etcd, still in effect: zope1\.maint;/m)
  t.match(clusterText(aCluster(), true), '\u001B[32mcluster: fe1 is together')
  t.match(clusterText(aCluster(), false), /^cluster: fe1 is together/)
  t.end()
})
