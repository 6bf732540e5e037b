import t from 'tap'
import { route, type Request } from '../../../page/route.ts'

const paths = new Set(['/', '/status.json'])
const names = new Set(['status.example.org'])

function routed(url?: string, method?: string, host?: string) {
  return route({ url, method, host }, { paths, names, acceptsActions: false })
}

const order = {
  method: 'POST',
  url: '/backends/zope1/drain',
  host: 'localhost',
}

function ordered(changes: Partial<Request>) {
  const request = { ...order, ...changes }
  return route(request, { paths, names, acceptsActions: true })
}

void t.test('existing paths, with any query', t => {
  for (const [url, path] of [
    ['/', '/'],
    ['/?a=/status.json', '/'],
    ['/status.json?\n', '/status.json'],
  ] as const)
    for (const method of ['GET', 'HEAD'])
      t.strictSame(routed(url, method), { kind: 'served', path }, url)
  t.end()
})

void t.test('nothing else', t => {
  for (const url of [
    undefined,
    '',
    '*',
    '//',
    '/status.json/',
    '/../etc/passwd',
    '/%2e%2e/status.json',
    '/./',
    '/__proto__',
    'http://127.0.0.1/',
  ])
    t.match(routed(url, 'GET'), { kind: 'refused', status: 404 }, String(url))
  for (const method of ['POST', 'OPTIONS', 'get', undefined])
    t.match(
      routed('/', method),
      { kind: 'refused', status: 405, allow: 'GET, HEAD' },
      String(method),
    )
  t.match(
    routed(order.url, 'POST'),
    { status: 405 },
    'no orders unless asked for',
  )
  t.end()
})

void t.test('by an address, or by a known name', t => {
  for (const host of [
    '127.0.0.1:8009',
    '10.0.0.1',
    '[::1]:8009',
    'localhost:8009',
    'LOCALHOST',
    'Status.Example.org:80',
    undefined,
  ])
    t.match(routed('/', 'GET', host), { kind: 'served' }, String(host))
  for (const host of [
    '',
    'evil.example.org',
    'localhost.evil.example.org',
    '127.0.0.1.evil.example.org',
    'evil.example.org:127.0.0.1',
    '[::1].evil.example.org',
    'user@localhost',
  ])
    t.match(routed('/', 'GET', host), { status: 421, text: /status\.hosts/ })
  t.end()
})

void t.test('an action is a POST to a backend and an action name', t => {
  const taken = { kind: 'order', backend: 'zope1', action: 'drain' }
  t.strictSame(ordered({}), taken)
  t.strictSame(ordered({ url: '/backends/zope1/drain?x=/' }), taken)
  t.strictSame(ordered({ url: '/backends/../%2e' }), {
    kind: 'order',
    backend: '..',
    action: '%2e',
  })
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', undefined])
    t.match(ordered({ method }), { status: 405, allow: 'POST' }, String(method))
  for (const url of [
    '/backends/zope1',
    '/backends/zope1/',
    '/backends//drain',
    '/backends/zope1/drain/',
    '//backends/zope1/drain',
    '/x/../backends/zope1/drain',
    '/%62ackends/zope1/drain',
    'http://localhost/backends/zope1/drain',
    '/',
  ])
    t.match(ordered({ url }), { status: 405, allow: 'GET, HEAD' }, url)
  t.match(ordered({ host: 'evil.example.org' }), { status: 421 })
  t.end()
})

void t.test('and is not accepted from a foreign page', t => {
  for (const [origin, host, site] of [
    ['http://localhost:8009', 'localhost:8009', 'same-origin'],
    ['https://Status.Example.org', 'status.example.org', undefined],
    [undefined, undefined, undefined],
    [undefined, 'localhost', 'same-origin'],
  ] as const)
    t.match(ordered({ origin, host, site }), { kind: 'order' }, String(origin))
  for (const [origin, host, site] of [
    ['http://evil.example.org', 'localhost:8009', undefined],
    ['http://localhost:8010', 'localhost:8009', 'same-site'],
    ['http://localhost', 'localhost:8009', undefined],
    ['http://localhost:8009', undefined, undefined],
    ['null', 'localhost', undefined],
    ['ftp://localhost', 'localhost', undefined],
    [undefined, 'localhost', 'cross-site'],
    [undefined, 'localhost', 'none'],
  ] as const)
    t.match(ordered({ origin, host, site }), { status: 403 }, String(origin))
  t.end()
})

void t.test('the answers for a load balancer', t => {
  for (const [url, backend, drained] of [
    ['/up', undefined, 503],
    ['/up?x', undefined, 503],
    ['/up/zope1', 'zope1', 503],
    ['/up/zope1?drain=404', 'zope1', 404],
    ['/up/zope1?x=1&drain=404&y', 'zope1', 404],
    ['/up/zope1?drain=4040', 'zope1', 503],
    ['/up/..', '..', 503],
  ] as const)
    for (const method of ['GET', 'HEAD'])
      t.strictSame(routed(url, method), { kind: 'up', backend, drained }, url)
  for (const url of ['/up/', '/up/a/b', '/upp', '//up'])
    t.match(routed(url, 'GET'), { kind: 'refused', status: 404 }, url)
  t.match(routed('/up', 'POST'), { status: 405 })
  t.match(routed('/up', 'GET', 'evil.example.org'), { status: 421 })
  t.end()
})
