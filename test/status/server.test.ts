// The status port over real sockets, with friendly and hostile visitors.
import { once } from 'node:events'
import { rmSync, utimesSync, writeFileSync } from 'node:fs'
import { IncomingMessage, ServerResponse, request } from 'node:http'
import type { RequestOptions } from 'node:http'
import { connect, Socket } from 'node:net'
import { memoryUsage } from 'node:process'
import t from 'tap'
import type { Test } from 'tap'
import { parseConfig } from '../../config/parse.ts'
import { Exposition } from '../../status/exposition.ts'
import { Live } from '../../status/live.ts'
import { OpenPages } from '../../status/open-pages.ts'
import type { StatusReport } from '../../status/report.ts'
import { statusServer } from '../../status/server.ts'
import { publicDirectory, until } from '../fixtures/processes.ts'

type Site = {
  readonly directory: string
  readonly live: Live
  readonly port: number
}

/** A directory as a living monitor keeps it, this process being the monitor. */
function directoryOf(t: Test): string {
  const directory = publicDirectory(t)
  const state = { since: '2026-11-22T18:00:00Z', reason: 'passed', share: 100 }
  const probes = [{ at: '', outcome: 'pass', ms: 3 }]
  const report = {
    pid: process.pid,
    backends: { zope1: { state: 'up', ...state, streak: 1, probes } },
  }
  const file = `${directory}/monitor.json`
  writeFileSync(file, JSON.stringify(report))
  // however long this test takes, that monitor has just written
  utimesSync(file, new Date(), new Date(Date.now() + 3_600_000))
  writeFileSync(`${directory}/zope1.up`, '')
  return directory
}

function liveOf(directory: string): Live {
  const status = { hosts: ['status.example.org'] }
  const backends = { zope1: 'http://10.0.0.11:8080' }
  const text = JSON.stringify({ directory, backends, status })
  return new Live(parseConfig(text, 'f'), [])
}

async function serve(t: Test): Promise<Site> {
  const directory = directoryOf(t)
  const live = liveOf(directory)
  const { server, close } = statusServer(live, new Exposition(live))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(close)
  const address = server.address()
  const port = typeof address === 'object' ? Number(address?.port) : 0
  return { directory, live, port }
}

type Answer = {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

function responseTo(options: RequestOptions): Promise<IncomingMessage> {
  return new Promise((got, failed) => {
    request({ host: '127.0.0.1', ...options })
      .on('response', got)
      .on('error', failed)
      .end()
  })
}

async function ask(
  { port }: Site,
  path: string,
  options: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await responseTo({ port, path, ...options })
  let body = ''
  for await (const chunk of response.setEncoding('utf8')) body += chunk
  return { status: response.statusCode, headers: response.headers, body }
}

/** Everything the server says to these bytes until it closes. */
async function say({ port }: Site, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let said = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  // a reset is an end as good as any
  socket.on('error', () => undefined)
  socket.write(bytes)
  await once(socket, 'close')
  return said
}

void t.test('what there is', async t => {
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
  const told: StatusReport = JSON.parse(body)
  t.same(told.backends, site.live.report().backends)
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

void t.test('an open page gets everything, then what changes', async t => {
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
  t.equal(changed['zope1.c-strip'], undefined)
})

void t.test('who does not read gets nothing more', async t => {
  const directory = directoryOf(t)
  const pages = new OpenPages(liveOf(directory))
  t.teardown(() => pages.stop())
  // without a connection nothing that is written ever leaves
  const stuck = new ServerResponse(new IncomingMessage(new Socket()))
  const other = new ServerResponse(new IncomingMessage(new Socket()))
  pages.add(stuck)
  pages.add(other)
  // this one reads, as far as its length tells
  let messages = 0
  Object.defineProperty(other, 'writableLength', { get: () => 0 })
  other.write = () => ++messages > 0
  const length = stuck.writableLength
  await until('three messages', () => messages >= 3)
  t.equal(stuck.writableLength, length)
})

void t.test('garbage is refused and the line closed', async t => {
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
    'who never ends his headers is not waited for',
  )
  t.match(await ask(site, '/'), { status: 200 })
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
