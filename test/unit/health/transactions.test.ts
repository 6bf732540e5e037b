import {
  array,
  assert,
  constantFrom,
  integer,
  property,
  tuple,
} from 'fast-check'
import t from 'tap'
import { parseConfig } from '../../../config/parse.ts'
import type { DeepOutcome } from '../../../health/deep.ts'
import {
  aheadSeconds,
  secondsOf,
  Transactions,
  withoutFuture,
} from '../../../health/transactions.ts'

const { pools } = parseConfig(
  [
    'backends: { a: http://a, b: http://b, c: http://c, d: http://d, e: http://e, f: http://f }',
    'pools:',
    '  default: { members: [a, b, c, d, e] }',
    '  other: { members: [f] }',
    '  third: { members: [a, b, c, d, e] }',
  ].join('\n'),
  'f',
)
const at = (id: string) => ({ id, seconds: 1 })

/** Claims by name at time 0: own and server are the same. */
function claimed(claims: Readonly<Record<string, string>>): Transactions {
  const transactions = new Transactions(pools)
  for (const [name, id] of Object.entries(claims))
    transactions.claim(name, at(id), at(id), 0)
  return transactions
}

void t.test('without any claim', t => {
  t.same(new Transactions(pools).consensusFor('a', 0), {
    newest: null,
    newestOf: '',
    agreedAt: -Infinity,
    beyond: null,
  })
  t.end()
})

void t.test('a majority decides', t => {
  const transactions = claimed({ a: '01', b: '03', c: '05', f: '09' })
  t.match(transactions.consensusFor('a', 9), {
    newest: { id: '03' },
    newestOf: 'b and c',
    agreedAt: 0,
    beyond: null,
  })
  t.match(transactions.consensusFor('c', 9), {
    newest: { id: '03' },
    newestOf: 'b',
    beyond: { id: '05', deniedBy: 'a and b', deniedMs: 0 },
  })
  transactions.claim('b', at('06'), null, 7)
  transactions.claim('c', at('07'), null, 8)
  t.match(transactions.consensusFor('a', 9), {
    newest: { id: '06' },
    agreedAt: 7,
  })
  t.match(transactions.consensusFor('f', 9), {
    newest: { id: '09' },
    newestOf: '',
  })
  const all = claimed({ a: '01', b: '02', c: '02', d: '02', e: '02' })
  t.equal(all.consensusFor('a', 9).newestOf, 'b, c, d and 1 more')
  t.end()
})

void t.test('one against one decides nothing', t => {
  const transactions = claimed({ a: '01', b: '03' })
  t.match(transactions.consensusFor('a', 9), {
    newest: { id: '01' },
    beyond: null,
  })
  t.match(transactions.consensusFor('b', 9), {
    newest: { id: '01' },
    newestOf: 'a',
    beyond: { id: '03', deniedBy: 'a' },
  })
  const two = claimed({ a: '01', b: '01', c: '03', d: '03' })
  t.equal(two.consensusFor('a', 9).newest?.id, '01', 'nor two against two')
  t.end()
})

void t.test('its own server proves it wrong', t => {
  const transactions = claimed({ b: '01' })
  transactions.claim('a', at('01'), at('04'), 5)
  t.match(transactions.consensusFor('a', 9), {
    newest: { id: '04' },
    newestOf: 'its own database server',
    agreedAt: 5,
  })
  t.equal(
    transactions.consensusFor('b', 9).newest?.id,
    '01',
    'against no other one',
  )
  t.end()
})

void t.test('the ZEO server decides if it is probed', t => {
  const transactions = claimed({ a: '03', b: '09', c: '09' })
  transactions.claim('d', at('01'), at('08'), 0)
  transactions.recordZeo('default', at('03'), 5)
  for (const name of ['a', 'b', 'd'])
    t.match(transactions.consensusFor(name, 9), {
      newest: { id: '03' },
      newestOf: 'the ZEO server of pool default',
      agreedAt: 5,
    })
  t.same(transactions.consensusFor('b', 9).beyond, {
    id: '09',
    deniedBy: 'the ZEO server of pool default',
    deniedMs: 5,
  })
  transactions.recordZeo('third', at('02'), 6)
  t.equal(
    transactions.consensusFor('a', 9).newest?.id,
    '02',
    'of two the lesser demand',
  )
  transactions.recordZeo('default', null, 6)
  transactions.recordZeo('third', null, 6)
  t.equal(
    transactions.consensusFor('a', 9).newest?.id,
    '08',
    'three of four know it',
  )
  t.end()
})

