import t from 'tap'
import { parseRuok } from '../../../probes/zeo-answer.ts'

const message = (text: string): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  return Buffer.concat([length, Buffer.from(text)])
}
const answerOf = (...texts: readonly string[]): Buffer =>
  Buffer.concat(texts.map(message))

void t.test('an answer comes in parts', t => {
  const whole = answerOf(
    'Z5',
    '{"1": {"loads": 0, "last-transaction": "03fb1aef00000000"}}',
  )
  for (let length = 0; length < whole.length; length++)
    t.equal(parseRuok(whole.subarray(0, length)).kind, 'part')
  t.match(parseRuok(whole), {
    kind: 'well',
    last: { id: '03fb1aef00000000' },
  })
  t.end()
})

void t.test('with several storages it is unknown which one a Zope uses', t => {
  const json =
    '{"1": {"last-transaction": "03fb1aee5ba7a433"}, "2": {"last-transaction": "03fb1aef00000000"}}'
  t.same(parseRuok(answerOf('Z5', json)), { kind: 'well', last: null })
  t.end()
})

void t.test('an empty database, or one that does not say', t => {
  for (const json of ['{}', '{"1": {"last-transaction": "0000000000000000"}}'])
    t.same(parseRuok(answerOf('Z5', json)), { kind: 'well', last: null })
  t.end()
})

void t.test('something else listens there', t => {
  t.match(parseRuok(Buffer.from('HTTP/1.1 400 Bad Request')), {
    kind: 'foreign',
    why: /greet/,
  })
  t.match(parseRuok(Buffer.from('\0\0\0\x03abc')), { why: /greet/ })
  t.match(parseRuok(answerOf('Z5', 'no')), { kind: 'foreign', why: /JSON/ })
  t.end()
})
