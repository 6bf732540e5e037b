import t from 'tap'
import { backendTable } from '../../../page/backends.ts'
import type { BackendStatus } from '../../../status/report.ts'
import { Fragments, fill } from '../../../page/page-template.ts'
import { aBackend } from '../../fixtures/status-report.ts'

function row(
  changes: Partial<BackendStatus>,
  probes = new Map([['zope1', [{ at: '', outcome: 'pass', ms: 5 }]]]),
): string {
  const cells = new Fragments()
  const backend = { ...aBackend, ...changes }
  return fill(cells.template(backendTable([backend], probes, cells)))
}

void t.test('a backend that is well', t => {
  const seen = row({})
  for (const part of [
    'zope1</b> <span class="address">10.0.0.11:8080',
    'class="state good"',
    '> up<',
    'datetime="2026-11-22T17:58:59.000Z"',
    '>100 %<',
    'class="strip"',
    '>5.0 ms<',
    '>passed<',
  ])
    t.match(seen, part)
  t.end()
})

void t.test('one that was never probed', t => {
  t.match(row({}, new Map()), 'none yet')
  t.end()
})

void t.test('state and actions are words, not only colors', t => {
  const admin = [
    {
      kind: 'drain' as const,
      reason: 'upgrade',
      by: 'anna',
      until: '2026-11-22T19:00:00Z',
    },
    { kind: 'force' as const, reason: null, by: null, until: null },
  ]
  const seen = row({ state: 'down', share: null, reason: null, admin })
  for (const part of [
    '✕</i> down<',
    '<span class="admin">drain</span>',
    '<span class="admin">force</span>',
    /drain<\/b> by anna until <time.*19:00:00 UTC<\/time>: upgrade/s,
    'not judged yet',
  ])
    t.match(seen, part)
  t.end()
})
