// The status port over real sockets, with friendly and hostile visitors.
import { rmSync, utimesSync, writeFileSync } from 'node:fs'
import { IncomingMessage, ServerResponse } from 'node:http'
import { connect, Socket } from 'node:net'
import { memoryUsage } from 'node:process'
import t from 'tap'
import { OpenPages } from '../../../page/event-stream.ts'
import type { StatusReport } from '../../../status/report.ts'
import { until } from '../../../lab/processes.ts'
import {
  ask,
  directoryOf,
  liveOf,
  responseTo,
  say,
  serve,
} from '../../fixtures/status-port.ts'

void t.test('the paths that exist', async t => {
  const site = await serve(t)
  const page = await ask(site, '/?x=1')
  t.match(page, { status: 200, body: /^<!doctype html>.*zope1/s })
  t.match(page.headers, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'content-security-policy': /^default-src 'none'; style-src 'sha256-/,
  })
  const { body } = await ask(site, '/status.json')
  const report: StatusReport = JSON.parse(body)
  t.same(report.backends, site.live.report().backends)
  t.match(await ask(site, '/healthz'), { status: 200, body: 'ok\n' })
  t.match(await ask(site, '/metrics'), {
    status: 200,
    headers: { 'content-type': /^text\/plain; version=0\.0\.4/ },
    body: 'zope_failover_backend_up{backend="zope1"} 1\n',
  })
  for (const path of ['/', '/events', '/healthz', '/metrics'])
    t.match(await ask(site, path, { method: 'HEAD' }), {
      status: 200,
      body: /^$/,
    })
})

void t.test('and nothing else', async t => {
  const site = await serve(t)
  t.match(await ask(site, '/healthz/'), { status: 404 })
  t.match(await ask(site, '/', { method: 'POST' }), {
    status: 405,
    headers: { allow: 'GET, HEAD' },
  })
  for (const path of ['/../../etc/passwd', '//', '/%00', '/..%2f', 'x://y/'])
    t.match(await ask(site, path), { status: 404 }, path)
  const by = (host: string) => ask(site, '/', { headers: { host } })
  t.match(await by('evil.example.org'), { status: 421, body: /status\.hosts/ })
  t.match(await by('status.example.org'), { status: 200 })
})

void t.test('the health of the monitor, not of the backends', async t => {
  const site = await serve(t)
  rmSync(`${site.directory}/zope1.up`)
  t.match(await ask(site, '/healthz'), { status: 200 })
  utimesSync(`${site.directory}/monitor.json`, 1, 1)
  const silent = await until('silence', async () => {
    const answer = await ask(site, '/healthz')
    return answer.status === 503 && answer
  })
  t.equal(silent.body, 'monitor: silent\n')
})

void t.test('an open page gets everything, then the changes', async t => {
  const site = await serve(t)
  const response = await responseTo({ port: site.port, path: '/events' })
  t.teardown(() => response.destroy())
  let seen = ''
  response.setEncoding('utf8').on('data', (text: string) => {
    seen += text
  })
  const patchWith = (text: string): Promise<Record<string, string>> =>
    until(text, () => {
      const line = seen
        .split('\n\n')
        .slice(0, -1)
        .find(message => message.includes(text))
      if (line === undefined) return false
      seen = ''
      const message: { patch: Record<string, string> } = JSON.parse(
        line.slice('data: '.length),
      )
      return message.patch
    })
  t.same(Object.keys(await patchWith('zope1.c-state')), ['page'])
  writeFileSync(`${site.directory}/zope1.drain`, 'reason: <upgrade>\n')
  const changed = await patchWith('&#60;upgrade&#62;')
  t.match(changed, { 'zope1.c-why': 'drain', events: 'drain' })
  t.equal(changed['zope1.c-probes'], undefined)
})

