import t from 'tap'
import * as fc from 'fast-check'
import { Answerer, total } from '../../../rewritemap/answer.ts'
import { httpdDialect, type AnswerStyle } from '../../../rewritemap/lookup.ts'
import type { Table } from '../../../choice/table.ts'
import { tableOf } from '../../fixtures/tables.ts'

const up = { up: 100 }

function answererOf(style: AnswerStyle, table: Table, isLockStep = false) {
  const totals = new Float64Array(total.length)
  const answers = new Float64Array(3)
  return {
    answerer: new Answerer(
      httpdDialect(style),
      table,
      totals,
      answers,
      isLockStep,
    ),
    totals,
    answers,
  }
}

void t.test('a lookup and its answer, in each style', t => {
  const table = tableOf('a b c', undefined, { a: up, b: up })
  for (const [style, line, answer] of [
    ['name', 'n default', 'n a\n'],
    ['name', '- default', 'a\n'],
    ['name', 'n default b', 'n b\n'],
    ['name', 'n default  key', 'n a\n'],
    ['name', 'n nowhere', 'n NULL\n'],
    ['name', '', 'NULL\n'],
    ['pair', 'n default', 'n a b\n'],
    ['pair', 'n default b', 'n b a\n'],
    ['address', 'n default', 'n 10.0.0.1:8080\n'],
  ] as const)
    t.equal(
      answererOf(style, table).answerer.answer(line),
      answer,
      `${style}: ${line}`,
    )
  t.equal(
    answererOf('pair', tableOf('a', undefined, { a: up })).answerer.answer(
      'n default',
    ),
    'n a -\n',
  )
  t.equal(
    answererOf('pair', tableOf('a', undefined, {})).answerer.answer(
      'n default',
    ),
    'n NULL\n',
  )
  t.end()
})

void t.test('every lookup is counted by its result', t => {
  const { answerer, totals, answers } = answererOf(
    'name',
    tableOf('a b c', undefined, { b: up }),
  )
  for (const line of ['n default', 'n default', 'n nowhere', '', 'n'])
    answerer.answer(line)
  t.strictSame([...totals], [5, 3, 0, 0, 0])
  t.strictSame([...answers], [0, 2, 0])
  answerer.take(tableOf('a b c', undefined, {}))
  t.equal(answerer.answer('n default'), 'n NULL\n')
  t.strictSame([...totals], [6, 3, 1, 0, 0])
  t.end()
})

void t.test('round robin advances, and continues with another table', t => {
  const balanced = '{ policy: balance }'
  const { answerer } = answererOf(
    'name',
    tableOf('a b', balanced, { a: up, b: up }),
  )
  t.equal(answerer.answer('- default'), 'a\n')
  answerer.take(tableOf('a b', balanced, { a: up, b: { up: 99 } }))
  t.equal(answerer.answer('- default'), 'b\n')
  t.end()
})

void t.test(
  'another configuration keeps the counts and forgets removed pools',
  t => {
    const balanced = '{ policy: balance }'
    const first = tableOf('a b', balanced, { a: up, b: up })
    const { answerer } = answererOf('name', first)
    for (let turn = 0; turn < 3; turn++) answerer.answer('- default')
    const other = tableOf('c b', balanced, { c: up, b: up })
    const answers = new Float64Array(2)
    answerer.take(other, answers)
    t.equal(answerer.table, other)
    t.strictSame([...answers], [0, 1], 'b had one, wherever it stands now')
    const elsewhere = new Map([['other', other.pools.get('default') ?? fail()]])
    answerer.take({ ...other, pools: elsewhere }, new Float64Array(2))
    t.equal(answerer.answer('- default'), 'NULL\n')
    answerer.take(other, new Float64Array(2))
    t.equal(answerer.answer('- default'), 'c\n', 'round robin starts over')
    t.end()
  },
)

function fail(): never {
  throw new Error('not there')
}

void t.test('a bug is answered too, and counted', t => {
  const table = tableOf('a', undefined, { a: up })
  const broken: Table = {
    ...table,
    get pools(): never {
      throw new Error('a bug')
    },
  }
  const { answerer, totals } = answererOf('name', broken)
  t.equal(answerer.answer('n default'), 'NULL\n')
  answerer.noteFault()
  t.equal(totals[total.faults], 2)
  t.end()
})

