import t from 'tap'
import { isReason, parseTerm } from '../../../operate/action.ts'

void t.test('for how long', t => {
  for (const [text, ms] of [
    ['30m', 1_800_000],
    ['1ms', 1],
    ['8760h', 31_536_000_000],
    ['8761h', undefined],
    ['0s', undefined],
    ['30', undefined],
    ['', undefined],
  ] as const)
    t.equal(parseTerm(text), ms, JSON.stringify(text))
  t.end()
})

void t.test('why', t => {
  t.ok(isReason(''))
  t.ok(isReason('x'.repeat(1_000)))
  t.notOk(isReason('x'.repeat(1_001)))
  t.end()
})
