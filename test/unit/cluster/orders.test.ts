import t from 'tap'
import { parseAdminNote } from '../../../sentinels/content.ts'
import { fileStep, fileTextOf, SharedOrders } from '../../../cluster/orders.ts'
import type { Order } from '../../../cluster/keys.ts'

const order: Order = {
  id: 'a',
  by: 'admin',
  from: 'fe2',
  reason: 'why',
  written: 0,
  until: null,
  renewed: null,
  isEnded: false,
}

function filesOf(orders: SharedOrders, nowMs = 0): string[] {
  return [...orders.active(nowMs).keys()].toSorted()
}

void t.test('an order is active until it is ended or expires', t => {
  const orders = new SharedOrders('fe1')
  orders.put('zope1', 'drain', order, 1)
  orders.put('zope2', 'maint', { ...order, until: 1_000 }, 2)
  t.strictSame(filesOf(orders, 999), ['zope1.drain', 'zope2.maint'])
  t.strictSame(filesOf(orders, 1_000), ['zope1.drain'])
  t.strictSame(
    orders.expired(1_000).map(({ backend }) => backend),
    ['zope2'],
  )
  orders.remove('zope1', 'drain')
  t.strictSame(filesOf(orders, 1_000), [])
  t.strictSame(orders.report(0), {
    'zope2.maint': {
      id: 'a',
      by: 'admin',
      from: 'fe2',
      reason: 'why',
      until: '1970-01-01T00:00:01.000Z',
      isLost: false,
    },
  })
  t.end()
})

void t.test('the end is corrected by the difference of the clocks, once', t => {
  const orders = new SharedOrders('fe1')
  const until = 100_000
  orders.put('zope1', 'drain', { ...order, until }, 1)
  orders.put('zope2', 'drain', { ...order, until, from: 'fe1' }, 1)
  orders.put('zope3', 'drain', { ...order, until, from: null }, 1)
  orders.put('zope4', 'drain', order, 1)
  orders.correct(() => undefined)
  t.equal(orders.present.get('zope1.drain')?.untilMs, until)
  // its clock is 30 s ahead of ours
  orders.correct(() => 30_000)
  orders.correct(() => 50_000)
  // the same order again, such as a full read
  orders.put('zope1', 'drain', { ...order, until }, 1)
  t.equal(orders.present.get('zope1.drain')?.untilMs, 70_000)
  for (const name of ['zope2', 'zope3'])
    t.equal(orders.present.get(`${name}.drain`)?.untilMs, until)
  t.equal(orders.present.get('zope4.drain')?.untilMs, null)
  orders.put('zope1', 'drain', { ...order, until: 200_000 }, 2)
  orders.correct(() => 999)
  t.equal(orders.present.get('zope1.drain')?.untilMs, 200_000, 'too small')
  t.end()
})

void t.test('clocks that are far apart make no impossible time', t => {
  const orders = new SharedOrders('fe1')
  orders.put('zope1', 'drain', { ...order, until: 8.64e15 }, 1)
  orders.correct(() => -8.64e15)
  t.match(orders.report(0), {
    'zope1.drain': { until: '+275760-09-13T00:00:00.000Z' },
  })
  const [file] = orders.active(0).values()
  t.match(file && fileTextOf(file), 'until: +275760-09-13T00:00:00Z')
  orders.put('zope1', 'drain', { ...order, until: -8.64e15 }, 2)
  orders.correct(() => 8.64e15)
  t.equal(orders.expired(0).length, 1)
  t.end()
})

void t.test('the order of a restart ends when it is not renewed', t => {
  const orders = new SharedOrders('fe1')
  orders.put('zope1', 'maint', { ...order, renewed: 0 }, 1)
  orders.tick(59_999, true)
  t.strictSame(filesOf(orders), ['zope1.maint'])
  orders.put('zope1', 'maint', { ...order, renewed: 1 }, 2)
  orders.tick(59_999, true)
  t.strictSame(filesOf(orders), ['zope1.maint'], 'renewed')
  // alone: no renewal could be seen
  orders.tick(599_999, false)
  t.strictSame(filesOf(orders), ['zope1.maint'])
  orders.tick(1, false)
  t.strictSame(filesOf(orders), [])
  t.equal(orders.expired(0).length, 1)
  orders.put('zope1', 'maint', { ...order, renewed: 2 }, 3)
  orders.tick(1, true)
  orders.tick(59_999, true)
  t.strictSame(filesOf(orders), [])
  orders.put('zope1', 'maint', order, 4)
  t.strictSame(filesOf(orders), ['zope1.maint'], 'left for an operator')
  t.end()
})