void t.test('a client that does not read gets nothing more', async t => {
  const directory = directoryOf(t)
  const pages = new OpenPages(liveOf(directory))
  t.teardown(() => pages.stop())
  // without a connection, written data never leaves
  const stuck = new ServerResponse(new IncomingMessage(new Socket()))
  const other = new ServerResponse(new IncomingMessage(new Socket()))
  pages.add(stuck)
  pages.add(other)
  // this one reads, by its buffer length
  let messages = 0
  Object.defineProperty(other, 'writableLength', { get: () => 0 })
  other.write = () => ++messages > 0
  const length = stuck.writableLength
  await until('three messages', () => messages >= 3)
  t.equal(stuck.writableLength, length)
})

void t.test('garbage is rejected and the connection closed', async t => {
  const site = await serve(t)
  t.match(await say(site, '\0\u0016\u0003garbage\r\n\r\n'), /^HTTP\/1\.1 400 /)
  t.match(await say(site, 'GET / HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 /)
  t.match(
    await say(
      site,
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(9_000)}\r\n\r\n`,
    ),
    /^HTTP\/1\.1 431 /,
  )
  t.match(
    await say(site, `GET /${'x'.repeat(100_000)} HTTP/1.1\r\n`),
    /^(HTTP\/1\.1 4|$)/,
  )
  t.match(
    await say(site, 'GET / HTTP/1.1\r\nHost: localhost\r\n'),
    /^HTTP\/1\.1 408 /,
    'a client that never finishes its headers is not awaited',
  )
  t.match(await ask(site, '/'), { status: 200 })
})

void t.test('one connection gets one answer', async t => {
  const site = await serve(t)
  const head = 'HTTP/1.1\r\nHost: localhost\r\n\r\n'
  // few enough to be read at once: what is not makes the end a reset
  const said = await say(site, `GET / ${head}`.repeat(100))
  t.equal(said.split('HTTP/1.1 ').length, 2)
  const page = connect(site.port, '127.0.0.1', () => {
    page.write(`GET /events ${head}`.repeat(110))
  })
  t.teardown(() => page.destroy())
  let news = ''
  page.on('data', chunk => {
    news += chunk.toString()
  })
  await until('the page to be open', () => news !== '')
  const other = await responseTo({ port: site.port, path: '/events' })
  t.equal(other.statusCode, 200, 'there is room for others')
  other.destroy()
})

void t.test('thousands of connections', async t => {
  const site = await serve(t)
  const before = memoryUsage().rss
  const open = new Set<Socket>()
  t.teardown(() => open.forEach(socket => socket.destroy()))
  const many = 2_000
  let opened = 0
  for (let index = 0; index < many; index++) {
    const socket = connect(site.port, '127.0.0.1', () => opened++)
    open.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => open.delete(socket))
    socket.resume()
    // the first line of a request that never comes
    socket.write('GET / HTTP/1.1\r\n')
  }
  await until('all but some to be dropped', () => open.size <= 256)
  const grown = Math.round((memoryUsage().rss - before) / 1_048_576)
  t.comment(`${opened} of ${many} connections, both ends: ${grown} MB more`)
  for (const socket of open) socket.destroy()
  await until('the page to be served again', async () => {
    try {
      return (await ask(site, '/')).status === 200
    } catch {
      // the others are still being closed
      return false
    }
  })
  t.pass('the page is served again')
})

void t.test('the answers for a load balancer', async t => {
  const site = await serve(t)
  t.match(await ask(site, '/up'), { status: 404, body: /no key "front"/ })
  t.match(await ask(site, '/up/zope1'), {
    status: 200,
    body: 'up 100\n',
    headers: { 'cache-control': 'no-store' },
  })
  t.match(await ask(site, '/up/zope1', { method: 'HEAD' }), {
    status: 200,
    body: /^$/,
  })
  t.match(await ask(site, '/up/zope9'), { status: 404 })
  writeFileSync(`${site.directory}/zope1.drain`, '')
  await until(
    'the drain to be seen',
    async () => (await ask(site, '/up/zope1')).status === 503,
  )
  t.match(await ask(site, '/up/zope1?drain=404'), {
    status: 404,
    body: 'drain\n',
  })
})
