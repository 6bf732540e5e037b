import t from 'tap'
import * as fc from 'fast-check'
import { icpKind } from '../../../squid/icp-answer.ts'
import { poolOf } from '../../fixtures/tables.ts'

const query = { requestNumber: 7, url: 'http://h/' }
const up = { up: 100 }
const balance = '{ policy: balance }'

function kinds(args: Parameters<typeof poolOf>): string[] {
  const pool = poolOf(...args)
  return pool.members.map(({ name }) => icpKind(pool, name, query, 'request'))
}

void t.test('the answer for each state', t => {
  for (const [name, expected, args] of [
    ['tiers', ['hit', 'missNoFetch'], ['a b', undefined, { a: up, b: up }]],
    [
      'the first is down',
      ['missNoFetch', 'hit'],
      ['a b', undefined, { b: up }],
    ],
    [
      'the first is last resort',
      ['missNoFetch', 'hit'],
      ['a b', balance, { a: { up: 0 }, b: up }],
    ],
    [
      'drain',
      ['missNoFetch', 'hit'],
      ['a b', balance, { a: { up: 100, drain: true }, b: up }],
    ],
    [
      'drain, and no other backend',
      ['missNoFetch', 'missNoFetch'],
      ['a b', balance, { a: { up: 100, drain: true } }],
    ],
    [
      'maint',
      ['silence', 'hit'],
      ['a b', balance, { a: { up: 100, maint: true }, b: up }],
    ],
    ['nobody', ['missNoFetch', 'missNoFetch'], ['a b', balance, {}]],
    [
      'drained, and verdicts are stale',
      ['missNoFetch', 'hit'],
      ['a b', balance, { a: { up: 100, drain: true } }, { ageMs: 60_000 }],
    ],
  ] satisfies [string, string[], Parameters<typeof poolOf>][])
    t.strictSame(kinds(args), expected, name)
  t.equal(icpKind(undefined, 'a', query, 'url'), 'missNoFetch')
  t.equal(
    icpKind(poolOf('a', undefined, { a: up }), 'other', query, 'url'),
    'missNoFetch',
  )
  t.end()
})

void t.test('property: one HIT among equals, whatever the query', t => {
  const pool = poolOf('a b c', balance, { a: up, b: { up: 50 }, c: up })
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffffffff }),
      fc.string({ unit: 'binary-ascii' }),
      fc.constantFrom('request' as const, 'url' as const),
      (requestNumber, url, spread) => {
        const said = pool.members.map(({ name }) =>
          icpKind(pool, name, { requestNumber, url }, spread),
        )
        return (
          said.filter(kind => kind === 'hit').length === 1 &&
          said.filter(kind => kind === 'miss').length === 2
        )
      },
    ),
  )
  t.end()
})

void t.test('shares follow the weights, number by number', t => {
  const pool = poolOf(
    'a b c',
    '{ policy: balance, members: [{ name: a, weight: 2 }, b, c] }',
    { a: up, b: up, c: up },
  )
  const count = new Map<string, number>()
  for (let requestNumber = 1; requestNumber <= 4_000; requestNumber++)
    for (const { name } of pool.members)
      if (icpKind(pool, name, { ...query, requestNumber }, 'request') === 'hit')
        count.set(name, (count.get(name) ?? 0) + 1)
  for (const [name, share] of [
    ['a', 0.5],
    ['b', 0.25],
    ['c', 0.25],
  ] as const)
    t.ok(Math.abs((count.get(name) ?? 0) / 4_000 - share) < 0.03, name)
  t.end()
})

void t.test('by URL, one page goes to one backend', t => {
  const pool = poolOf('a b', balance, { a: up, b: up })
  const winners = (url: string) =>
    new Set(
      Array.from({ length: 50 }, (_, requestNumber) =>
        pool.members.find(
          ({ name }) =>
            icpKind(pool, name, { requestNumber, url }, 'url') === 'hit',
        ),
      ),
    )
  for (const url of ['http://h/a', 'http://h/b', 'http://h/c'])
    t.equal(winners(url).size, 1, url)
  t.end()
})