void t.test('older data removes no order', t => {
  const orders = new SharedOrders('fe1')
  orders.put('zope1', 'drain', order, 5)
  orders.put('zope2', 'drain', order, 6)
  orders.put('zope3', 'drain', order, 7)
  orders.markAllLost()
  t.strictSame(filesOf(orders), ['zope1.drain', 'zope2.drain', 'zope3.drain'])
  // etcd still has the first, an older one for the second, none for the third
  orders.put('zope1', 'drain', order, 1, { isOld: true })
  orders.put('zope2', 'drain', { ...order, id: 'older' }, 2, { isOld: true })
  orders.put('zope2', 'drain', { ...order, id: 'older' }, 2)
  t.strictSame([...orders.lost.keys()], ['zope2.drain', 'zope3.drain'])
  t.match(orders.report(0), {
    'zope1.drain': { isLost: false },
    'zope2.drain': { isLost: false, id: 'older' },
    'zope3.drain': { isLost: true },
  })
  // the lost one outlives the older one
  orders.remove('zope2', 'drain')
  t.match(orders.report(0), { 'zope2.drain': { isLost: true, id: 'a' } })
  // given again, ended: a person has decided
  orders.put('zope2', 'drain', { ...order, id: 'new' }, 8)
  orders.put('zope3', 'drain', { ...order, id: 'end', isEnded: true }, 9)
  t.equal(orders.lost.size, 0)
  t.strictSame(filesOf(orders), ['zope1.drain', 'zope2.drain'])
  const [known] = orders.present.values()
  if (known !== undefined) orders.restoreLost(known)
  t.equal(orders.lost.size, 1)
  t.end()
})

void t.test('a saved order keeps its corrected end', t => {
  const orders = new SharedOrders('fe1')
  orders.put('zope1', 'drain', { ...order, until: 9 }, 1, {
    saved: { untilMs: 5, isCorrected: true },
  })
  orders.correct(() => 99_999)
  t.equal(orders.present.get('zope1.drain')?.untilMs, 5)
  t.end()
})

void t.test('the file of an order', t => {
  const shared = {
    backend: 'zope1',
    kind: 'drain' as const,
    order: { ...order, reason: 'a\u0007b' },
    revision: 1,
    untilMs: 1_500,
    isCorrected: true,
  }
  t.equal(
    fileTextOf(shared),
    'until: 1970-01-01T00:00:02Z\nby: admin on fe2\norder: a\nreason: a\\u0007b\n',
  )
  t.strictSame(parseAdminNote(fileTextOf(shared)).value, {
    reason: 'a\\u0007b',
    by: 'admin on fe2',
    until: 2_000,
    order: 'a',
  })
  const bare = { ...order, by: null, reason: null }
  t.equal(
    fileTextOf({ ...shared, order: bare, untilMs: null }),
    'by: an operator on fe2\norder: a\n',
  )
  t.equal(
    fileTextOf({ ...shared, order: { ...bare, from: null }, untilMs: null }),
    'order: a\n',
  )
  t.end()
})

void t.test('what a person wrote is never replaced or removed', t => {
  const ours = 'order: a\n'
  for (const [content, target, lastText, step] of [
    [null, undefined, undefined, 'leave'],
    [null, undefined, ours, 'leave'],
    [ours, undefined, ours, 'remove'],
    ['theirs\n', undefined, ours, 'leave'],
    ['theirs\n', undefined, undefined, 'leave'],
    [null, ours, undefined, 'write'],
    [null, ours, 'older', 'write'],
    [null, ours, ours, 'restore'],
    [ours, ours, undefined, 'keep'],
    ['older', ours, 'older', 'write'],
    ['', ours, undefined, 'leave'],
    ['theirs\n', ours, ours, 'leave'],
    ['until: 1970-01-01T00:00:09Z\n', ours, undefined, 'leave'],
    ['until: 1970-01-01T00:00:05Z\n', ours, undefined, 'write'],
  ] as const)
    t.equal(
      fileStep(content, target, lastText, 5_000),
      step,
      JSON.stringify([content, target, lastText]),
    )
  t.end()
})
