import t from 'tap'
import { nearest, unknownName } from '../../../text/suggest.ts'

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

void t.test('a name that the configuration does not know', t => {
  t.equal(unknownName('pool', 'a', ['a']), undefined)
  t.equal(
    unknownName('backend', 'zope9', ['zope1']),
    'the backend must be one of the configuration, got "zope9"; did you mean "zope1"?',
  )
  t.end()
})
