import { deepEqual, equal, ok } from 'node:assert/strict'
import {
  assert,
  boolean,
  constant,
  constantFrom,
  oneof,
  property,
  record,
  tuple,
} from 'fast-check'
import t from 'tap'
import {
  choose,
  candidatesOf,
  newRoundRobin,
  standbysOf,
} from '../../../choice/choose.ts'
import { buildTable } from '../../../choice/table.ts'
import {
  isInTextMap,
  nextExpiry,
  standbysIn,
  textMap,
} from '../../../choice/text-map.ts'
import {
  configOf,
  now,
  snapshotOf,
  type Files,
  type Monitor,
} from '../../fixtures/tables.ts'

/** The text map as httpd reads it. */
function read(
  names: string,
  files: Readonly<Record<string, Files>>,
  pool?: string,
  monitor?: Monitor,
): Record<string, string> {
  const config = configOf(names, pool)
  return parse(textMap(config, snapshotOf(config, files, monitor), now))
}

function parse(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('#'))
      .map(line => {
        const [key = '', value = '', ...more] = line.split(' ')
        t.strictSame(more, [], 'a value ends at white space')
        return [key, value]
      }),
  )
}

const up = { up: 100 }
const all = { a: up, b: up, c: up }
const balance = '{ policy: balance }'

void t.test('new visitors, the next backend, and sticky visitors', t => {
  const rows: [
    what: string,
    map: Record<string, string>,
    wanted: Record<string, string>,
  ][] = [
    [
      'failover',
      read('a b c', all),
      { default: 'a', 'default/a': 'b', 'default/b': 'a', 'default/c': 'a' },
    ],
    [
      'balance',
      read('a b c', all, balance),
      {
        default: 'a|b|c',
        'default/a': 'b|c',
        'default/b': 'a|c',
        'default/c': 'a|b',
      },
    ],
    ['one is down', read('a b', { b: up }), { default: 'b', 'default/b': '-' }],
    [
      'drain keeps sticky visitors and is no standby',
      read('a b', { a: { ...up, drain: true }, b: up }),
      { default: 'b', 'default/a': 'b', 'default/b': '-' },
    ],
    [
      'maintenance keeps no visitor',
      read('a b', { a: { ...up, maint: true }, b: up }),
      { default: 'b', 'default/b': '-' },
    ],
    [
      'an end that has passed',
      read('a b', { a: { ...up, maint: { until: now - 1 } }, b: up }),
      { default: 'a', 'default/a': 'b', 'default/b': 'a' },
    ],
    [
      'force',
      read('a b', { a: { force: true }, b: up }),
      { default: 'a', 'default/a': 'b', 'default/b': 'a' },
    ],
    [
      'the last resort',
      read('a b', { a: { up: 0 }, b: up }),
      { default: 'b', 'default/a': 'b', 'default/b': 'a' },
    ],
    [
      'a share is a weight',
      read('a b', { a: { up: 50 }, b: up }, balance),
      { default: 'a|b|b', 'default/a': 'b', 'default/b': 'a' },
    ],
    [
      'weight 0: only sticky visitors',
      read('a b', all, '{ members: [{ name: a, weight: 0 }, b] }'),
      { default: 'b', 'default/a': 'b', 'default/b': '-' },
    ],
  ]
  for (const [what, map, wanted] of rows) t.strictSame(map, wanted, what)
  t.end()
})

void t.test('no backend left: all but maintenance, drained ones last', t => {
  t.strictSame(
    read('a b c', { a: { drain: true }, c: { maint: true } }),
    { default: 'b', 'default/b': '-' },
    'as the map does when the monitor is gone',
  )
  t.strictSame(read('a b', { a: { maint: true }, b: { maint: true } }), {})
  t.strictSame(
    read('a b', {}, undefined, { ageMs: null }),
    { default: 'a', 'default/a': 'b', 'default/b': 'a' },
    'before the first report',
  )
  t.end()
})

