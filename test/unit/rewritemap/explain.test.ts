import t from 'tap'
import { explain } from '../../../rewritemap/explain.ts'
import { tableOf } from '../../fixtures/tables.ts'

const up = { up: 100 }

function explained(
  args: Parameters<typeof tableOf>,
  route: string | null = null,
  key: string | null = null,
  isText = false,
) {
  const table = tableOf(...args)
  const pool = table.pools.get('default')
  if (pool === undefined) throw new Error('no pool')
  return explain(table, pool, route, key, isText)
}

void t.test('the backend, the next one, and the standing of each member', t => {
  t.strictSame(
    explained(['a b', undefined, { a: up, b: { up: 100, drain: true } }]),
    [
      'a: the only candidate in tier 1.',
      'If a failed: none.',
      'With style prg httpd asks the map program (via=map).',
      'The monitor is alive: its verdicts are used.',
      '  a (10.0.0.1:8080), tier 1: up',
      '  b (10.0.0.2:8080), tier 2: in drain: no new visitors, sticky visitors stay while it is up',
    ],
  )
  t.end()
})

void t.test('why', t => {
  const balanced = '{ policy: balance }'
  for (const [name, args, route, key, first, second] of [
    [
      'sticky',
      ['a b', balanced, { a: up, b: up }],
      'b',
      null,
      "b: the visitor's session is on it.",
      'If b failed: a.',
    ],
    [
      'a turn',
      ['a b', balanced, { a: up, b: up }],
      null,
      null,
      'a: its turn in tier 1.',
      'If a failed: b.',
    ],
    [
      'a key',
      ['a b', balanced, { a: up, b: up }],
      null,
      'key 1',
      /^[ab]: the affinity key selects it in tier 1\.$/,
      /failed: [ab]\./,
    ],
    [
      'a session on a down backend',
      ['a b', balanced, { a: up }],
      'b',
      null,
      "a: the only candidate in tier 1. The visitor's session is on b, but cannot stay there.",
      'If a failed: none.',
    ],
    [
      'a session on an unknown backend',
      ['a b', balanced, { a: up }],
      'x y',
      null,
      'a: the only candidate in tier 1. "x y" is not a member of default, so the visitor counts as new.',
      'If a failed: none.',
    ],
    [
      'falls back, and would return',
      [
        'a b c',
        '{ failback: all, members: [a, { name: b, tier: 2 }, { name: c, tier: 2 }] }',
        { a: up, b: up, c: up },
      ],
      'c',
      null,
      "a: the only candidate in tier 1. The visitor's session is on c, but cannot stay there.",
      'If a failed: c.',
    ],
    [
      'last resort',
      ['a b', undefined, { a: { up: 0 } }],
      null,
      null,
      'a: the only candidate in tier 1, where nothing better is left.',
      'If a failed: none.',
    ],
    [
      'none',
      ['a', undefined, {}],
      null,
      null,
      'None: no member of default is usable, the answer is NULL.',
      'With style prg httpd asks the map program (via=map).',
    ],
    [
      'stale',
      ['a', undefined, {}, { ageMs: null }],
      null,
      null,
      'a: the only candidate in tier 1, where nothing better is left.',
      'If a failed: none.',
    ],
  ] as const) {
    const lines = explained([...args] as Parameters<typeof tableOf>, route, key)
    t.match(lines[0], first, name)
    t.match(lines[1], second, name)
  }
  t.equal(
    explained(['a', undefined, { a: up }], 'a', null, true)[2],
    'With style prg httpd reads this answer from the text map (via=txt) and does not ask the map program.',
  )
  t.equal(
    explained(['a', undefined, {}, { ageMs: null }])[3],
    'The monitor is gone: its last verdicts serve only as a preference.',
  )
  t.end()
})
