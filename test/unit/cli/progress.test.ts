import t from 'tap'
import { progressOn } from '../../../cli/progress.ts'

/** What comes of two steps with something to wait for between them. */
function shown(stream: { isTTY?: boolean; columns?: number }): string {
  let text = ''
  const tell = progressOn({ ...stream, write: part => (text += part) })
  tell.step('zope1: out')
  tell.live('zope1: 12 requests in flight')
  tell.live('zope1: \u001B[31m')
  tell.step('zope1: idle')
  return text
}

void t.test('a line for each step', t => {
  t.equal(shown({}), 'zope1: out\nzope1: idle\n')
  t.end()
})

void t.test('on a terminal one line is overwritten', t => {
  t.intercept(process, 'env', { value: { ...process.env, TERM: 'xterm' } })
  t.strictSame(shown({ isTTY: true, columns: 21 }).split('\r\u001B[K'), [
    '',
    'zope1: out\n',
    'zope1: 12 requests i',
    'zope1: \\u001b[31m',
    'zope1: idle\n',
  ])
  t.end()
})
