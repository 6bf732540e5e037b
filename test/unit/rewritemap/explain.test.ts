import t from 'tap'
import { explain } from '../../../rewritemap/explain.ts'
import { tableOf } from '../../fixtures/map.ts'

const up = { up: 100 }

function told(
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

void t.test('who serves, who is next, and where each one stands', t => {
  t.strictSame(
    told(['a b', undefined, { a: up, b: { up: 100, drain: true } }]),
    [
      'a: the only one of tier 1.',
      'If a were gone: nobody.',
      'With style prg httpd asks the map program (via=map).',
      'The monitor is alive: its verdicts count.',
      '  a (10.0.0.1:8080), tier 1: up',
      '  b (10.0.0.2:8080), tier 2: in drain: no newcomers, bound visitors stay while it is up',
    ],
  )
  t.end()
})

void t.test('why', t => {
  const balanced = '{ policy: balance }'
  for (const [name, args, route, key, first, second] of [
    [
      'bound',
      ['a b', balanced, { a: up, b: up }],
      'b',
      null,
      'b: the visitor is bound to it.',
      'If b were gone: a.',
    ],
    [
      'a turn',
      ['a b', balanced, { a: up, b: up }],
      null,
      null,
      'a: its turn among tier 1.',
      'If a were gone: b.',
    ],
    [
      'a key',
      ['a b', balanced, { a: up, b: up }],
      null,
      'key 1',
      /^[ab]: the affinity key falls to it among tier 1\.$/,
      /gone: [ab]\./,
    ],
    [
      'bound to who is down',
      ['a b', balanced, { a: up }],
      'b',
      null,
      'a: the only one of tier 1. The visitor is bound to b, but cannot stay there.',
      'If a were gone: nobody.',
    ],
    [
      'bound to a stranger',
      ['a b', balanced, { a: up }],
      'x y',
      null,
      'a: the only one of tier 1. "x y" is no member of default, so the visitor counts as new.',
      'If a were gone: nobody.',
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
      'a: the only one of tier 1. The visitor is bound to c, but cannot stay there.',
      'If a were gone: c.',
    ],
    [
      'last resort',
      ['a b', undefined, { a: { up: 0 } }],
      null,
      null,
      'a: the only one of tier 1 where nothing better is left.',
      'If a were gone: nobody.',
    ],
    [
      'nobody',
      ['a', undefined, {}],
      null,
      null,
      'Nobody: no member of default is usable, the answer is NULL.',
      'With style prg httpd asks the map program (via=map).',
    ],
    [
      'stale',
      ['a', undefined, {}, { ageMs: null }],
      null,
      null,
      'a: the only one of tier 1 where nothing better is left.',
      'If a were gone: nobody.',
    ],
  ] as const) {
    const lines = told([...args] as Parameters<typeof tableOf>, route, key)
    t.match(lines[0], first, name)
    t.match(lines[1], second, name)
  }
  t.equal(
    told(['a', undefined, { a: up }], 'a', null, true)[2],
    'With style prg httpd finds this in the text map (via=txt), without asking the map program.',
  )
  t.equal(
    told(['a', undefined, {}, { ageMs: null }])[3],
    'The monitor is gone: its last verdicts only order the choice.',
  )
  t.end()
})
