import t from 'tap'
import { agentAnswer } from '../../../haproxy/agent-answer.ts'
import { buildTable } from '../../../choice/table.ts'
import { parseConfig } from '../../../config/parse.ts'
import {
  configOf,
  now,
  snapshotOf,
  type Files,
  type Monitor,
} from '../../fixtures/tables.ts'

/** The answers for a and b, or for the given one. */
function answers(
  pools: string,
  files: Readonly<Record<string, Files>>,
  monitor?: Monitor,
  asked = ['a', 'b'],
) {
  const config = configOf('a b', pools)
  const table = buildTable(config, snapshotOf(config, files, monitor), now)
  return asked.map(line => agentAnswer(config, table, line))
}

const up = { up: 100 }
const balance = '{ policy: balance }'

void t.test('the answer for each state', t => {
  for (const [what, files, a, b] of [
    ['up', { a: up, b: up }, 'ready up 100%\n', 'ready up 100%\n'],
    ['a share', { a: { up: 30 }, b: up }, 'ready up 30%\n', 'ready up 100%\n'],
    ['a small share', { a: { up: 1 }, b: up }, 'ready up 1%\n', null],
    [
      'last resort',
      { a: { up: 0 }, b: up },
      'ready up 1% # last resort\n',
      'ready up 100%\n',
    ],
    [
      'only last resorts',
      { a: { up: 0 }, b: { up: 0 } },
      'ready up 100% # nothing better is left\n',
      'ready up 100% # nothing better is left\n',
    ],
    ['down', { b: up }, 'ready down 0% # down\n', null],
    ['all down', {}, 'ready down 0% # down\n', 'ready down 0% # down\n'],
    [
      'drain',
      { a: { up: 40, drain: true }, b: up },
      'drain up 40% # drained\n',
      null,
    ],
    [
      'drain and down',
      { a: { drain: true }, b: up },
      'drain down 0% # drained, and down\n',
      null,
    ],
    [
      'maint',
      { a: { ...up, maint: true }, b: up },
      'maint up 100% # in maintenance\n',
      null,
    ],
    ['force', { a: { force: true }, b: up }, 'ready up 100%\n', null],
  ] as const) {
    const [toA, toB] = answers(balance, files)
    t.equal(toA, a, what)
    if (b !== null) t.equal(toB, b, what)
  }
  t.end()
})

const weights = (a: number, b: number) =>
  `{ policy: balance, members: [{ name: a, weight: ${a} }, { name: b, weight: ${b} }] }`

void t.test('tiers and weights', t => {
  t.strictSame(answers('{ policy: failover }', { a: up, b: up }), [
    'ready up 100%\n',
    'ready up 0% # tier 2, while tier 1 serves\n',
  ])
  t.strictSame(
    answers('{ policy: failover }', { a: up, b: { up: 0 } })[1],
    'ready up 0% # tier 2, while tier 1 serves\n',
    'a last resort stands by as well',
  )
  t.strictSame(answers('{ policy: failover }', { a: { up: 0 }, b: up }), [
    'ready up 1% # last resort\n',
    'ready up 100%\n',
  ])
  t.strictSame(answers(weights(4, 1), { a: { up: 50 }, b: up }), [
    'ready up 50%\n',
    'ready up 25%\n',
  ])
  t.strictSame(answers(weights(256, 1), { a: up, b: { up: 10 } }), [
    'ready up 100%\n',
    'ready up 1%\n',
  ])
  t.strictSame(
    answers(weights(1, 0), { a: up, b: up })[1],
    'ready up 0% # weight 0: sticky visitors only\n',
  )
  t.strictSame(
    answers(weights(1, 0), { a: up, b: { up: 0 } })[1],
    'ready up 0% # weight 0: sticky visitors only\n',
  )
  t.strictSame(
    answers(weights(0, 0), { a: up, b: up })[1],
    'ready up 0% # weight 0: sticky visitors only\n',
    'and none gets new visitors',
  )
  t.end()
})

void t.test('no answer: HAProxy keeps what it knows', t => {
  const stale = { ageMs: 60_000 }
  t.strictSame(answers(balance, { a: up, b: up }, stale), [null, null])
  t.strictSame(
    answers(balance, { a: { maint: true }, b: { force: true } }, stale),
    ['maint up 100% # in maintenance\n', 'ready up 100%\n'],
    'what an administrator has said counts',
  )
  t.strictSame(answers(balance, { b: up }, { unknown: ['a'] }), [
    null,
    'ready up 100%\n',
  ])
  t.strictSame(
    answers(balance, { a: up, b: up }, {}, [
      'c',
      '',
      'other/a',
      'default/a/b',
      'default/c',
    ]),
    [null, null, null, null, null],
  )
  t.end()
})

void t.test('several pools', t => {
  const config = parseConfig(
    `backends: { a: http://h:1, b: http://h:2, c: http://h:3 }
pools: { www: { members: [b, a] }, default: { members: [a, b] }, more: { members: [c] } }
`,
    'f',
  )
  const table = buildTable(
    config,
    snapshotOf(config, { a: up, b: up, c: up }),
    now,
  )
  const ask = (line: string) => agentAnswer(config, table, line)
  t.equal(ask('a'), 'ready up 100%\n', 'the pool default')
  t.match(ask('www/a'), /^ready up 0% # tier 2/)
  t.equal(ask('www/b'), 'ready up 100%\n')
  t.equal(ask('c'), 'ready up 100%\n', 'in the only one that has it')
  t.equal(
    agentAnswer({ ...config, pools: [] }, table, 'a'),
    'ready up 1%\n',
    'a table of another configuration',
  )
  t.end()
})
