import t from 'tap'
import { describeValue } from '../../../text/describe.ts'

void t.test('a value is shown as JSON, short and without secrets', t => {
  for (const [value, text] of [
    [undefined, 'nothing'],
    [null, 'nothing'],
    ['5', '"5"'],
    [5, '5'],
    [true, 'true'],
    [Infinity, 'Infinity'],
    [NaN, 'NaN'],
    [{ url: 'http://u:secret@h' }, '{"url":"http://…@h"}'],
    ['x'.repeat(100), `"${'x'.repeat(56)}…`],
  ] as const)
    t.equal(describeValue(value), text)
  t.end()
})

void t.test('a value that aliases have inflated is shown as fast', t => {
  let value: unknown = 'x'
  for (let depth = 0; depth < 60; depth++) value = [value, value]
  t.match(describeValue(value), /^\[+.*…$/)
  t.end()
})
