import t from 'tap'
import * as fc from 'fast-check'
import {
  newBoard,
  newest,
  publish,
} from '../../../../rewritemap/thread/board.ts'
import { parseConfig } from '../../../../config/parse.ts'
import { buildTable } from '../../../../choice/table.ts'
import { now, snapshotOf, tableOf } from '../../../fixtures/tables.ts'

const up = { up: 100 }

void t.test('nothing published, nothing to take', t => {
  const table = tableOf('a b', undefined, {})
  t.equal(newest(newBoard(table), table, 0), undefined)
  t.end()
})

void t.test('the newest table is taken, once; older ones are skipped', t => {
  const first = tableOf('a b', undefined, {})
  const last = tableOf('a b', undefined, { a: { up: 33 }, b: { maint: true } })
  const board = newBoard(first)
  for (const files of [{ a: up }, { b: up }, { a: { up: 0 } }])
    publish(board, tableOf('a b', undefined, files))
  publish(board, last)
  const news = newest(board, first, 0)
  t.strictSame(news?.table, last)
  t.equal(newest(board, last, news?.version ?? 0), undefined)
  t.end()
})

void t.test('an unchanged table is published only the first time', t => {
  const table = tableOf('a b', undefined, { a: up })
  const board = newBoard(table)
  t.equal(publish(board, table), true)
  t.equal(publish(board, table), false)
  const empty = tableOf('a b', undefined, {})
  t.equal(publish(newBoard(empty), empty), true)
  t.end()
})

void t.test('half a table is never taken', t => {
  const table = tableOf('a b', undefined, {})
  const board = newBoard(table)
  publish(board, tableOf('a b', undefined, { a: up }))
  Atomics.add(board.cells, 0, 1)
  t.equal(newest(board, table, 0), undefined, 'while it is being written')
  Atomics.add(board.cells, 0, 1)
  t.ok(newest(board, table, 0))
  const { load } = Atomics
  let loads = 0
  t.intercept(Atomics, 'load', {
    // the writer comes in between
    value: (cells: Int32Array, cell: number) =>
      load(cells, cell) + (loads++ > 0 && cell === 0 ? 2 : 0),
  })
  t.equal(newest(board, table, 0), undefined, 'while it changes under way')
  t.end()
})

void t.test('unchanged members stay the same object', t => {
  const both = parseConfig(
    `backends: { a: http://a, b: http://b, c: http://c }
pools: { one: {}, two: { members: [a, b] } }`,
    'test.yaml',
  )
  const before = buildTable(both, snapshotOf(both, { a: up }), now)
  const board = newBoard(before)
  publish(board, buildTable(both, snapshotOf(both, { a: up, c: up }), now))
  const after = newest(board, before, 0)?.table.pools
  t.equal(after?.get('two'), before.pools.get('two'))
  t.not(after?.get('one'), before.pools.get('one'))
  t.equal(after?.get('one')?.members[0], before.pools.get('one')?.members[0])
  t.equal(after?.get('one')?.members[2]?.standing, 'up')
  t.end()
})

void t.test('every table arrives as it was sent', t => {
  const file = fc.record(
    {
      up: fc.integer({ min: 0, max: 100 }),
      maint: fc.constant<true>(true),
      drain: fc.constant<true>(true),
      force: fc.constant<true>(true),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(
      fc.record({ a: file, b: file }),
      fc.constantFrom(0, 60_000),
      fc.subarray(['a', 'b']),
      fc.constantFrom('maintenance', 'try-all'),
      fc.nat(256),
      (files, ageMs, unknown, whenAllDown, weight) => {
        const pool = `{ whenAllDown: ${whenAllDown}, members: [{ name: a, weight: ${weight} }, b] }`
        const sent = tableOf('a b', pool, files, { ageMs, unknown })
        const before = tableOf('a b', pool, {})
        const board = newBoard(before)
        publish(board, sent)
        t.strictSame(newest(board, before, 0)?.table, sent)
      },
    ),
  )
  t.end()
})

void t.test('a board for a configuration without members', t => {
  const table = { pools: new Map(), isFresh: false }
  const board = newBoard(table)
  publish(board, { ...table, isFresh: true })
  t.equal(newest(board, table, 0)?.table.isFresh, true)
  t.equal(board.answers.length, 0)
  t.end()
})
