import t from 'tap'
import * as fc from 'fast-check'
import {
  choose,
  chooseNext,
  candidatesOf,
  newRoundRobin,
  type RoundRobin,
} from '../../../choice/choose.ts'
import type { TablePool } from '../../../choice/table.ts'
import { poolOf, type Files } from '../../fixtures/tables.ts'

const up = { up: 100 }
const drained = { up: 100, drain: true } as const
const maint = { up: 100, maint: true } as const
const stale = { ageMs: 60_000 }

/** The name and the way; null = none. */
function chosen(
  pool: TablePool,
  route: string | null = null,
  key: string | null = null,
) {
  const decision = choose(pool, route, key, newRoundRobin)
  return decision.kind === 'backend'
    ? `${decision.member.name} ${decision.way}`
    : null
}

function next(
  pool: TablePool,
  route: string | null = null,
  key: string | null = null,
) {
  const decision = choose(pool, route, key, newRoundRobin)
  if (decision.kind === 'nobody') return null
  const other = chooseNext(
    pool,
    decision.member,
    route,
    key,
    decision.roundRobin,
  )
  return other.kind === 'backend'
    ? `${decision.member.name} ${other.member.name}`
    : `${decision.member.name} -`
}

void t.test('failover: new visitors get the first usable backend', t => {
  for (const [name, files, expected] of [
    ['all are up', { a: up, b: up, c: up }, 'a only'],
    ['the first is down', { b: up, c: up }, 'b only'],
    ['the first is in maintenance', { a: maint, b: up, c: up }, 'b only'],
    ['the first is drained', { a: drained, b: up, c: up }, 'b only'],
    ['the first is forced', { a: { force: true }, b: up }, 'a only'],
    ['share 0 loses to a later tier', { a: { up: 0 }, b: up }, 'b only'],
    ['share 0 before none', { a: { up: 0 } }, 'a only'],
    ['any share is a share', { a: { up: 1 }, b: up }, 'a only'],
    ['none', {}, null],
    ['only drained ones', { a: drained }, null],
    ['only maintenance', { a: maint, b: maint, c: maint }, null],
  ] as const)
    t.equal(chosen(poolOf('a b c', undefined, files)), expected, name)
  t.end()
})

void t.test('without a live monitor some backend is always tried', t => {
  for (const [name, files, monitor, expected] of [
    ['no verdicts at all', {}, stale, 'a only'],
    ['the last verdicts serve as a preference', { b: up }, stale, 'b only'],
    ['share 0 before no verdict', { b: { up: 0 } }, stale, 'b only'],
    ['no verdict before drained', { a: drained }, stale, 'b only'],
    ['drained before none', { a: drained, b: maint }, stale, 'a only'],
    ['maintenance never', { a: maint, b: maint }, stale, null],
    ['not judged yet', {}, { unknown: ['a', 'b'] }, 'a only'],
    ['not judged loses to up', { b: up }, { unknown: ['a'] }, 'b only'],
    ['not judged beats down', {}, { unknown: ['b'] }, 'b only'],
  ] as const)
    t.equal(chosen(poolOf('a b', undefined, files, monitor)), expected, name)
  t.end()
})

const triesAll = (files: Readonly<Record<string, Files>>, members = '[a, b]') =>
  poolOf('a b', `{ whenAllDown: try-all, members: ${members} }`, files)

void t.test('a pool that tries all', t => {
  t.equal(chosen(triesAll({})), 'a only')
  t.equal(chosen(triesAll({ b: up })), 'b only', 'up comes first')
  t.equal(chosen(triesAll({ b: { up: 0 } })), 'b only', 'then the last resort')
  t.equal(chosen(triesAll({ a: drained })), 'b only', 'down before drained')
  t.equal(chosen(triesAll({ a: drained, b: maint })), 'a only')
  t.equal(chosen(triesAll({ a: maint, b: maint })), null)
  t.equal(
    chosen(triesAll({ a: maint, b: up }, '[a, { name: b, weight: 0 }]')),
    'b only',
    'weight 0 before none',
  )
  t.equal(
    chosen(triesAll({ a: drained, b: up }, '[a, { name: b, weight: 0 }]')),
    'b only',
    'drained ones last',
  )
  t.end()
})

