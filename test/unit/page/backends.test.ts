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
  const pictures = { probes, minutes: new Map([['zope1', ['up', 'down']]]) }
  return fill(cells.template(backendTable([backend], [], pictures, cells)))
}

/** The headings of a table of backends named `a1`, `a2`, …, `b1`, … */
function headings(
  pools: Readonly<Record<string, readonly string[]>>,
  names: readonly string[],
): string[] {
  const fragments = new Fragments()
  const table = backendTable(
    names.map(name => ({ ...aBackend, name })),
    Object.entries(pools).map(([name, members]) => ({
      name,
      policy: 'balance',
      newcomers: [],
      members: members.map(member => ({
        name: member,
        tier: 1,
        weight: 1,
        standing: 'up' as const,
      })),
    })),
    { probes: new Map(), minutes: new Map() },
    fragments,
  )
  return [
    ...table.html.matchAll(/scope="rowgroup" colspan="6"> *([^<]*?) *</g),
  ].map(([, label = '']) => label)
}

void t.test('on a large site backends of the same pools stand together', t => {
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(letter =>
    [1, 2, 3, 4].map(index => `${letter}${index}`),
  )
  const all = [a, b, c, d].flatMap(names => names ?? [])
  t.strictSame(
    headings(
      { one: [...(a ?? []), ...(c ?? [])], two: c ?? [], three: b ?? [] },
      all,
    ),
    ['one', 'three', 'one, two', 'in no pool'],
  )
  t.strictSame(headings({ one: all }, all), [], 'one pool')
  t.strictSame(
    headings({ one: ['a1', 'a2'], two: ['a2', 'a3'] }, ['a1', 'a2', 'a3']),
    [],
    'headings for one backend each are noise',
  )
  t.end()
})

void t.test('a backend that is well', t => {
  const seen = row({})
  for (const part of [
    'zope1</b> <span class="address">10.0.0.11:8080',
    'class="state good"',
    '> up<',
    'datetime="2026-11-22T17:58:59.000Z"',
    '>100 %<',
    'class="strip"',
    'aria-label="last hour: up 1 min, down 1 min"',
    '>5.0 ms<',
    '>passed<',
  ])
    t.match(seen, part)
  t.end()
})

void t.test('one that was never probed', t => {
  t.match(row({}, new Map()), 'none yet')
  t.match(row({ since: null }), /up<\/span> *<\/td>/, 'without a time')
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
    /drain<\/b> by anna <time.*until 2026-11-22 19:00:00 UTC<\/time>: upgrade/s,
    'not judged yet',
  ])
    t.match(seen, part)
  t.end()
})
