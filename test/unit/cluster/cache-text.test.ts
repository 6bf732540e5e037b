import t from 'tap'
import {
  emptyCache,
  formatCache,
  parseCache,
  savedOrders,
  type Cache,
} from '../../../cluster/cache-text.ts'

const cache: Cache = {
  site: '/s fe1',
  instance: 'i',
  header: { clusterId: 'c', revision: 5, term: 2 },
  orders: [
    {
      backend: 'zope1',
      kind: 'drain',
      order: {
        id: 'a',
        by: null,
        from: 'fe1',
        reason: 'why',
        written: 1,
        until: 2,
        renewed: null,
        isEnded: false,
      },
      revision: 4,
      untilMs: 3,
      isCorrected: true,
      isLost: true,
    },
  ],
  written: { 'zope1.drain': 'order: a\n' },
  savedMs: 9,
}

void t.test('what is saved is read', t => {
  t.strictSame(parseCache(formatCache(cache), '/s fe1'), cache)
  t.strictSame(parseCache(formatCache(cache), '/s fe2'), emptyCache('/s fe2'))
  t.strictSame(parseCache('', '/s fe1'), emptyCache('/s fe1'))
  const empty = emptyCache('/s fe1')
  t.strictSame(parseCache(formatCache(empty), '/s fe1'), empty)
  t.end()
})

void t.test('the file is not trusted', t => {
  const [order] = JSON.parse(formatCache(cache)).orders
  const read = parseCache(
    JSON.stringify({
      site: 's',
      header: { clusterId: 'c', revision: 1.5, term: 2 },
      orders: [
        5,
        { ...order, backend: '../x' },
        { ...order, kind: 'up' },
        { ...order, order: 5 },
        { ...order, revision: 'x', untilMs: null, isLost: 1, isCorrected: 1 },
      ],
      written: { 'zope1.up': 'x', '../x.drain': 'x', 'zope1.maint': 5 },
      savedMs: 'x',
    }),
    's',
  )
  t.match(read, { header: undefined, instance: null, written: {}, savedMs: 0 })
  t.equal(read.orders.length, 1)
  t.match(read.orders[0], {
    revision: 0,
    untilMs: null,
    isLost: false,
    isCorrected: false,
  })
  t.strictSame(
    parseCache('{"site":"s","written":[],"orders":{}}', 's').orders,
    [],
  )
  t.end()
})

void t.test('orders are saved with whether etcd has lost them', t => {
  const none = new Map<string, (typeof cache.orders)[number]>()
  for (const order of cache.orders) {
    const one = new Map([['zope1.drain', order]])
    t.strictSame(savedOrders({ present: one, lost: none }), [
      { ...order, isLost: false },
    ])
    t.strictSame(savedOrders({ present: none, lost: one }), [order])
  }
  t.end()
})
