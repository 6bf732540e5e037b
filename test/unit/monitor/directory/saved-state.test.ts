import t from 'tap'
import { parseConfig } from '../../../../config/parse.ts'
import { healthOf, type Health } from '../../../../health/health.ts'
import {
  backendReport,
  parseFormerReport,
  probesReported,
  savedState,
} from '../../../../monitor/directory/saved-state.ts'
import {
  emptySnapshot,
  noSentinels,
  type Snapshot,
} from '../../../../sentinels/snapshot.ts'

void t.test('with many backends fewer probes are reported for each', t => {
  t.equal(probesReported(1), 64)
  t.equal(probesReported(100), 20)
  t.equal(probesReported(1_000), 4)
  t.end()
})

void t.test('the report of a backend', t => {
  const [backend] = parseConfig('backends: { a: http://a }', 'f').backends
  if (backend === undefined) throw new Error('no backend')
  const healthy = healthOf({ kind: 'none' }, backend.probe, 0)
  const health: Health = {
    ...healthy,
    state: 'up',
    reason: 'why',
    light: { ...healthy.light, streak: 3 },
  }
  t.same(backendReport(health, 100, false, [], '2026-11-22T00:00:01.500Z'), {
    state: 'up',
    since: '2026-11-22T00:00:01.500Z',
    reason: 'why',
    share: 100,
    streak: 3,
    probes: [],
  })
  const { light } = health
  t.equal(
    backendReport(
      { ...health, light: { ...light, cold: { sinceMs: 0, good: 0 } } },
      0,
      false,
      [],
      '',
    ).cold,
    true,
  )
  t.equal(
    backendReport(
      { ...health, deep: { ...health.deep, remark: 'remark' } },
      0,
      true,
      [],
      '',
    ).reason,
    'why; remark; kept as last resort by minAlive',
  )
  t.end()
})

void t.test('a former report is read, invalid parts are left out', t => {
  const text = JSON.stringify({
    backends: {
      a: { state: 'down', since: '2026-11-22T00:00:00Z' },
      b: { state: 'nonsense', since: '2026-11-22T00:00:00Z' },
      c: null,
      d: 'down',
      e: { state: 'up' },
      f: { state: 'warming', since: '2026-11-22T00:00:00Z', cold: true },
    },
  })
  t.same(
    [...parseFormerReport(text)],
    [
      ['a', { state: 'down', since: Date.UTC(2026, 10, 22) }],
      ['e', { state: 'up', since: NaN }],
      ['f', { state: 'warming', since: Date.UTC(2026, 10, 22), isCold: true }],
    ],
  )
  for (const rubbish of ['', '{', '[]', '{"backends":null}', '{"backends":7}'])
    t.equal(parseFormerReport(rubbish).size, 0, rubbish)
  t.end()
})

const withUp = (share: number): Snapshot => ({
  ...emptySnapshot,
  backends: new Map([['a', { ...noSentinels, share }]]),
})

const former = (state: string, sinceMs = 1_000_200) =>
  new Map([['a', { state, since: sinceMs }]])

void t.test('the verdict to start from', t => {
  const nowMs = 1_000_500
  const since = '1970-01-01T00:16:40.200Z'
  const now = '1970-01-01T00:16:40.500Z'
  const start = (
    snapshot: Snapshot,
    report: Parameters<typeof savedState>[2],
  ): unknown => {
    const { verdict, since } = savedState('a', snapshot, report, nowMs)
    return [verdict, since]
  }
  t.same(
    start(emptySnapshot, new Map()),
    [{ kind: 'none' }, now],
    'nothing on disk',
  )
  t.match(
    start(emptySnapshot, former('up')),
    [{ kind: 'none' }],
    'called up, but its file is gone',
  )
  t.match(start(emptySnapshot, former('unknown')), [{ kind: 'none' }])
  t.same(
    start(emptySnapshot, former('down')),
    [{ kind: 'down' }, since],
    'down since when the former monitor said',
  )
  t.same(
    start(withUp(40), former('warming')),
    [{ kind: 'up', share: 40 }, since],
    'up with its share',
  )
  t.same(
    start(
      withUp(0),
      new Map([['a', { state: 'warming', since: 1_000_200, isCold: true }]]),
    ),
    [{ kind: 'up', share: 0, isCold: true }, since],
    'warming up',
  )
  t.same(
    start(withUp(100), former('down')),
    [{ kind: 'up', share: 100 }, now],
    'the file counts more than the report',
  )
  t.same(
    start(withUp(100), former('up', nowMs + 400)),
    [{ kind: 'up', share: 100 }, now],
    'a time of the future is not believed',
  )
  t.same(
    start(withUp(100), former('up', NaN)),
    [{ kind: 'up', share: 100 }, now],
    'nor one that is none',
  )
  t.end()
})

void t.test('an invalid backend name never becomes a file name', t => {
  const backends = {
    '../../x': { state: 'up' },
    Up: { state: 'up' },
    a: { state: 'up' },
  }
  t.strictSame(
    [...parseFormerReport(JSON.stringify({ backends })).keys()],
    ['a'],
  )
  t.end()
})
