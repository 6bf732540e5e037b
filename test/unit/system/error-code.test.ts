import { readFileSync } from 'node:fs'
import t from 'tap'
import { errorCode } from '../../../system/error-code.ts'

void t.test("a system error's code, else its text", t => {
  try {
    readFileSync(`${t.testdir()}/missing`)
  } catch (err) {
    t.equal(errorCode(err), 'ENOENT')
  }
  t.equal(errorCode(new Error('no code')), 'Error: no code')
  t.equal(errorCode('a text'), 'a text')
  t.end()
})