void t.test('a sticky visitor', t => {
  for (const [name, options, files, route, expected, monitor = {}] of [
    ['stays', '', { a: up, b: up }, 'b', 'b route'],
    [
      'stays in a later tier',
      'policy: failover,',
      { a: up, b: up },
      'b',
      'b route',
    ],
    ['moves while its backend is down', '', { a: up }, 'b', 'a only'],
    [
      'moves while its backend is in maintenance',
      '',
      { a: up, b: maint },
      'b',
      'a only',
    ],
    [
      'stays while its backend is drained',
      '',
      { a: up, b: drained },
      'b',
      'b route',
    ],
    [
      'stays on a drained backend without an alternative',
      '',
      { b: drained },
      'b',
      'b route',
    ],
    [
      'moves while its backend is drained and down',
      '',
      { a: up, b: { drain: true } },
      'b',
      'a only',
    ],
    [
      'stays when drained, down and forced',
      '',
      { a: up, b: { drain: true, force: true } },
      'b',
      'b route',
    ],
    ['stays on a last resort', '', { a: up, b: { up: 0 } }, 'b', 'b route'],
    [
      'leaves a last resort when relaxed',
      'stickiness: relaxed,',
      { a: up, b: { up: 0 } },
      'b',
      'a only',
    ],
    [
      'has no better one when relaxed',
      'stickiness: relaxed,',
      { a: { up: 0 }, b: { up: 0 } },
      'b',
      'b route',
    ],
    [
      'leaves a drained last resort when relaxed',
      'stickiness: relaxed,',
      { a: up, b: { up: 0, drain: true } },
      'b',
      'a only',
    ],
    [
      'stays on a forced one when relaxed',
      'stickiness: relaxed,',
      { a: up, b: { up: 0, force: true } },
      'b',
      'b route',
    ],
    [
      'stays on who is up when relaxed',
      'stickiness: relaxed,',
      { a: up, b: { up: 1 } },
      'b',
      'b route',
    ],
    [
      'stays on who is not judged yet',
      '',
      { a: up },
      'b',
      'b route',
      { unknown: ['b'] },
    ],
    [
      'leaves who is not judged yet when relaxed',
      'stickiness: relaxed,',
      { a: up },
      'b',
      'a only',
      { unknown: ['b'] },
    ],
    [
      'falls back when all must',
      'failback: all,',
      { a: up, b: up },
      'b',
      'a only',
    ],
    [
      'does not fall back to a last resort',
      'failback: all,',
      { a: { up: 0 }, b: up },
      'b',
      'b route',
    ],
    [
      'stays forward with failback all',
      'failback: all,',
      { a: up, b: up },
      'a',
      'a route',
    ],
    [
      'stays while verdicts are stale',
      '',
      { a: up, b: up },
      'b',
      'b route',
      stale,
    ],
    [
      'moves to a backend that was up when verdicts are stale',
      '',
      { a: up },
      'b',
      'a only',
      stale,
    ],
    ['stays when all are presumed down', '', {}, 'b', 'b route', stale],
    [
      'stays when only drained ones are left',
      '',
      { a: { drain: true, up: 0 }, b: { drain: true } },
      'b',
      'b route',
      stale,
    ],
    [
      'with a route that is not a member is new',
      '',
      { a: up, b: up },
      'ghost',
      'a only',
    ],
    ['of a down backend, with no other left', '', {}, 'b', null],
  ] as const)
    t.equal(
      chosen(
        poolOf('a b', `{ ${options} members: [a, b] }`, files, monitor),
        route,
      ),
      expected,
      name,
    )
  t.end()
})

void t.test(
  'sticky visitors of weight 0 stay, and no new visitor joins them',
  t => {
    const pool = poolOf(
      'a b',
      '{ policy: balance, members: [a, { name: b, weight: 0 }] }',
      { a: up, b: up },
    )
    t.equal(chosen(pool, 'b'), 'b route')
    t.equal(chosen(pool), 'a only')
    t.equal(chosen(pool, null, 'key'), 'a only')
    t.end()
  },
)

void t.test('the next backend', t => {
  for (const [name, options, files, route, expected, monitor = {}] of [
    ['the next tier', '', { a: up, b: up, c: up }, null, 'a b'],
    ['never drained', '', { a: up, b: drained, c: up }, null, 'a c'],
    ['never in maintenance', '', { a: up, b: maint }, null, 'a -'],
    [
      'never drained, even while stale',
      '',
      { a: up, b: drained, c: maint },
      null,
      'a -',
      stale,
    ],
    ['the last resort', '', { a: up, c: { up: 0 } }, null, 'a c'],
    ['none', '', { a: up }, null, 'a -'],
    ['presumed down before none', '', { a: up }, null, 'a b', stale],
    ['for a sticky visitor', '', { a: up, b: up }, 'b', 'b a'],
    [
      'for a visitor that fails back: the best tier left',
      'failback: all,',
      { a: up, b: up, c: up },
      'c',
      'a b',
    ],
    [
      'for a visitor that left its last resort: back there',
      'policy: balance, stickiness: relaxed,',
      { a: up, b: { up: 0 }, c: { up: 0 } },
      'c',
      'a c',
    ],
  ] as const)
    t.equal(
      next(
        poolOf('a b c', `{ ${options} members: [a, b, c] }`, files, monitor),
        route,
      ),
      expected,
      name,
    )
  t.end()
})

