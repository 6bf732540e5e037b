import t from 'tap'
import * as fc from 'fast-check'
import {
  formatAnswer,
  httpdDialect,
  maxLineBytes,
  maxNonceBytes,
  nonceOf,
  parseLookup,
  questionOf,
} from '../../../rewritemap/lookup.ts'
import { poolOf } from '../../fixtures/tables.ts'

const [member, next] = poolOf('zope1 zope2', undefined, {}).members
const lookup = {
  kind: 'lookup',
  nonce: 'n',
  pool: 'p',
  route: null,
  affinity: null,
}

void t.test('the fields of a line', t => {
  for (const [name, line, expected] of [
    ['nonce and pool', 'n p', {}],
    ['a route', 'n p zope1', { route: 'zope1' }],
    ['no route', 'n p -', {}],
    ['no route, and a key', 'n p - key', { affinity: 'key' }],
    ['an unset cookie leaves two spaces', 'n p  key', { affinity: 'key' }],
    ['unset cookie and no key', 'n p  ', {}],
    ['a route and an empty key', 'n p zope1 ', { route: 'zope1' }],
    ['a space after the pool', 'n p ', {}],
    [
      'a key is the rest of the line',
      'n p r a b  c ',
      { route: 'r', affinity: 'a b  c ' },
    ],
    ['a key of one hyphen is a key', 'n p - -', { affinity: '-' }],
    ['a key of a space is a key', 'n p -  ', { affinity: ' ' }],
    ['nonce not wanted', '- p', { nonce: null }],
    ['nonce missing', ' p', { nonce: null }],
    ['a nonce of strange bytes', '\0\xff\r\t p', { nonce: '\0\xff\r\t' }],
    ['CR belongs to the field before it', 'n p r\r', { route: 'r\r' }],
    [
      'NUL and non-UTF-8 in the key',
      'n p r \0\xff\xfe',
      { route: 'r', affinity: '\0\xff\xfe' },
    ],
  ] as const)
    t.strictSame(parseLookup(line), { ...lookup, ...expected }, name)
  t.end()
})

void t.test('a malformed line still has its nonce', t => {
  for (const [name, line, nonce] of [
    ['an empty line', '', null],
    ['a nonce alone', 'n', 'n'],
    ['a nonce and a space', 'n ', 'n'],
    ['an empty pool', 'n  zope1', 'n'],
    ['a hyphen alone', '-', null],
    ['CRLF alone', '\r', '\r'],
    ['a line over the limit', `n p r ${'x'.repeat(maxLineBytes)}`, 'n'],
    ['a nonce over its limit', `${'n'.repeat(maxNonceBytes + 1)} p`, null],
    ['a long line without a space', 'n'.repeat(maxLineBytes + 1), null],
  ] as const)
    t.strictSame(parseLookup(line), { kind: 'malformed', nonce }, name)
  t.end()
})

void t.test('the question of a line: its pool and its route', t => {
  for (const [line, expected] of [
    ['n p', ' p'],
    ['n p ', ' p '],
    ['n p zope1', ' p zope1'],
    ['n p zope1 key and more', ' p zope1'],
    ['n p  key', ' p '],
    ['n', ''],
    ['- p zope1', ''],
    [' p zope1', ''],
    [`n p r ${'x'.repeat(maxLineBytes)}`, ''],
  ] as const)
    t.equal(questionOf(line, nonceOf(line)), expected, line.slice(0, 20))
  t.end()
})

void t.test('limits are exact', t => {
  const nonce = 'n'.repeat(256)
  t.strictSame(parseLookup(`${nonce} p`), { ...lookup, nonce })
  const affinity = 'x'.repeat(8_192 - 'n p - '.length)
  t.strictSame(parseLookup(`n p - ${affinity}`), { ...lookup, affinity })
  t.equal(parseLookup(`n p - ${affinity}x`).kind, 'malformed')
  t.end()
})

void t.test('an answer is a line', t => {
  if (member === undefined || next === undefined) throw new Error('no member')
  const address = { ...member, address: '[::1]:8080' }
  for (const [expected, nonce, style, who, other] of [
    ['n zope1\n', 'n', 'name', member, null],
    ['zope1\n', null, 'name', member, null],
    ['n NULL\n', 'n', 'name', null, null],
    ['NULL\n', null, 'name', null, null],
    ['n zope1 zope2\n', 'n', 'pair', member, next],
    ['zope1 -\n', null, 'pair', member, null],
    ['n NULL\n', 'n', 'pair', null, null],
    ['NULL\n', null, 'pair', null, next],
    ['n 10.0.0.1:8080\n', 'n', 'address', member, null],
    ['[::1]:8080\n', null, 'address', address, null],
    ['NULL\n', null, 'address', null, null],
  ] as const)
    t.equal(
      formatAnswer(nonce, style, who, other),
      expected,
      JSON.stringify(expected),
    )
  t.end()
})

void t.test('whatever the bytes, the nonce is the first field', t => {
  const byte = fc.integer({ min: 0, max: 255 }).filter(code => code !== 0x0a)
  const bytes = fc
    .array(byte, { maxLength: 300 })
    .map(codes => String.fromCharCode(...codes))
  fc.assert(
    fc.property(bytes, line => {
      const [field = ''] = line.split(' ')
      const isNonce = field !== '' && field !== '-' && field.length <= 256
      return parseLookup(line).nonce === (isNonce ? field : null)
    }),
  )
  t.end()
})

void t.test('the dialect of httpd', t => {
  const dialect = httpdDialect('pair')
  t.ok(dialect.namesNext)
  t.notOk(httpdDialect('name').namesNext)
  t.equal(dialect.none('n'), 'n NULL\n')
  t.equal(dialect.noOpinion(null), 'NULL\n')
  t.equal(dialect.fault('n default'), 'NULL\n')
  const parsed = dialect.parse('n p zope1')
  t.equal(
    dialect.questionOf('n p zope1', dialect.nonceOf('n p zope1')),
    ' p zope1',
  )
  if (parsed.kind === 'lookup' && member !== undefined)
    t.equal(
      dialect.format('n p zope1', parsed, member, next ?? null),
      'n zope1 zope2\n',
    )
  t.end()
})
