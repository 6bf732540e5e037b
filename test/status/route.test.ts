import t from 'tap'
import { route } from '../../status/route.ts'

const paths = new Set(['/', '/status.json'])
const names = new Set(['status.example.org'])

function routed(url?: string, method?: string, host?: string) {
  return route({ url, method, host }, paths, names)
}

void t.test('what there is, whatever the query', t => {
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
      { kind: 'refused', status: 405 },
      String(method),
    )
  t.end()
})

void t.test('by an address, or by a name of ours', t => {
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
