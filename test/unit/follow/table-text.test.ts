import t from 'tap'
import { buildTable } from '../../../choice/table.ts'
import { parseConfig } from '../../../config/parse.ts'
import {
  followRows,
  followText,
  type FollowFormat,
} from '../../../follow/table-text.ts'
import {
  configOf,
  now,
  snapshotOf,
  type Files,
  type Monitor,
} from '../../fixtures/tables.ts'

type Given = {
  readonly names?: string
  readonly pools?: string
  readonly files: Readonly<Record<string, Files>>
  readonly monitor?: Monitor
}

function made({ names = 'a b', pools, files, monitor }: Given) {
  const config = configOf(names, pools)
  const table = buildTable(config, snapshotOf(config, files, monitor), now)
  const pool = table.pools.get('default')
  if (pool === undefined) throw new Error('no pool default')
  return { config, pool }
}

function textOf(given: Given, format: FollowFormat = 'lines') {
  const { config, pool } = made(given)
  return followText(config, pool, format)
}

/** STATE WEIGHT TIER by line. */
function states(given: Given): string[] {
  return textOf(given)
    .split('\n')
    .slice(0, -1)
    .map(line => line.split(' ').slice(3).join(' '))
}

const up = { up: 100 }
const balance = '{ policy: balance }'

void t.test('one line for each backend of the pool', t => {
  t.equal(
    textOf({ files: { a: up, b: up } }),
    'a 10.0.0.1 8080 in 1 1\nb 10.0.0.2 8080 in 1 2\n',
  )
  t.equal(
    textOf({ pools: '{ members: [b] }', files: { b: up } }),
    'b 10.0.0.2 8080 in 1 1\n',
  )
  t.end()
})

void t.test('state and weight', t => {
  for (const [what, files, expected] of [
    ['a share', { a: { up: 30 }, b: up }, ['in 0.3 1', 'in 1 1']],
    ['last resort', { a: { up: 0 }, b: up }, ['last-resort 0 1', 'in 1 1']],
    ['down', { b: up }, ['out 0 1', 'in 1 1']],
    ['maint', { a: { ...up, maint: true }, b: up }, ['out 0 1', 'in 1 1']],
    ['drain', { a: { up: 50, drain: true }, b: up }, ['bound 0.5 1', 'in 1 1']],
    ['drain, down', { a: { drain: true }, b: up }, ['out 0 1', 'in 1 1']],
    ['force', { a: { force: true }, b: up }, ['in 1 1', 'in 1 1']],
    ['all down', {}, ['out 0 1', 'out 0 1']],
  ] as const)
    t.strictSame(states({ pools: balance, files }), expected, what)
  t.strictSame(
    states({
      pools:
        '{ policy: balance, members: [{ name: a, weight: 4 }, { name: b, weight: 0 }] }',
      files: { a: { up: 50 }, b: up },
    }),
    ['in 2 1', 'bound 0 1'],
    'weights',
  )
  t.end()
})

void t.test('no verdicts, or not yet', t => {
  const stale = { ageMs: 60_000 }
  for (const [what, given, expected] of [
    [
      'stale: without .up it is a last resort',
      { files: { a: up }, monitor: stale },
      ['in 1 1', 'last-resort 0 1'],
    ],
    [
      'stale, and drained: not even that',
      { files: { a: { drain: true }, b: up }, monitor: stale },
      ['out 0 1', 'in 1 1'],
    ],
    [
      'stale, and all drained: then it is',
      {
        files: { a: { drain: true }, b: { ...up, drain: true } },
        monitor: stale,
      },
      ['last-resort 0 1', 'last-resort 1 1'],
    ],
    [
      'not judged yet',
      { files: { b: up }, monitor: { unknown: ['a'] } },
      ['last-resort 0 1', 'in 1 1'],
    ],
  ] as const)
    t.strictSame(states({ pools: balance, ...given }), expected, what)
  t.strictSame(
    states({ pools: '{ whenAllDown: try-all }', files: {} }),
    ['last-resort 0 1', 'last-resort 0 2'],
    'try-all',
  )
  t.end()
})

void t.test('json shows which backends get new visitors, and why', t => {
  const weights =
    '{ policy: balance, members: [{ name: a, weight: 2 }, b, c, { name: d, tier: 2 }] }'
  const given = {
    names: 'a b c d',
    pools: weights,
    files: { a: up, b: up, c: { up: 100, maint: true as const }, d: up },
  }
  const text = textOf(given, 'json')
  t.match(text, /^\{.*\}\n$/)
  t.strictSame(JSON.parse(text), {
    pool: 'default',
    backends: [
      {
        name: 'a',
        host: '10.0.0.1',
        port: 8080,
        tls: false,
        state: 'in',
        standing: 'up',
        weight: 2,
        tier: 1,
        newVisitors: 66.67,
        keepsSticky: true,
      },
      {
        name: 'b',
        host: '10.0.0.2',
        port: 8080,
        tls: false,
        state: 'in',
        standing: 'up',
        weight: 1,
        tier: 1,
        newVisitors: 33.33,
        keepsSticky: true,
      },
      {
        name: 'c',
        host: '10.0.0.3',
        port: 8080,
        tls: false,
        state: 'out',
        standing: 'maint',
        weight: 0,
        tier: 1,
        newVisitors: 0,
        keepsSticky: false,
      },
      {
        name: 'd',
        host: '10.0.0.4',
        port: 8080,
        tls: false,
        state: 'in',
        standing: 'up',
        weight: 1,
        tier: 2,
        newVisitors: 0,
        keepsSticky: true,
      },
    ],
  })
  const relaxed = made({
    pools: '{ policy: balance, stickiness: relaxed }',
    files: { a: { up: 0 }, b: up },
  })
  t.match(followRows(relaxed.config, relaxed.pool), [
    { state: 'last-resort', keepsSticky: false },
    { state: 'in', keepsSticky: true },
  ])
  t.end()
})

void t.test('a table of another configuration', t => {
  const { pool } = made({ files: { a: up, b: up } })
  const other = parseConfig(
    'backends: { a: "http://[::1]:1" }\npools: { www: {} }\n',
    'f',
  )
  t.equal(followText(other, pool, 'lines'), 'a ::1 1 in 0 1\n')
  t.end()
})
