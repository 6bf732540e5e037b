// A GET or HEAD that a backend could not answer is answered by the next one:
// in large numbers under kill -9, and each rule of it by itself.
import { createServer, request } from 'node:http'
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import t from 'tap'
import type { Test } from 'tap'
import type { AccessLine } from '../fixtures/httpd.ts'
import { brief, failuresOf, more, startLoad } from '../fixtures/load.ts'
import type { Sample } from '../fixtures/load.ts'
import { reportOf } from '../fixtures/map.ts'
import { until } from '../fixtures/processes.ts'
import { startSite } from '../fixtures/site.ts'
import type { Site, SiteOptions } from '../fixtures/site.ts'

const kills = 10

/** zope1 dies again and again while others ask for pages of 50 ms. */
async function loadUnderKills(
  t: Test,
  site: Site,
  options: { isKeepAlive: boolean; method?: string },
): Promise<readonly Sample[]> {
  const load = startLoad({ port: site.httpd.port, ...options })
  const zope1 = site.backend('zope1')
  const served = (): number =>
    load.samples.filter(({ backend }) => backend === 'zope1').length
  for (let count = 0; count < kills; count++) {
    const before = served()
    await until('zope1 to be busy', () => served() > before + 40)
    await zope1.kill('SIGKILL')
    await more(load, 40)
    await zope1.start()
  }
  const samples = await load.stop()
  t.ok(samples.length > kills * 80)
  return samples
}

for (const isKeepAlive of [false, true])
  void t.test(
    `GETs inside a dying backend, ${isKeepAlive ? 'kept-alive' : 'fresh'} connections`,
    async t => {
      const site = await startSite(t, { delayMs: 50 })
      const samples = await loadUnderKills(t, site, { isKeepAlive })
      await site.httpd.stop()
      const again = samples.filter(({ isSentAgain }) => isSentAgain)
      const saved = savedOf(site.httpd.accessLog())
      t.comment(
        `${kills} kills, ${samples.length} requests, ${failuresOf(samples).length} failed, ${saved.length} saved by a second chance, ${again.length} closed before any byte and sent again by the client`,
      )
      t.strictSame(failuresOf(samples).map(brief), [], 'no request fails')
      t.ok(isKeepAlive || saved.length > 0, 'some had been inside')
      if (!isKeepAlive) t.strictSame(again, [])
    },
  )

for (const isKeepAlive of [false, true])
  void t.test(
    `POSTs inside a dying backend, ${isKeepAlive ? 'kept-alive' : 'fresh'} connections`,
    async t => {
      const site = await startSite(t, { delayMs: 50 })
      const samples = await loadUnderKills(t, site, {
        isKeepAlive,
        method: 'POST',
      })
      await site.httpd.stop()
      const [one, two] = site.backends.map(backend => backend.begun())
      const failed = failuresOf(samples)
      t.comment(
        `${kills} kills, ${samples.length} POSTs, ${failed.length} failed, all of them inside`,
      )
      t.ok(failed.length > 0)
      t.strictSame(
        samples.filter(({ id }) => one?.has(id) && two?.has(id)).map(brief),
        [],
        'none reaches two backends',
      )
      // handed over and not begun: the kill came before the journal
      const handed = new Set(
        site.httpd
          .accessLog()
          .filter(
            ({ backend, status }) => backend === 'zope1' && status === 502,
          )
          .map(({ id }) => id),
      )
      t.strictSame(
        failed
          .filter(({ id }) => one?.has(id) !== true && !handed.has(id))
          .map(brief),
        [],
        'who failed was inside',
      )
      t.strictSame(savedOf(site.httpd.accessLog()), [])
    },
  )

const savedOf = (lines: readonly AccessLine[]): AccessLine[] =>
  lines.filter(({ again, status }) => again !== '-' && status === 200)

// -- Each rule by itself: scripted backends in the place of the real ones ------

type Seen = { method: string; url: string; headers: IncomingMessage['headers'] }

type Scripted = {
  /** what came, in order */
  readonly seen: Seen[]
  /** what it does with the next ones */
  behaviour: 'serve' | 'break' | 'half'
}

/** Takes the port of a backend of the site. */
async function script(
  t: Test,
  site: Site,
  name: string,
  behaviour: Scripted['behaviour'] = 'serve',
): Promise<Scripted> {
  await site.backend(name).kill('SIGKILL')
  const scripted: Scripted = { seen: [], behaviour }
  const server = createServer((incoming, response) => {
    incoming.resume()
    const { method = '', url = '', headers } = incoming
    scripted.seen.push({ method, url, headers })
    if (scripted.behaviour === 'break') return void incoming.socket.destroy()
    response.setHeader('X-Backend', name)
    if (scripted.behaviour === 'half') {
      response.writeHead(200, { 'Content-Length': 100 })
      response.write('half', () => incoming.socket.destroy())
      return
    }
    response.setHeader('ETag', '"1"')
    if (headers['if-none-match'] === '"1"') response.writeHead(304)
    else if (headers.range === 'bytes=2-3')
      response.writeHead(206, { 'Content-Range': 'bytes 2-3/6' })
    response.end(headers.range === undefined ? `${name}\n` : name.slice(2, 4))
  })
  server.listen(site.backend(name).port, '127.0.0.1')
  await until('the port to be taken', () => server.listening)
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return scripted
}

