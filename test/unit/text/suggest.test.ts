import t from 'tap'
import { suggestion, unknownNameMessage } from '../../../text/suggest.ts'

void t.test(
  'the closest known name is suggested, otherwise the known ones are listed',
  t => {
    const known = ['interval', 'timeout', 'path']
    t.equal(suggestion('intervall', known), '; did you mean "interval"?')
    t.equal(suggestion('TIMEOUT', known), '; did you mean "timeout"?')
    t.equal(suggestion('x', known), '; known here: interval, timeout, path')
    t.equal(suggestion('x', []), '')
    const many = Array.from({ length: 31 }, (_, index) => `backend${index}`)
    t.match(suggestion('x', many), /backend29, …$/)
    t.end()
  },
)

void t.test('a name that the configuration does not know', t => {
  t.equal(unknownNameMessage('pool', 'a', ['a']), undefined)
  t.equal(
    unknownNameMessage('backend', 'zope9', ['zope1']),
    'the backend must be one of the configuration, got "zope9"; did you mean "zope1"?',
  )
  t.end()
})
