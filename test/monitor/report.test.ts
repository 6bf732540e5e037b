import t from 'tap'
import type { Health } from '../../monitor/health.ts'
import {
  backendReport,
  parseFormerReport,
  probesTold,
  verdictOnDisk,
} from '../../monitor/report.ts'
import { emptySnapshot, noSentinels } from '../../sentinels/snapshot.ts'
import type { Snapshot } from '../../sentinels/snapshot.ts'

void t.test('many backends tell fewer probes each', t => {
  t.equal(probesTold(1), 64)
  t.equal(probesTold(100), 20)
  t.equal(probesTold(1_000), 4)
  t.end()
})

void t.test('the report of a backend tells its times by the wall clock', t => {
  const health: Health = {
    state: 'up',
    sinceMs: 1_500,
    reason: 'why',
    streak: 3,
    failures: [],
    warmSinceMs: null,
  }
  t.same(backendReport(health, 100, [], Date.UTC(2026, 10, 22)), {
    state: 'up',
    since: '2026-11-22T00:00:01.500Z',
    reason: 'why',
    share: 100,
    streak: 3,
    probes: [],
  })
  t.end()
})

void t.test('a former report is read, rubbish in it is left out', t => {
  const text = JSON.stringify({
    backends: {
      a: { state: 'down', since: '2026-11-22T00:00:00Z' },
      b: { state: 'nonsense', since: '2026-11-22T00:00:00Z' },
      c: null,
      d: 'down',
      e: { state: 'up' },
    },
  })
  t.same(
    [...parseFormerReport(text)],
    [
      ['a', { state: 'down', since: Date.UTC(2026, 10, 22) }],
      ['e', { state: 'up', since: NaN }],
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

void t.test('the verdict to start from', t => {
  const zeroMs = 1_000_000
  const nowMs = 500
  const former = (state: string, since = zeroMs + 200) =>
    new Map([['a', { state, since }]])
  const none = new Map<string, never>()
  const start = (
    snapshot: Snapshot,
    report: Parameters<typeof verdictOnDisk>[2],
  ): unknown => verdictOnDisk('a', snapshot, report, zeroMs, nowMs)

  t.same(start(emptySnapshot, none), { kind: 'none' }, 'nothing on disk')
  t.same(
    start(emptySnapshot, former('up')),
    { kind: 'none' },
    'called up, but its file is gone',
  )
  t.same(start(emptySnapshot, former('unknown')), { kind: 'none' })
  t.same(
    start(emptySnapshot, former('down')),
    { kind: 'down', sinceMs: 200 },
    'down since when the former monitor said',
  )
  t.same(
    start(withUp(40), former('warming')),
    { kind: 'up', share: 40, sinceMs: 200 },
    'up with its share',
  )
  t.same(
    start(withUp(100), former('down')),
    { kind: 'up', share: 100, sinceMs: 500 },
    'the file counts more than the report',
  )
  t.same(
    start(withUp(100), former('up', zeroMs + 900)),
    { kind: 'up', share: 100, sinceMs: 500 },
    'a time of the future is not believed',
  )
  t.same(start(withUp(100), former('up', NaN)), {
    kind: 'up',
    share: 100,
    sinceMs: 500,
  })
  t.end()
})