type Answer = {
  status: number | undefined
  headers: IncomingMessage['headers']
  body: string
}

let asked = 0

/** One request on a connection of its own, and what the log says of it. */
async function ask(
  site: Site,
  path: string,
  options: {
    method?: string
    headers?: OutgoingHttpHeaders
    body?: string
  } = {},
): Promise<Answer & { line: AccessLine }> {
  const id = `r${++asked}`
  const answer = await new Promise<Answer>((done, fail) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: site.httpd.port,
        path,
        agent: false,
        method: options.method ?? 'GET',
        headers: { ...options.headers, 'X-Request': id },
      },
      response => {
        let body = ''
        response.on('data', (chunk: Buffer) => {
          body += chunk.toString()
        })
        response.on('error', fail)
        response.on('end', () =>
          done({
            status: response.statusCode,
            headers: response.headers,
            body,
          }),
        )
      },
    )
    outgoing.on('error', fail)
    outgoing.end(options.body)
  })
  // httpd writes its log after the answer
  const line = await until('the log line', () =>
    site.httpd.accessLog().find(found => found.id === id),
  )
  return { ...answer, line }
}

async function scriptedSite(
  t: Test,
  behaviours: readonly (Scripted['behaviour'] | 'gone')[],
  options: SiteOptions = {},
): Promise<{ site: Site; backends: Scripted[] }> {
  const names = behaviours.map((_, at) => `zope${at + 1}`)
  const site = await startSite(t, { names, ...options })
  const backends: Scripted[] = []
  for (const [at, behaviour] of behaviours.entries()) {
    const name = names[at] ?? ''
    if (behaviour === 'gone') {
      await site.backend(name).kill('SIGKILL')
      backends.push({ seen: [], behaviour: 'serve' })
    } else backends.push(await script(t, site, name, behaviour))
  }
  return { site, backends }
}

const counts = (backends: readonly Scripted[]): number[] =>
  backends.map(({ seen }) => seen.length)

void t.test('the second backend gets what the first one got', async t => {
  const { site, backends } = await scriptedSite(t, ['break', 'serve'])
  const [one, two] = backends
  const paths = [
    '/',
    '/a%20b',
    '/a%3Fb',
    '/a%3Fb?c=d?e',
    '/a%25b',
    '/%C3%BCber?name=%C3%BC',
    '/a;b=c',
    "/a:b@c,d!e'(f)",
    '/?a=b&c=%3F%25%20+d%26&c=%0A',
    '/$1%251',
    `/?long=${'x'.repeat(6_000)}`,
  ]
  for (const path of paths) {
    const { status, line } = await ask(site, path, {
      headers: { Cookie: 'a=b; c="d e"', 'X-Long': 'y'.repeat(2_000) },
    })
    t.equal(status, 200, path.slice(0, 40))
    t.equal(line.again, 'zope1:502')
    const first = one?.seen.at(-1)
    t.strictSame(two?.seen.at(-1), {
      ...first,
      headers: {
        ...first?.headers,
        host: `127.0.0.1:${site.backend('zope2').port}`,
        connection: 'close',
      },
    })
  }
  t.strictSame(counts(backends), [paths.length, paths.length])
  t.comment(`${paths.length} paths`)
})

void t.test('HEAD, ranges, conditions, cookies', async t => {
  const { site, backends } = await scriptedSite(t, ['break', 'serve'])
  const head = await ask(site, '/', { method: 'HEAD' })
  t.strictSame([head.status, head.body], [200, ''])
  t.equal(head.headers['x-backend'], 'zope2')
  t.strictSame(
    backends.map(({ seen }) => seen.map(({ method }) => method)),
    [['HEAD'], ['GET']],
    'httpd makes a GET of it',
  )
  const part = await ask(site, '/', { headers: { Range: 'bytes=2-3' } })
  t.strictSame([part.status, part.body], [206, 'pe'])
  t.equal(part.headers['content-range'], 'bytes 2-3/6')
  const same = await ask(site, '/', { headers: { 'If-None-Match': '"1"' } })
  t.strictSame([same.status, same.body, same.headers.etag], [304, '', '"1"'])
  const bound = await ask(site, '/', {
    headers: { Cookie: 'zope_route=zope1' },
  })
  t.strictSame(
    bound.headers['set-cookie'],
    ['zope_route=zope2; Path=/; HttpOnly; SameSite=Lax'],
    'bound to who served',
  )
  const there = await ask(site, '/', {
    headers: { Cookie: 'zope_route=zope2' },
  })
  t.equal(there.line.again, '-', 'no first try')
  t.equal(there.headers['set-cookie'], undefined)
})

