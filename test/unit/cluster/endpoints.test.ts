import t from 'tap'
import { Endpoints } from '../../../cluster/endpoints.ts'

void t.test(
  'the member that answered is asked again, one that failed last',
  t => {
    const endpoints = new Endpoints(['a', 'b', 'c'])
    t.strictSame(endpoints.inOrder(0), ['a', 'b', 'c'])
    endpoints.recordAnswer('b')
    t.strictSame(endpoints.inOrder(0), ['b', 'a', 'c'])
    endpoints.recordFailure('b', 0)
    t.strictSame(endpoints.inOrder(4_999), ['a', 'c', 'b'])
    endpoints.recordFailure('a', 1_000)
    t.strictSame(endpoints.inOrder(4_999), ['c', 'b', 'a'], 'the oldest first')
    t.strictSame(endpoints.inOrder(5_000), ['b', 'c', 'a'])
    endpoints.recordAnswer('a')
    t.strictSame(endpoints.inOrder(5_000), ['a', 'b', 'c'])
    t.end()
  },
)

void t.test('machines begin at different members', t => {
  t.strictSame(new Endpoints(['a', 'b', 'c'], 5).inOrder(0), ['c', 'a', 'b'])
  t.end()
})
