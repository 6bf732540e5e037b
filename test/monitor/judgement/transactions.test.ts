import t from 'tap'
import { parseConfig } from '../../../config/parse.ts'
import {
  serverOf,
  Transactions,
  zeoOf,
} from '../../../monitor/judgement/transactions.ts'

const { pools } = parseConfig(
  [
    'backends: { a: http://a, b: http://b, c: http://c }',
    'pools: { default: { members: [a, b] }, other: { members: [c] } }',
  ].join('\n'),
  'f',
)
const at = (id: string) => ({ id, seconds: 1 })

void t.test('the newest that a backend, its server or its peers know', t => {
  const told = new Transactions(pools)
  t.same(told.newestFor('a', 0), { newest: null, newestOf: 'a' })
  told.tell('a', at('01'), 0)
  told.tell('b', at('03'), 0)
  told.tell('c', at('09'), 0)
  t.same(told.newestFor('a', 1_000), { newest: at('03'), newestOf: 'b' })
  told.tell(serverOf('a'), at('04'), 1_000)
  t.equal(told.newestFor('b', 1_000).newestOf, 'the server of a')
  t.equal(told.newestFor('c', 1_000).newestOf, 'c', 'another pool is not asked')
  told.tell(serverOf('a'), null, 1_000)
  t.equal(told.newestFor('b', 1_000).newestOf, 'b')
  t.equal(told.newestFor('a', 61_000).newest, null, 'told too long ago')
  told.tell(zeoOf('default'), at('07'), 1_000)
  t.equal(told.newestFor('a', 1_000).newestOf, 'the ZEO server of pool default')
  told.tell(zeoOf('default'), null, 1_000)
  told.retune([])
  t.equal(told.newestFor('a', 1_000).newestOf, 'a')
  t.end()
})
