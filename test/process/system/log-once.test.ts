import t from 'tap'
import { LogOnce } from '../../../system/log-once.ts'

void t.test('a problem is new until it ends or changes', t => {
  const logged = new LogOnce()
  t.equal(logged.isNew('a', 'ENOSPC'), true)
  t.equal(logged.isNew('a', 'ENOSPC'), false)
  t.equal(logged.isNew('b', 'ENOSPC'), true, 'of another thing')
  t.equal(logged.isNew('a', 'EMFILE'), true, 'another problem')
  t.equal(logged.end('a'), true)
  t.equal(logged.end('a'), false, 'its end, once')
  t.equal(logged.isNew('a', 'EMFILE'), true)
  t.equal(logged.isNew('c'), true)
  t.equal(logged.isNew('c'), false)
  t.end()
})