void t.test(
  'a visitor that fails back from the second tier would return there',
  t => {
    const pool = poolOf(
      'a b c',
      '{ failback: all, members: [a, { name: b, tier: 2 }, { name: c, tier: 2 }] }',
      { a: up, b: up, c: up },
    )
    t.equal(next(pool, 'b'), 'a b')
    t.equal(next(pool, 'c'), 'a c')
    t.end()
  },
)

void t.test('new visitors share the best preference and its lowest tier', t => {
  const pool = poolOf(
    'a b c d',
    '{ policy: balance, members: [{ name: a, tier: 2 }, b, { name: c, tier: 2 }, d] }',
    { a: up, c: up, d: { up: 0 } },
  )
  t.strictSame(
    candidatesOf(pool.members).map(({ name }) => name),
    ['a', 'c'],
  )
  t.strictSame(candidatesOf([]), [])
  t.end()
})

const five = 'a b c d e'
const balanced = '{ policy: balance }'
const keys = Array.from({ length: 10_000 }, (_, index) => `visitor ${index}`)
const allUp = Object.fromEntries(five.split(' ').map(name => [name, up]))

function spread(pool: TablePool): string[] {
  return keys.map(key => chosen(pool, null, key)?.split(' ')[0] ?? 'none')
}

void t.test(
  'of 10,000 keys only those of the lost backend move, and all return',
  t => {
    const before = spread(poolOf(five, balanced, allUp))
    const without = spread(poolOf(five, balanced, { ...allUp, c: {} }))
    const lost = before.filter(name => name === 'c').length
    t.ok(Math.abs(lost - 2_000) < 200, `c had ${lost}`)
    t.notOk(without.includes('c'))
    t.strictSame(
      before.filter((name, index) => name !== 'c' && name !== without[index]),
      [],
    )
    for (const name of ['a', 'b', 'd', 'e']) {
      const heirs = without.filter(
        (now, index) => now === name && before[index] === 'c',
      ).length
      t.ok(Math.abs(heirs - lost / 4) < 100, `${name} inherits ${heirs}`)
    }
    t.strictSame(spread(poolOf(five, balanced, allUp)), before)
    t.end()
  },
)

void t.test('a warming backend takes over keys; no other key moves', t => {
  const gone = spread(poolOf(five, balanced, { ...allUp, c: {} }))
  let before = gone
  for (const share of [10, 50, 100]) {
    const after = spread(poolOf(five, balanced, { ...allUp, c: { up: share } }))
    t.strictSame(
      after.filter((name, index) => name !== before[index] && name !== 'c'),
      [],
    )
    const part = share / 100 / (4 + share / 100)
    const got = after.filter(name => name === 'c').length
    t.ok(Math.abs(got - part * keys.length) < 200, `${share} %: ${got} keys`)
    before = after
  }
  t.end()
})

void t.test('keys follow the weights', t => {
  const pool = poolOf(
    'a b c',
    '{ policy: balance, members: [{ name: a, weight: 6 }, { name: b, weight: 3 }, c] }',
    { a: up, b: up, c: up },
  )
  const names = spread(pool)
  for (const [name, part] of [
    ['a', 0.6],
    ['b', 0.3],
    ['c', 0.1],
  ] as const) {
    const got = names.filter(one => one === name).length / keys.length
    t.ok(Math.abs(got - part) < 0.02, `${name} got ${got}`)
  }
  t.end()
})

function roundRobinOf(
  pool: TablePool,
  count: number,
  roundRobin: RoundRobin = newRoundRobin,
): string {
  let names = ''
  for (let turn = 0; turn < count; turn++) {
    const decision = choose(pool, null, null, roundRobin)
    if (decision.kind === 'nobody') return names
    names += decision.member.name
    roundRobin = decision.roundRobin
  }
  return names
}

const weighted = (weights: number[]) =>
  `{ policy: balance, members: [${weights.map((weight, index) => `{ name: ${'abc'[index]}, weight: ${weight} }`).join(', ')}] }`