function count(value: string | undefined, name: string): number {
  return (value ?? '').split('|').filter(it => it === name).length
}

void t.test('weights as exactly as a line allows', t => {
  const heavy = read(
    'a b',
    { a: { up: 33 }, b: up },
    '{ policy: balance, members: [{ name: a, weight: 256 }, b] }',
  )['default']
  t.equal(count(heavy, 'b'), 1, 'none is left out')
  t.equal(count(heavy, 'a'), 99)
  const thirds = read(
    'a b c',
    { a: { up: 99 }, b: { up: 100 }, c: { up: 98 } },
    balance,
  )['default']
  t.strictSame(
    ['a', 'b', 'c'].map(name => count(thirds, name)),
    [33, 34, 33],
  )
  const names = Array.from({ length: 60 }, (_, at) => `z${at}`.padEnd(32, '-x'))
  const files = Object.fromEntries(
    names.map((name, at) => [name, { up: at === 59 ? 100 : 50 }]),
  )
  const config = configOf(names.join(' '), balance)
  const text = textMap(config, snapshotOf(config, files), now)
  for (const line of text.split('\n')) t.ok(line.length < 1_024)
  const many = parse(text)['default']?.split('|') ?? []
  t.ok(many.includes(names[59] ?? ''), 'the heaviest of too many')
  t.ok(many.length >= 25)
  t.end()
})

void t.test('only backends that the map program would choose', t => {
  const file = record(
    {
      up: constantFrom(0, 1, 50, 100),
      drain: constant(true as const),
      maint: constant(true as const),
      force: constant(true as const),
    },
    { requiredKeys: [] },
  )
  assert(
    property(
      record({ a: file, b: file, c: file }),
      constantFrom(undefined, balance, '{ whenAllDown: try-all }'),
      (files, pool) => {
        const config = configOf('a b c', pool)
        const snapshot = snapshotOf(config, files)
        const members =
          buildTable(config, snapshot, now).pools.get('default')?.members ?? []
        const map = parse(textMap(config, snapshot, now))
        const chosen = new Set(candidatesOf(members).map(({ name }) => name))
        const listed = new Set(map['default']?.split('|'))
        if (chosen.size > 0) t.strictSame(listed, chosen)
        for (const name of ['a', 'b', 'c'] as const) {
          if (files[name].maint === true)
            t.notOk(
              Object.values(map).some(value => value.split('|').includes(name)),
            )
        }
        for (const name of listed)
          t.ok(map[`default/${name}`], 'each listed backend has a line')
      },
    ),
  )
  t.end()
})

/** Mostly absent: with few files the states are the usual ones. */
const seldom = oneof(
  { weight: 5, arbitrary: constant({}) },
  {
    weight: 1,
    arbitrary: constantFrom('drain', 'maint', 'force').chain(kind =>
      constantFrom(true as const, { until: now - 1 }, { until: now + 1 }).map(
        note => ({ [kind]: note }),
      ),
    ),
  },
)
const anyFiles = tuple(
  constantFrom({}, { up: 0 }, { up: 1 }, { up: 50 }, { up: 100 }),
  seldom,
  seldom,
).map((files): Files => Object.assign({}, ...files))
const anyState = record({
  files: record({ a: anyFiles, b: anyFiles, c: anyFiles }),
  monitor: record({
    ageMs: constantFrom(0, 60_000, null),
    unknown: constantFrom<readonly string[]>([], ['a'], ['b', 'c']),
  }),
})

const everyConfig = ['strict', 'relaxed'].flatMap(stickiness =>
  ['failover', 'balance'].flatMap(policy =>
    ['maintenance', 'try-all'].map(all =>
      configOf(
        'a b c',
        `{ policy: ${policy}, stickiness: ${stickiness}, whenAllDown: ${all} }`,
      ),
    ),
  ),
)

