import t from 'tap'
import { nearest } from '../../config/nearest.ts'

void t.test(
  'the nearest known name is proposed, else the known ones are told',
  t => {
    const known = ['interval', 'timeout', 'path']
    t.equal(nearest('intervall', known), '; did you mean "interval"?')
    t.equal(nearest('TIMEOUT', known), '; did you mean "timeout"?')
    t.equal(nearest('x', known), '; known here: interval, timeout, path')
    t.equal(nearest('x', []), '')
    const many = Array.from({ length: 31 }, (_, index) => `backend${index}`)
    t.match(nearest('x', many), /backend29, …$/)
    t.end()
  },
)
