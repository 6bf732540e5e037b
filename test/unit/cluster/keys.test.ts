import t from 'tap'
import {
  formatLive,
  formatOrder,
  Keys,
  maxValueBytes,
  memberText,
  parseAnswer,
  parseAsk,
  parseLive,
  parseLock,
  parseOrder,
  rangeEnd,
} from '../../../cluster/keys.ts'

const keys = new Keys('/site')

void t.test('each key is parsed as it is written', t => {
  for (const [key, parsed] of [
    [keys.member('fe1'), { kind: 'member', machine: 'fe1' }],
    [keys.liveOf('fe1'), { kind: 'live', machine: 'fe1' }],
    [
      keys.order('zope1', 'drain'),
      { kind: 'order', backend: 'zope1', order: 'drain' },
    ],
    [keys.ask('zope1'), { kind: 'ask', backend: 'zope1' }],
    [
      keys.answer('zope1', 'fe1'),
      { kind: 'answer', backend: 'zope1', machine: 'fe1' },
    ],
    [keys.lock('default'), { kind: 'lock', pool: 'default' }],
  ] as const)
    t.strictSame(keys.parse(key), parsed, key)
  t.equal(keys.order('zope1', 'drain'), '/site/v1/orders/zope1/drain')
  t.equal(keys.parse(keys.changes), undefined, 'it says nothing')
  t.equal(keys.lock('www'), '/site/v1/locks/restart/www')
  t.end()
})

void t.test('a member', t => {
  t.equal(memberText(0), '{"since":"1970-01-01T00:00:00.000Z"}')
  t.end()
})

void t.test('a name becomes a path, so it is checked', t => {
  for (const key of [
    '/other/v1/members/fe1',
    '/site/v1/members/FE1',
    '/site/v1/members/fe1/x',
    '/site/v1/live/..',
    '/site/v1/orders/zope1/up',
    '/site/v1/orders/zope1',
    '/site/v1/orders/..%2f/drain',
    '/site/v1/orders/zope1/drain/x',
    '/site/v1/asks/zope1/x',
    '/site/v1/asks/',
    '/site/v1/answers/zope1/_',
    '/site/v1/answers/zope1',
    '/site/v1/locks/other/default',
    '/site/v1/locks/restart',
    '/site/v1/unknown/zope1',
    '/site/v1/',
  ])
    t.equal(keys.parse(key), undefined, key)
  t.equal(rangeEnd('/site/v1/'), '/site/v10')
  t.end()
})

void t.test('orders: what cannot be read is an order without end', t => {
  const order = {
    id: 'a1',
    by: 'admin',
    from: 'fe1',
    reason: 'why',
    written: 5,
    until: 7,
    renewed: null,
    isEnded: false,
  }
  t.strictSame(parseOrder(formatOrder(order), 'k'), order)
  t.notMatch(formatOrder(order), /isEnded/)
  const ended = { ...order, isEnded: true }
  t.strictSame(parseOrder(formatOrder(ended), 'k'), ended)
  const nothing = {
    id: 'unreadable-a-b-drain',
    by: null,
    from: null,
    reason: null,
    written: null,
    until: null,
    renewed: null,
    isEnded: false,
  }
  for (const text of [
    '',
    '{',
    '5',
    'null',
    '[]',
    JSON.stringify({ id: 'with space', from: 'NO NAME', until: '7' }),
    JSON.stringify({ id: '', until: 1e300, reason: 5 }),
    JSON.stringify({ id: 'x', reason: 'y'.repeat(maxValueBytes) }),
  ])
    t.strictSame(parseOrder(text, 'a/b/drain'), nothing, text.slice(0, 40))
  t.strictSame(
    parseOrder(JSON.stringify({ id: 'x', reason: 'a\u001b[31m\nb' }), 'k')
      .reason,
    'a\\u001b[31m\\u000ab',
  )
  t.end()
})

const live = {
  instance: 'i',
  version: '1',
  now: 5,
  applied: 7,
  states: { zope1: 'down' },
  settings: { '*': 'x', zope1: 'y' },
  own: ['zope1.drain'],
  maps: 1,
}

void t.test('signs of life', t => {
  t.strictSame(parseLive(formatLive(live)), live)
  t.strictSame(parseLive('{"instance":"i","now":5}'), {
    instance: 'i',
    version: '?',
    now: 5,
    applied: 0,
    states: {},
    settings: {},
    own: [],
    maps: 0,
  })
  t.strictSame(
    parseLive(
      '{"instance":"i","now":5,"states":{"UP":"x","a":1,"b":"\\u0007"},"own":[1,"a"],"settings":[]}',
    )?.states,
    { b: '\\u0007' },
  )
  t.equal(parseLive('{"now":5}'), undefined)
  t.equal(parseLive('{"instance":"i"}'), undefined)
  const names = Array.from({ length: 500 }, (_, n) => `zope${n}`)
  const long = formatLive({
    ...live,
    states: Object.fromEntries(names.map(name => [name, 'down'])),
    settings: Object.fromEntries(names.map(name => [name, '12345678'])),
    own: names,
  })
  t.ok(Buffer.byteLength(long) <= maxValueBytes)
  t.strictSame(Object.keys(parseLive(long)?.settings ?? {}), ['*'])
  t.end()
})

void t.test('questions, answers, locks', t => {
  t.strictSame(parseAsk('{"id":"1","step":"idle"}'), { id: '1', step: 'idle' })
  t.equal(parseAsk('{"id":"1","step":"else"}'), undefined)
  t.equal(parseAsk('{"step":"idle"}'), undefined)
  t.strictSame(
    parseAnswer('{"id":"1","step":"idle","answer":"no","why":"w"}'),
    {
      id: '1',
      step: 'idle',
      answer: 'no',
      why: 'w',
    },
  )
  t.equal(parseAnswer('{"id":"1","step":"idle","answer":"yes"}')?.why, '')
  t.equal(parseAnswer('{"id":"1","step":"idle","answer":1}'), undefined)
  t.equal(parseAnswer('{"id":"1","answer":"no"}'), undefined)
  t.equal(parseAnswer('{"step":"1","answer":"no"}'), undefined)
  t.strictSame(parseLock('{"by":"a","from":"b"}'), { by: 'a', from: 'b' })
  t.strictSame(parseLock(''), { by: 'another user', from: 'another machine' })
  t.end()
})
