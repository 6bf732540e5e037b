import * as fc from 'fast-check'
import t from 'tap'
import { noticeOf, type Notice } from '../../../../monitor/notify/notice.ts'
import {
  added,
  emptyQueue,
  replaced,
  maxQueued,
  nextOf,
  pauseMs,
  without,
} from '../../../../monitor/notify/queue.ts'

const notice = (count: number, kind: Notice['kind'] = 'change'): Notice =>
  noticeOf(kind, [], [], { host: 'h', count }, 0)

void t.test('in order, the newest reminder only', t => {
  let queue = [1, 2].reduce((sum, at) => added(sum, notice(at)), emptyQueue)
  for (const at of [3, 4]) queue = added(queue, notice(at, 'reminder'))
  queue = added(queue, notice(5))
  t.strictSame(
    queue.notices.map(({ id }) => id),
    ['h-0-1', 'h-0-2', 'h-0-4', 'h-0-5'],
  )
  queue = without(queue, notice(1))
  t.equal(queue.notices[0]?.id, 'h-0-2')
  const onItsWay = added(emptyQueue, notice(1, 'reminder'))
  t.equal(added(onItsWay, notice(2, 'reminder')).notices.length, 2)
  t.end()
})

void t.test('bounded; dropped notices are counted', t => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 300 }), arrivals => {
      let queue = emptyQueue
      let left = 0
      for (const [at, isArrival] of arrivals.entries()) {
        queue = added(queue, notice(at))
        const [first] = queue.notices
        if (!isArrival || first === undefined) continue
        left += queue.dropped + 1
        queue = without(queue, first)
      }
      t.ok(queue.notices.length <= maxQueued)
      t.equal(left + queue.dropped + queue.notices.length, arrivals.length)
    }),
    { numRuns: 50 },
  )
  t.end()
})

void t.test('pauses grow to five minutes', t => {
  t.strictSame(
    [1, 2, 3, 9, 10, 5_000].map(pauseMs),
    [1_000, 2_000, 4_000, 256_000, 300_000, 300_000],
  )
  t.end()
})

void t.test('a notice that keeps failing lets others be tried', t => {
  const queue = [1, 2, 3].reduce(
    (sum, at) => added(sum, notice(at)),
    emptyQueue,
  )
  t.strictSame(
    [0, 1, 2, 3, 4, 5].map(failures => nextOf(queue, failures, 3)?.id),
    ['h-0-1', 'h-0-1', 'h-0-1', 'h-0-3', 'h-0-1', 'h-0-3'],
  )
  t.equal(nextOf(emptyQueue, 7, 3), undefined)
  const shorter = replaced(queue, notice(1), { ...notice(1), title: 'short' })
  t.match(shorter, { dropped: 0, notices: [{ title: 'short' }, {}, {}] })
  const gone = replaced(shorter, notice(1), undefined)
  t.match(gone, { dropped: 1 })
  t.equal(gone.notices.length, 2)
  t.end()
})
