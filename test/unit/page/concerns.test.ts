import t from 'tap'
import { concernsOf, verdictOf, type Concern } from '../../../page/concerns.ts'
import type {
  BackendStatus,
  PoolStatus,
  StatusReport,
} from '../../../status/report.ts'
import { aCluster, aMachine } from '../../fixtures/cluster-report.ts'
import { aBackend, aMap, aReport } from '../../fixtures/status-report.ts'

type Changes = Partial<StatusReport>

function verdict(changes: Changes): string {
  const report = aReport(changes)
  const { tone, text } = verdictOf(report, concernsOf(report))
  return `${tone}: ${text}`
}

/** `tone subjects state: reason (remedy)` of each. */
function concerns(changes: Changes): string[] {
  return concernsOf(aReport(changes)).map(
    ({ tone, subjects, state, reason, remedy }: Concern) =>
      `${tone} ${subjects.join('+')} ${state}: ${reason} (${remedy})`,
  )
}

function withPools(...pools: (PoolStatus | undefined)[]): Changes {
  return { pools: pools.filter(pool => pool !== undefined) }
}

function pool(
  name: string,
  newcomers: readonly string[],
  standing: PoolStatus['members'][number]['standing'] = 'up',
): PoolStatus {
  const members = [...new Set(['zope1', 'zope2', ...newcomers])].map(
    member => ({
      name: member,
      tier: 1,
      weight: 1,
      standing,
    }),
  )
  return { name, policy: 'balance', newcomers, members }
}

function backend(
  name: string,
  state: string,
  changes: Partial<BackendStatus> = {},
): BackendStatus {
  return { ...aBackend, name, state, ...changes }
}

void t.test('is the site served?', t => {
  t.equal(verdict({}), 'good: Served by zope1')
  t.equal(
    verdict({ pools: [pool('default', ['a', 'b', 'c', 'd'])] }),
    'good: Served by 4 backends',
  )
  const [one, two, three, four] = ['one', 'two', 'three', 'four'].map(name =>
    pool(name, []),
  )
  const good = pool('good', ['zope1'])
  t.equal(verdict(withPools(good, good)), 'good: Both pools are served')
  t.equal(verdict(withPools(good, good, good)), 'good: All 3 pools are served')
  t.equal(verdict(withPools(one)), 'bad: Not served: no backend can serve')
  t.equal(verdict(withPools(one, two)), 'bad: No pool is served')
  t.equal(verdict(withPools(one, good)), 'bad: Not served: pool one')
  t.equal(verdict(withPools(one, two, good)), 'bad: Not served: pools one, two')
  t.equal(
    verdict(withPools(one, two, three, four, good)),
    'bad: 4 of 5 pools are not served',
  )
  t.equal(
    verdict({ front: backend('front', 'silent') }),
    'bad: This machine does not answer visitors',
  )
  t.equal(
    verdict({ backends: [aBackend, backend('zope2', 'down')] }),
    'warn: Served by zope1; 1 of 2 backends unhealthy',
  )
  t.equal(verdict({ problems: ['a'] }), 'warn: Served by zope1; 1 problem')
  const limit = { what: 'what', why: 'why', remedy: 'do' }
  const limits = [{ ...limit, severity: 'info' as const }]
  t.equal(verdict({ limits }), 'good: Served by zope1', 'a recommendation')
  t.strictSame(concerns({ limits }), ['note  : what: why (do)'])
  t.strictSame(concerns({ limits: [{ ...limit, severity: 'warning' }] }), [
    'warn  : what: why (do)',
  ])
  t.end()
})