void t.test(
  'a backend may have the name of an Object.prototype property',
  t => {
    const { answerer, answers } = answererOf(
      'name',
      tableOf('constructor', undefined, { constructor: up }),
    )
    t.equal(answerer.answer('n default'), 'n constructor\n')
    t.equal(answers[0], 1)
    t.end()
  },
)

void t.test('a backend without a counter is answered as well', t => {
  const table = tableOf('a b c d', undefined, { d: up })
  const { answerer, answers } = answererOf('name', table)
  t.equal(answerer.answer('n default'), 'n d\n')
  t.strictSame([...answers], [0, 0, 0])
  t.end()
})

void t.test('any bytes in, exactly one line out, in order', t => {
  const byte = fc.integer({ min: 0, max: 255 }).filter(code => code !== 0x0a)
  const bytes = fc
    .array(byte, { maxLength: 400 })
    .map(codes => String.fromCharCode(...codes))
  const sensible = fc
    .tuple(
      fc.constantFrom('n', '-', ''),
      fc.constantFrom('default', 'nowhere', ''),
      fc.constantFrom('a', 'b', '-', ''),
      bytes,
    )
    .map(fields => fields.join(' '))
  const table = tableOf('a b c', '{ policy: balance }', { a: up, b: up })
  fc.assert(
    fc.property(
      fc.array(fc.oneof(bytes, sensible)),
      fc.constantFrom('name', 'pair', 'address'),
      (lines, style) => {
        const { answerer } = answererOf(style, table)
        const answers = lines.map((line, index) =>
          answerer.answer(`${index} ${line}`),
        )
        return answers.every(
          (answer, index) =>
            answer.indexOf('\n') === answer.length - 1 &&
            answer.startsWith(`${index} `),
        )
      },
    ),
    { numRuns: 500 },
  )
  t.end()
})

void t.test('a report that httpd got the previous answer', t => {
  const { answerer, totals } = answererOf(
    'name',
    tableOf('a b', undefined, { a: up }),
    true,
  )
  t.equal(answerer.answer('n2 .stale n1'), 'NULL\n', 'of nothing we know')
  for (const nonce of ['n1', 'n2']) answerer.answer(`${nonce} default`)
  t.equal(answerer.answer('n2 .stale n1'), '', 'left without an answer')
  t.equal(answerer.answer('n2 .stale n1'), 'NULL\n', 'once')
  t.equal(answerer.answer('- .stale'), 'NULL\n')
  t.strictSame([...totals], [6, 0, 0, 0, 1], 'no malformed lookups')
  t.end()
})

void t.test('without httpd every line gets an answer, that report too', t => {
  const { answerer } = answererOf('name', tableOf('a b', undefined, { a: up }))
  for (const nonce of ['n1', 'n2']) answerer.answer(`${nonce} default`)
  t.equal(answerer.answer('n2 .stale n1'), 'n2 NULL\n', 'an unknown pool')
  t.end()
})

void t.test(
  'a line that its dialect cannot answer is counted as malformed',
  t => {
    const table = tableOf('a b', '{ policy: balance }', {
      a: { up: 100 },
      b: { up: 100 },
    })
    const totals = new Float64Array(total.length)
    const answers = new Float64Array(2)
    const dialect = httpdDialect('name')
    const answerer = new Answerer(
      {
        ...dialect,
        format: (line, ...rest) =>
          line.endsWith('x') ? null : dialect.format(line, ...rest),
      },
      table,
      totals,
      answers,
      false,
    )
    t.equal(answerer.answer('n default - x'), 'n NULL\n')
    t.strictSame([...answers], [0, 0])
    t.equal(totals[total.malformed], 1)
    t.match(answerer.answer('n default -'), /^n [ab]\n/)
    t.end()
  },
)

void t.test('a dialect without nonces uses the cache, too', t => {
  const totals = new Float64Array(total.length)
  const answerer = new Answerer(
    { ...httpdDialect('name'), questionOf: () => 'q' },
    tableOf('a', undefined, { a: { up: 100 } }),
    totals,
    new Float64Array(1),
    false,
  )
  for (const _ of [1, 2]) t.equal(answerer.answer('- default a'), 'a\n')
  t.equal(totals[total.lookups], 2)
  t.end()
})
