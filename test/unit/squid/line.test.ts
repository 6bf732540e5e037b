import t from 'tap'
import * as fc from 'fast-check'
import { Answerer, total } from '../../../rewritemap/answer.ts'
import { explain } from '../../../rewritemap/explain.ts'
import { maxLineBytes } from '../../../rewritemap/lookup.ts'
import {
  channelOf,
  parseSquidLine,
  squidDialect,
  type SquidSites,
} from '../../../squid/line.ts'
import type { Table } from '../../../choice/table.ts'
import { tableOf } from '../../fixtures/tables.ts'

const up = { up: 100 }

function answererOf(table: Table, sites: SquidSites = new Map()) {
  const totals = new Float64Array(total.length)
  const answers = new Float64Array(3)
  const answerer = new Answerer(
    squidDialect(sites),
    table,
    totals,
    answers,
    false,
  )
  return { ask: (line: string) => answerer.answer(line), totals, answers }
}

const url = 'http://www.example.org/a?b=c'

void t.test('lines and answers', t => {
  const { ask } = answererOf(tableOf('a b c', undefined, { a: up, b: up }))
  for (const [line, answer] of [
    [`${url} default a`, 'OK backend_=a next_=b\n'],
    [`7 ${url} default a`, '7 OK backend_=a next_=b\n'],
    [`7 ${url} default -`, '7 OK backend_=a next_=b bind_=1\n'],
    [`7 ${url} default`, '7 OK backend_=a next_=b bind_=1\n'],
    [`7 ${url} default  `, '7 OK backend_=a next_=b bind_=1\n'],
    [`7 ${url} default b`, '7 OK backend_=b next_=a\n'],
    [`7 ${url} default %62`, '7 OK backend_=b next_=a\n'],
    [`7 ${url} default gone`, '7 OK backend_=a next_=b bind_=1\n'],
    [`7 ${url} default b 10.0.0.9`, '7 OK backend_=b next_=a\n'],
    ['7 ÿ"\\{|# default b', '7 OK backend_=b next_=a\n'],
    [
      '18446744073709551616 x default b',
      '18446744073709551616 OK backend_=b next_=a\n',
    ],
    // no opinion
    [`7 ${url} nowhere`, '7 ERR\n'],
    [`7 ${url}`, '7 ERR\n'],
    [`7 ${url} `, '7 ERR\n'],
    ['7', '7 ERR\n'],
    ['7 ', '7 ERR\n'],
    ['7  default', '7 ERR\n'],
    [' default', 'ERR\n'],
    [url, 'ERR\n'],
    ['', 'ERR\n'],
    [`${url} default a\r`, 'OK backend_=a next_=b bind_=1\n'],
  ] as const) {
    t.equal(ask(line), answer, line)
    t.equal(ask(line), answer, `${line}, again`)
  }
  t.end()
})

void t.test('no next backend, no backend at all', t => {
  const one = answererOf(tableOf('a', undefined, { a: up }))
  t.equal(one.ask(`1 ${url} default`), '1 OK backend_=a next_=- bind_=1\n')
  const none = answererOf(tableOf('a b', undefined, {}))
  t.equal(none.ask(`1 ${url} default a`), '1 OK backend_=none\n')
  t.equal(none.ask(`${url} default a`), 'OK backend_=none\n')
  t.strictSame([...none.totals], [2, 0, 2, 0, 0])
  t.end()
})

void t.test('a line that is too long gets ERR with its channel', t => {
  const { ask } = answererOf(tableOf('a', undefined, { a: up }))
  const long = `http://a/${'x'.repeat(maxLineBytes)}`
  t.equal(ask(`12 ${long}`), '12 ERR\n')
  t.equal(ask(long), 'ERR\n')
  t.equal(ask('1'.repeat(maxLineBytes + 1)), 'ERR\n')
  const exact = `12 http://a/${'x'.repeat(maxLineBytes - 20)} default`
  t.equal(exact.length, maxLineBytes)
  t.match(ask(exact), /^12 OK/)
  t.equal(ask(`${exact} `), '12 ERR\n')
  t.end()
})

