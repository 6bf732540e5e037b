import t from 'tap'
import { accountOf, groupOf, groupsOf } from '../../../system/accounts.ts'

void t.test('accounts by name and by number', t => {
  const root = { name: 'root', uid: 0, gid: 0 }
  t.strictSame(accountOf('root'), root)
  t.strictSame(accountOf('0'), root)
  t.equal(accountOf('no-such-user'), undefined)
  t.equal(accountOf(''), undefined)
  t.equal(groupOf('root'), 0)
  t.equal(groupOf('0'), 0)
  t.equal(groupOf('no-such-group'), undefined)
  t.strictSame(groupsOf('no-such-user'), [])
  t.end()
})