void t.test('what is not repeated', async t => {
  const { site, backends } = await scriptedSite(t, ['break', 'serve'])
  const unsafe: [string, string?][] = [
    ['POST', 'a=b'],
    ['POST'],
    ['PUT', 'a=b'],
    ['DELETE'],
    ['OPTIONS'],
    ['PROPFIND'],
    ['GET', 'with a body'],
  ]
  for (const [method, body] of unsafe) {
    const { status, headers, line, ...answer } = await ask(site, '/x', {
      method,
      ...(body === undefined
        ? {}
        : { body, headers: { 'Content-Length': body.length } }),
    })
    t.equal(status, 502, method)
    t.match(answer.body, 'Back in a moment')
    t.equal(headers['retry-after'], undefined, 'it may have been done')
    t.match(line, { status: 502, backend: 'zope1', again: '-', via: 'map' })
  }
  t.strictSame(counts(backends), [unsafe.length, 0])
  for (const path of ['again', 'second', 'page']) {
    const { status } = await ask(site, `/.zope-failover/${path}`)
    t.equal(status, 404, `visitors cannot call ${path}`)
  }
  t.strictSame(counts(backends), [unsafe.length, 0])
})

void t.test('a page that has begun is not begun again', async t => {
  const { site, backends } = await scriptedSite(t, ['half', 'serve'])
  await t.rejects(ask(site, '/'))
  t.strictSame(counts(backends), [1, 0])
})

void t.test('the second one fails as well: the maintenance page', async t => {
  const { site, backends } = await scriptedSite(t, ['break', 'break', 'serve'])
  const { status, headers, body, line } = await ask(site, '/x')
  t.equal(status, 503)
  t.equal(headers['retry-after'], '30')
  t.match(headers['content-type'], /^text\/html/)
  t.match(body, /<h1>Back in a moment<\/h1>/)
  t.notMatch(body, 'Additionally')
  t.equal(headers['set-cookie'], undefined)
  t.strictSame(counts(backends), [1, 1, 0], 'never a third')
  t.match(line, { status: 503, again: 'zope1:502/zope2:502', via: 'map' })
  const head = await ask(site, '/x', { method: 'HEAD' })
  t.strictSame(
    [head.status, head.body, head.headers['retry-after']],
    [503, '', '30'],
  )
})

for (const [what, behaviours, expected] of [
  ['one breaks, two is gone', ['break', 'gone', 'serve'], 'zope1:502'],
  ['one is gone, two breaks', ['gone', 'break', 'serve'], 'zope2:502'],
  ['one and two are gone', ['gone', 'gone', 'serve'], 'zope1:503'],
] as const)
  for (const isMapDead of [false, true])
    void t.test(
      `${what}: three serves${isMapDead ? ', without the map' : ''}`,
      async t => {
        const { site, backends } = await scriptedSite(t, behaviours)
        if (isMapDead) await site.httpd.killMap()
        const { status, headers, line } = await ask(site, '/x?y=z')
        t.equal(status, 200)
        t.equal(headers['x-backend'], 'zope3')
        t.match(line, {
          again: expected,
          backend: 'zope3',
          via: isMapDead ? 'sentinels' : 'map',
          answer: 'zope1 zope2',
        })
        t.strictSame(
          counts(backends),
          behaviours.map(behaviour => (behaviour === 'gone' ? 0 : 1)),
        )
      },
    )

for (const isMapDead of [false, true])
  void t.test(
    `not to who is drained or in maintenance${isMapDead ? ', without the map' : ''}`,
    async t => {
      const { site, backends } = await scriptedSite(t, [
        'break',
        'serve',
        'serve',
      ])
      site.touch('zope2.drain')
      site.touch('zope3.maint')
      await until('the map to know', async () => {
        const { line } = await ask(site, '/')
        return line.answer === 'zope1 -'
      })
      if (isMapDead) await site.httpd.killMap()
      for (const backend of backends) backend.seen.length = 0
      const { status, body } = await ask(site, '/')
      t.equal(status, 503)
      t.match(body, 'Back in a moment')
      t.strictSame(counts(backends), [1, 0, 0])
      site.remove('zope3.maint')
      const { headers } = await ask(site, '/')
      t.equal(headers['x-backend'], 'zope3', 'and there it is again')
    },
  )

void t.test('one lookup for both tries', async t => {
  const { site } = await scriptedSite(t, ['break', 'serve'])
  const { pid = 0 } =
    site.httpd
      .mapProcesses()
      .find(({ command }) => !command.startsWith('/bin/sh')) ?? {}
  const lookups = (): number => reportOf(site.directory, pid)?.lookups ?? 0
  for (let count = 0; count < 20; count++) {
    const { line } = await ask(site, '/')
    t.equal(line.again, 'zope1:502')
  }
  await until('all to be counted', () => lookups() >= 20)
  t.equal(lookups(), 20)
})

void t.test('switched off', async t => {
  const { site, backends } = await scriptedSite(t, ['break', 'serve'], {
    conf: ['--no-second-chance'],
  })
  const { status, line } = await ask(site, '/')
  t.equal(status, 502)
  t.match(line, { backend: 'zope1', again: '-' })
  t.strictSame(counts(backends), [1, 0])
})