void t.test('a rewritten URL, for the pools that have a site', t => {
  const sites: SquidSites = new Map([
    ['default', { path: '/Plone', origin: null }],
  ])
  const table = tableOf('a b', undefined, { a: up })
  const { ask, totals } = answererOf(table, sites)
  t.equal(
    ask('3 http://h/x"\\y default a'),
    '3 OK backend_=a next_=- rewrite-url="http://h/VirtualHostBase/http/h:80/Plone/VirtualHostRoot/x\\"\\\\y"\n',
  )
  t.equal(ask('3 http://h/../y default a'), '3 ERR\n', 'no way up')
  t.equal(ask('3 other default a'), '3 ERR\n')
  t.equal(totals[total.malformed], 2)
  const all = answererOf(table, new Map([['', { path: '', origin: null }]]))
  t.match(all.ask('http://h/ default a'), '/http/h:80/VirtualHostRoot/"')
  t.end()
})

void t.test('a bug is answered with ERR, and counted', t => {
  const { ask, totals } = answererOf({
    get pools(): never {
      throw new Error('bug')
    },
    isFresh: true,
  })
  t.equal(ask(`5 ${url} default`), '5 ERR\n')
  t.equal(totals[total.faults], 1)
  t.end()
})

void t.test('property: one answer for each line, with its channel', t => {
  const { ask } = answererOf(tableOf('a b', undefined, { a: up, b: up }))
  const bytes = fc
    .array(fc.integer({ min: 0, max: 255 }), { maxLength: 60 })
    .map(codes => String.fromCharCode(...codes).replaceAll('\n', ''))
  const line = fc.oneof(
    bytes,
    fc.tuple(fc.nat(), bytes).map(([id, rest]) => `${id} ${rest}`),
    fc
      .tuple(fc.nat(), bytes)
      .map(([id, rest]) => `${id} http://a/ default ${rest}`),
  )
  fc.assert(
    fc.property(line, text => {
      const answer = ask(text)
      const channel = /^(\d+)(?: |$)/.exec(text)?.[1]
      const expected =
        channel === undefined ? /^(?:OK|ERR)[ \n]/ : /^\d+ (?:OK|ERR)[ \n]/
      return (
        expected.test(answer) &&
        answer.indexOf('\n') === answer.length - 1 &&
        (channel === undefined || answer.startsWith(`${channel} `))
      )
    }),
  )
  t.end()
})

void t.test('explain names the backend that Squid gets', t => {
  for (const files of [
    { a: up, b: up },
    { a: { up: 100, drain: true }, b: up },
    { a: { up: 100, maint: true }, b: up, c: up },
    { c: { up: 0 } },
    {},
  ] as const) {
    const table = tableOf('a b c', undefined, files)
    const pool = table.pools.get('default')
    if (pool === undefined) throw new Error('no pool')
    for (const route of [null, 'a', 'b', 'c', 'gone']) {
      const [who = '', next = ''] = explain(table, pool, route, null, false)
      const { ask } = answererOf(table)
      const answer = ask(`${url} default ${route ?? '-'}`)
      const [, backend, after] = /^OK backend_=(\w+)(?: next_=([\w-]+))?/.exec(
        answer,
      ) ?? ['', '', '']
      if (backend === 'none') t.match(who, /^None: /)
      else {
        t.ok(who.startsWith(`${backend}: `), `${who} ${answer}`)
        t.ok(
          next.endsWith(after === '-' ? ' none.' : ` ${after}.`),
          `${next} ${answer}`,
        )
      }
    }
  }
  t.end()
})

void t.test('fields', t => {
  t.equal(channelOf('12a b'), null)
  t.equal(channelOf(' 12'), null)
  t.strictSame(parseSquidLine('1 u p r k k '), {
    kind: 'lookup',
    nonce: '1',
    pool: 'p',
    route: 'r',
    affinity: 'k k ',
  })
  t.strictSame(parseSquidLine('u p - -'), {
    kind: 'lookup',
    nonce: null,
    pool: 'p',
    route: null,
    affinity: null,
  })
  t.end()
})