void t.test('a claim ends', t => {
  const transactions = claimed({ a: '01', b: '03', c: '03' })
  transactions.claim('b', null, null, 5)
  t.equal(transactions.consensusFor('a', 9).newest?.id, '01', 'taken back')
  transactions.claim('b', at('03'), null, 5, 100_000)
  t.equal(transactions.consensusFor('a', 9).newest?.id, '03')
  t.equal(
    transactions.consensusFor('a', 60_001).newest?.id,
    '03',
    'b alone is left',
  )
  t.equal(transactions.consensusFor('a', 100_006).newest, null, 'too old')
  transactions.recordZeo('default', at('03'), 0)
  t.equal(transactions.consensusFor('e', 60_001).newestOf, 'b')
  transactions.reconfigure([])
  transactions.claim('a', at('02'), null, 0)
  t.match(transactions.consensusFor('a', 9), {
    newest: { id: '02' },
    newestOf: '',
  })
  t.end()
})

const names = ['a', 'b', 'c', 'd', 'e'] as const
const id = integer({ min: 16, max: 255 }).map(number => number.toString(16))

void t.test('a false claim takes no other backend out', t => {
  assert(
    property(
      integer({ min: 3, max: 5 }),
      id,
      id,
      constantFrom(...names.slice(0, 3)),
      (count, honest, lie, liar) => {
        const transactions = new Transactions(pools)
        for (const name of names.slice(0, count)) {
          const claim = at(name === liar ? lie : honest)
          transactions.claim(name, claim, claim, 0)
        }
        return names
          .slice(0, count)
          .every(
            name =>
              name === liar ||
              (transactions.consensusFor(name, 1).newest?.id ?? '') <= honest,
          )
      },
    ),
  )
  t.end()
})

void t.test('a transaction is required only if a majority claims it', t => {
  assert(
    property(array(tuple(id, id), { minLength: 1, maxLength: 5 }), claims => {
      const transactions = new Transactions(pools)
      const newest = claims.map(([own, server], index) => {
        transactions.claim(names[index] ?? '', at(own), at(server), index)
        return own > server ? own : server
      })
      return claims.every(([own, server], index) => {
        const word =
          transactions.consensusFor(names[index] ?? '', 9).newest?.id ?? ''
        const knowing = newest.filter(one => one >= word).length
        // or its own server says so
        return word === server || own >= word || 2 * knowing > claims.length
      })
    }),
  )
  t.end()
})

void t.test('whatever is claimed, ZEO decides', t => {
  assert(
    property(array(id, { maxLength: 5 }), id, (claims, zeo) => {
      const transactions = new Transactions(pools)
      for (const [index, claim] of claims.entries())
        transactions.claim(names[index] ?? '', at(claim), at(claim), 0)
      transactions.recordZeo('default', at(zeo), 0)
      return names.every(
        name => transactions.consensusFor(name, 1).newest?.id === zeo,
      )
    }),
  )
  t.end()
})

void t.test('a transaction from the future is rejected', t => {
  // TimeStamp(2026, 11, 22, 19, 55, 30.0)
  const minutes = ((((2026 - 1900) * 12 + 10) * 31 + 21) * 24 + 19) * 60 + 55
  const known = `${minutes.toString(16).padStart(8, '0')}80000000`
  const wall = Date.UTC(2026, 10, 22, 19, 55, 30)
  t.equal(secondsOf(known), wall / 1_000)
  t.equal(aheadSeconds(null, wall), null)
  t.equal(aheadSeconds(at(known), wall), null)
  t.equal(aheadSeconds(at(known), wall - 60_000), null, 'clocks differ')
  t.equal(aheadSeconds(at(known), wall - 61_000), 61)
  t.ok(Number(aheadSeconds(at('f'.repeat(16)), wall)) > 1e9)
  const past = at('03f8000000000000')
  const future = at(known)
  const before = wall - 90_000
  const fresh = (own: typeof past, server: typeof past): DeepOutcome => ({
    kind: 'fresh',
    ms: 1,
    own,
    server,
  })
  t.match(withoutFuture(fresh(past, past), before), {
    outcome: fresh(past, past),
    aheadSeconds: null,
  })
  t.match(withoutFuture(fresh(future, past), before), {
    outcome: { own: null, server: past },
    aheadSeconds: 90,
  })
  t.match(withoutFuture(fresh(past, future), before), {
    outcome: { own: past, server: null },
    aheadSeconds: 90,
  })
  t.match(withoutFuture({ kind: 'gone', why: '', own: future }, before), {
    outcome: { own: null },
    aheadSeconds: 90,
  })
  for (const outcome of [
    { kind: 'silent', ms: 1 },
    { kind: 'none', why: '' },
  ] as const)
    t.same(withoutFuture(outcome, before), { outcome, aheadSeconds: null })
  t.end()
})