void t.test(
  'httpd keeps a sticky visitor only where the map program does',
  t => {
    let kept = 0
    assert(
      property(
        anyState,
        anyState,
        boolean(),
        constantFrom(...everyConfig),
        constantFrom('a', 'b', 'c'),
        (before, after, isNew, config, route) => {
          const snapshot = snapshotOf(config, after.files, after.monitor)
          // the text may be older than the files by any time
          const text = textMap(
            config,
            isNew ? snapshot : snapshotOf(config, before.files, before.monitor),
            now,
          )
          const pool = buildTable(config, snapshot, now).pools.get('default')
          if (pool === undefined) throw new Error('no pool')
          if (!isInTextMap(pool, route, null, snapshot, text)) return
          kept++
          const decision = choose(pool, route, null, newRoundRobin)
          if (decision.kind !== 'backend') throw new Error('no backend')
          equal(decision.member.name, route)
          const next = standbysIn(text, 'default', route)
          const standbys = standbysOf(pool, decision.member)
          for (const name of next)
            ok(name === '-' || standbys.some(it => it.name === name), name)
          if (!isNew) return
          const best = candidatesOf(standbys).map(({ name }) => name)
          if (best.length > 0) deepEqual(new Set(next), new Set(best))
        },
      ),
      { numRuns: 5_000 },
    )
    t.ok(kept > 500, `${kept} states in which httpd does not ask`)
    t.end()
  },
)

function asks(
  files: Readonly<Record<string, Files>>,
  {
    pool = '',
    route = 'a',
    affinity = null,
    before = files,
    text,
  }: {
    pool?: string
    route?: string | null
    affinity?: string | null
    before?: Readonly<Record<string, Files>>
    text?: string
  } = {},
): boolean {
  const config = configOf('a b', `{ policy: balance, ${pool} }`)
  const snapshot = snapshotOf(config, files)
  const table = buildTable(config, snapshot, now).pools.get('default')
  if (table === undefined) throw new Error('no pool')
  const written = textMap(config, snapshotOf(config, before), now)
  return !isInTextMap(table, route, affinity, snapshot, text ?? written)
}

void t.test('when a sticky visitor does not ask the map program', t => {
  const both = { a: up, b: up }
  t.notOk(asks(both))
  t.notOk(asks({ a: up }), 'also without a standby')
  t.notOk(asks({ a: { ...up, drain: true }, b: up }), 'nor in drain')
  t.notOk(asks({ a: { up: 0 }, b: up }), 'nor at a last resort')
  t.ok(asks({ a: { up: 0 }, b: up }, { pool: 'stickiness: relaxed' }))
  t.notOk(asks(both, { pool: 'stickiness: relaxed' }))
  t.ok(asks(both, { pool: 'failback: all' }))
  t.ok(asks(both, { affinity: 'key' }))
  t.ok(asks(both, { route: null }))
  t.ok(asks(both, { route: 'x' }))
  t.ok(asks(both, { text: '' }), 'no text map')
  t.ok(asks({ b: up }, { before: both }), 'down since')
  t.ok(asks({}, { before: {} }), 'all down: the map program says NULL')
  t.ok(asks({ a: { ...up, maint: true }, b: up }, { before: both }))
  t.ok(asks({ a: up, b: { ...up, maint: true } }, { before: both }))
  t.ok(asks({ a: up, b: { ...up, drain: true } }, { before: both }))
  t.ok(asks({ a: { force: true }, b: up }), 'forced, without a verdict')
  t.end()
})

void t.test('the next end of an administrator’s file', t => {
  const config = configOf('a b')
  const at = (files: Readonly<Record<string, Files>>): number =>
    nextExpiry(snapshotOf(config, files), now)
  t.equal(at({ a: { drain: true } }), Infinity)
  t.equal(
    at({
      a: { drain: { until: now + 2 }, maint: { until: now + 1 } },
      b: { force: { until: now - 1 } },
    }),
    now + 1,
  )
  t.end()
})