void t.test('weighted round robin is smooth and exact', t => {
  const three = { a: up, b: up, c: up }
  t.equal(
    roundRobinOf(poolOf('a b c', weighted([5, 1, 1]), three), 14),
    'aabacaaaabacaa',
  )
  t.equal(
    roundRobinOf(poolOf('a b c', weighted([1, 1, 1]), three), 6),
    'abcabc',
  )
  t.equal(roundRobinOf(poolOf('a b c', weighted([1, 0, 1]), three), 4), 'acac')
  const long = roundRobinOf(
    poolOf('a b c', weighted([256, 100, 1]), { ...three, c: { up: 10 } }),
    35_610,
  )
  t.strictSame(
    ['a', 'b', 'c'].map(
      name => long.split('').filter(one => one === name).length,
    ),
    [25_600, 10_000, 10],
    'exact counts in a whole cycle, shares included',
  )
  t.end()
})

void t.test('round robin continues when a backend leaves and returns', t => {
  const all = poolOf('a b c', balanced, { a: up, b: up, c: up })
  const first = choose(all, null, null, newRoundRobin)
  const without = poolOf('a b c', balanced, { b: up, c: up })
  const second = choose(without, null, null, first.roundRobin)
  t.equal(second.kind === 'backend' && second.member.name, 'b')
  t.equal(
    roundRobinOf(all, 30, second.roundRobin)
      .split('')
      .filter(one => one === 'a').length,
    10,
  )
  t.end()
})

void t.test('reading the next backend does not advance the round robin', t => {
  const pool = poolOf('a b c', balanced, { a: up, b: up, c: up })
  const decision = choose(pool, null, null, newRoundRobin)
  if (decision.kind === 'nobody') throw new Error('no backend')
  const before = [...decision.roundRobin]
  t.equal(next(pool), 'a b')
  chooseNext(pool, decision.member, null, null, decision.roundRobin)
  t.strictSame([...decision.roundRobin], before)
  t.end()
})

const file = fc.record(
  {
    up: fc.integer({ min: 0, max: 100 }),
    maint: fc.constant<true>(true),
    drain: fc.constant<true>(true),
    force: fc.constant<true>(true),
  },
  { requiredKeys: [] },
)
const pools = fc
  .record({
    policy: fc.constantFrom('failover', 'balance'),
    whenAllDown: fc.constantFrom('maintenance', 'try-all'),
    stickiness: fc.constantFrom('strict', 'relaxed'),
    failback: fc.constantFrom('newcomers', 'all'),
    files: fc.record({ a: file, b: file, c: file }),
    ageMs: fc.constantFrom(0, 60_000, null),
    unknown: fc.subarray(['a', 'b', 'c']),
    weights: fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)),
  })
  .map(({ files, ageMs, unknown, weights, ...options }) => ({
    files,
    isFresh: ageMs === 0,
    options,
    pool: poolOf(
      'a b c',
      JSON.stringify({
        ...options,
        members: weights.map((weight, index) => ({
          name: 'abc'[index],
          weight,
        })),
      }),
      files,
      { ageMs, unknown },
    ),
  }))
const route = fc.constantFrom(null, 'a', 'b', 'c', 'ghost')
const key = fc.option(fc.string({ maxLength: 20 }))

void t.test('whatever the directory says', t => {
  fc.assert(
    fc.property(
      pools,
      route,
      key,
      ({ pool, files, options, isFresh }, route, key) => {
        const decision = choose(pool, route, key, newRoundRobin)
        const filesOf = (name: string | null): Files | undefined =>
          new Map<string | null, Files>(Object.entries(files)).get(name)
        const isMaint = (name: string) => filesOf(name)?.maint === true
        if (decision.kind === 'nobody') {
          // only a live monitor or the administrator closes a pool
          return (
            (isFresh && options.whenAllDown === 'maintenance') ||
            pool.members.every(({ name }) => isMaint(name))
          )
        }
        const { name } = decision.member
        const next = chooseNext(
          pool,
          decision.member,
          route,
          key,
          decision.roundRobin,
        )
        const bound = filesOf(route)
        const isHonored =
          options.stickiness === 'relaxed' ||
          options.failback === 'all' ||
          bound === undefined ||
          bound.maint === true ||
          !(bound.force === true || bound.up !== undefined) ||
          name === route
        return (
          !isMaint(name) &&
          isHonored &&
          (next.kind === 'nobody' ||
            (next.member.name !== name &&
              !isMaint(next.member.name) &&
              filesOf(next.member.name)?.drain !== true))
        )
      },
    ),
    { numRuns: 2_000 },
  )
  t.pass('maint is never chosen, a usable route is honored, next is another')
  t.end()
})
