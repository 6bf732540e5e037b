import t from 'tap'
import {
  formatIcpAnswer,
  opcode,
  parseQuery,
} from '../../../squid/icp-message.ts'
import { queryOf } from '../../../lab/squid.ts'

void t.test('a query and its answer, byte for byte', t => {
  const query = parseQuery(queryOf(0xfffefdfc, 'http://h/ÿ'))
  t.strictSame(query, { requestNumber: 0xfffefdfc, url: 'http://h/ÿ' })
  if (query === null) return
  t.equal(
    formatIcpAnswer(opcode.hit, query).toString('hex'),
    `0202001ffffefdfc000000000000000000000000${Buffer.from('http://h/ÿ\0', 'latin1').toString('hex')}`,
  )
  t.equal(formatIcpAnswer(opcode.missNoFetch, query)[0], 21)
  t.end()
})

void t.test('what is no query gets no answer', t => {
  const good = queryOf(1, 'http://h/')
  const changed = (place: number, byte: number) => {
    const copy = Buffer.from(good)
    copy[place] = byte
    return copy
  }
  for (const [name, bytes] of [
    ['nothing', Buffer.alloc(0)],
    ['a header alone', good.subarray(0, 20)],
    ['an empty URL', queryOf(1, '')],
    ['another opcode', changed(0, 2)],
    ['another version', changed(1, 3)],
    ['another length', changed(3, 1)],
    ['longer than it says', Buffer.concat([good, Buffer.alloc(1)])],
    ['no NUL at the end', changed(good.length - 1, 65)],
    ['a NUL inside', changed(26, 0)],
  ] as const)
    t.equal(parseQuery(bytes), null, name)
  t.end()
})
