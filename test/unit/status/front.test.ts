import t from 'tap'
import { explainFront, upOfBackend, upOfFront } from '../../../status/front.ts'
import { aBackend, aReport } from '../../fixtures/status-report.ts'
import type { BackendStatus, StatusReport } from '../../../status/report.ts'

const backend = (
  name: string,
  more: Partial<BackendStatus> = {},
): BackendStatus => ({ ...aBackend, name, reason: null, ...more })

const report = (more: Partial<StatusReport> = {}): StatusReport =>
  aReport({
    backends: [backend('a'), backend('b'), backend('c')],
    pools: [],
    ...more,
  })

const front = (more: Partial<BackendStatus> = {}) =>
  report({ front: backend('front', more) })

const maint = { kind: 'maint' as const, reason: null, by: null, until: null }

void t.test('the front', t => {
  t.match(upOfFront(report()), { status: 404, text: /no key "front"/ })
  t.strictSame(upOfFront(front()), { status: 200, text: '100' })
  t.strictSame(upOfFront(front({ share: 50 })), { status: 200, text: '50' })
  t.strictSame(upOfFront(front({ share: null, state: 'silent' })), {
    status: 404,
    text: 'out silent',
  })
  t.strictSame(upOfFront(front({ share: null, admin: [maint] })), {
    status: 404,
    text: 'out maint up',
  })
  t.end()
})

void t.test('a backend', t => {
  type Members = StatusReport['pools'][number]['members']
  const pool = (
    members: Readonly<Record<string, Members[number]['standing']>>,
    newcomers: string[] = [],
    weight = 1,
  ) => ({
    name: 'default',
    policy: 'failover',
    newcomers,
    members: Object.entries(members).map(([name, standing], index) => ({
      name,
      standing,
      weight,
      tier: index + 1,
    })),
  })
  const asked = (
    name: string,
    pools: StatusReport['pools'],
    drained: 404 | 503 = 503,
  ) => {
    const { status, text } = upOfBackend(report({ pools }), name, drained)
    return [status, text]
  }
  t.strictSame(asked('x', []), [404, 'unknown backend x'])
  t.strictSame(asked('a', []), [503, 'in no pool'])
  t.strictSame(
    asked('b', [pool({ a: 'up', b: 'up' }, ['a'])]),
    [200, 'up 100'],
    "tiers are the asker's business",
  )
  t.strictSame(asked('a', [pool({ a: 'force' })]), [200, 'up 100'])
  t.strictSame(asked('a', [pool({ a: 'down', b: 'up' })]), [503, 'down'])
  t.strictSame(asked('a', [pool({ a: 'maint' })]), [503, 'maint'])
  t.strictSame(asked('a', [pool({ a: 'drain' })]), [503, 'drain'])
  t.strictSame(asked('a', [pool({ a: 'drain' })], 404), [404, 'drain'])
  t.strictSame(asked('a', [pool({ a: 'maint' })], 404), [503, 'maint'])
  for (const standing of ['last-resort', 'unknown', 'presumed-down'] as const) {
    t.strictSame(asked('a', [pool({ a: standing, b: 'up' })]), [503, standing])
    t.equal(asked('a', [pool({ a: standing, b: 'down' })])[0], 200, standing)
  }
  t.equal(
    asked('a', [
      pool({ a: 'last-resort', b: 'up' }),
      pool({ a: 'last-resort' }),
    ])[0],
    200,
    'wanted in one of its pools',
  )
  t.equal(asked('a', [pool({ a: 'down' }, ['a'])])[0], 200, 'all are tried')
  t.strictSame(asked('a', [pool({ a: 'up' }, [], 0)]), [503, 'up'])
  t.strictSame(
    upOfBackend(
      report({
        backends: [backend('a', { share: null })],
        pools: [pool({ a: 'force' })],
      }),
      'a',
      503,
    ),
    { status: 200, text: 'up 0' },
  )
  t.end()
})

void t.test('for a person', t => {
  t.match(explainFront(report()), [/not judged/])
  t.strictSame(explainFront(front({ reason: 'all is well' })), [
    'front.up says 100: this machine can serve new visitors.',
    'The monitor sees: up, all is well.',
    'The monitor is alive, so the file is current.',
  ])
  t.match(explainFront(front({ share: 50 }))[0], /last resorts only/)
  const ordered = front({
    share: null,
    admin: [
      { ...maint, by: 'ann', reason: 'new disk' },
      { ...maint, kind: 'drain' },
    ],
  })
  t.strictSame(explainFront({ ...ordered, monitor: { kind: 'never-seen' } }), [
    'front.up does not exist: this machine should get no visitors.',
    'maint is set by ann (new disk), and takes precedence.',
    'drain is set.',
    'The monitor sees: up.',
    'The monitor is gone: the file keeps the last known state.',
  ])
  t.end()
})