void t.test('backends: what is wrong, since when, what to do', t => {
  const refused = { reason: 'refused', since: '2026-11-22T17:00:00Z' }
  const backends = [
    backend('zope1', 'slow', { reason: null }),
    backend('zope2', 'down', refused),
    backend('zope3', 'down', { ...refused, since: '2026-11-22T16:00:00Z' }),
    backend('zope4', 'down', { ...refused, since: null }),
    backend('zope5', 'frozen'),
    backend('zope6', 'warming'),
    backend('zope7', 'unknown', { since: null }),
    ...(['maint', 'drain'] as const).map((kind, index) =>
      backend(`zope${8 + index}`, 'down', {
        admin: [{ kind, reason: null, by: null, until: null }],
      }),
    ),
  ]
  t.match(concerns({ backends }), [
    'bad zope2+zope3+zope4 down: refused (`zope-failover probe zope2` shows',
    'bad zope5 frozen: passed (it executes no code',
    'warn zope1 slow:  (the probed page is late',
  ])
  t.equal(concernsOf(aReport({ backends })).length, 3)
  t.equal(
    concernsOf(aReport({ backends }))[0]?.since,
    '2026-11-22T16:00:00Z',
    'of the first',
  )
  t.equal(
    concernsOf(
      aReport({ backends: [backend('a', 'down', { since: null })] }),
    )[0]?.since,
    null,
  )
  t.end()
})

void t.test('pools', t => {
  const down = [
    backend('zope1', 'down', { since: '2026-11-22T16:00:00Z' }),
    backend('zope2', 'down', { since: '2026-11-22T17:00:00Z' }),
  ]
  const changes = {
    backends: down,
    pools: [pool('a', [], 'down'), pool('b', [], 'down')],
  }
  const [first] = concernsOf(aReport(changes))
  t.match(first, {
    tone: 'bad',
    subjects: ['pool a', 'pool b'],
    since: '2026-11-22T17:00:00Z',
    remedy: /explain a`/,
  })
  const since = (backends: readonly BackendStatus[]): unknown =>
    concernsOf(aReport({ ...changes, backends }))[0]?.since
  const admin = [
    { kind: 'maint' as const, reason: null, by: null, until: null },
  ]
  t.equal(since(down.map(one => ({ ...one, admin }))), null, 'set by hand')
  t.equal(since(down.map(one => ({ ...one, since: null }))), '')
  t.equal(since([]), null)
  const pools = [pool('a', ['zope1'], 'last-resort'), pool('b', ['zope2'])]
  t.match(concerns({ pools }), [/^warn pool a on a last resort: /])
  t.strictSame(
    concerns({ pools, verdictsCount: false }).filter(it => /pool/.test(it)),
    [],
    'without verdicts all are',
  )
  t.end()
})

void t.test('programs', t => {
  const gone = { kind: 'dead' as const, pid: 1, ageMs: 1 }
  const alive = { kind: 'alive' as const, pid: 2, ageMs: 1 }
  t.match(concerns({ monitor: gone }), [/^bad monitor dead: no new verdicts/])
  t.match(concerns({ monitor: gone, verdictsCount: false }), [
    /^bad monitor dead: verdicts are stale/,
  ])
  t.match(concerns({ verdictsCount: false }), [/^warn {2}: verdicts are stale/])
  t.match(concerns({ maps: [aMap(gone)] }), [/^bad map program dead: httpd/])
  t.match(
    concerns({ maps: [aMap({ ...gone, kind: 'silent' }), aMap(alive)] }),
    [/^bad map program silent: it is running/],
  )
  t.strictSame(concerns({ maps: [aMap(gone), aMap(alive)] }), [])
  t.match(concerns({ maps: [] }), [/^warn map program never seen: /])
  t.strictSame(
    concerns({ maps: [], readers: [{ ...aMap(alive), program: 'icp' }] }),
    [],
  )
  const seen = { since: '', reason: 'why', streak: 1, ms: 1, commandAt: null }
  t.match(concerns({ mapSeen: { ...seen, state: 'hung' } }), [
    /^bad map program, seen through httpd hung: why/,
  ])
  t.strictSame(concerns({ mapSeen: { ...seen, state: 'unknown' } }), [])
  const zeo = { since: '', reason: 'why' }
  t.match(
    concerns({
      zeo: {
        a: { ...zeo, state: 'gone' },
        b: { ...zeo, state: 'well' },
      },
    }),
    [/^bad ZEO of pool a gone: why/],
  )
  const members = { fe1: aMachine(), fe2: aMachine({ state: 'away' }) }
  t.match(concerns({ cluster: aCluster({ members }) }), [
    /^warn {2}: machine fe2: away/,
  ])
  t.match(concerns({ notices: { webhook: { waiting: 0, dropped: 2 } } }), [
    /^warn {2}: notices by webhook: 0 waiting, 2 dropped/,
  ])
  t.end()
})
