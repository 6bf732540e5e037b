// A GET or HEAD that a backend could not answer is answered by the next one: each rule
// of it. kills.test.ts has the large numbers.
import {
  Agent,
  createServer,
  request,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http'
import { connect as connectTcp } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { savedOf, type AccessLine } from '../../../lab/httpd.ts'
import { brief, failuresOf, more, startLoad } from '../../../lab/load.ts'
import { reportOf } from '../../../lab/map.ts'
import { until } from '../../../lab/processes.ts'
import { startSite, type Site, type SiteOptions } from '../../../lab/site.ts'

void t.test(
  'a backend frozen for 20 s, clients with 10 s patience',
  async t => {
    const site = await startSite(t, {
      hasMonitor: true,
      delayMs: 50,
      conf: ['--failover-after=3s'],
    })
    const load = startLoad(t, {
      port: site.httpd.port,
      clients: 10,
      pauseMs: 20,
      hasCookies: true,
      patienceMs: 10_000,
    })
    await more(load, 200)
    const zope1 = site.backend('zope1').program?.child
    zope1?.kill('SIGSTOP')
    await pause(20_000)
    zope1?.kill('SIGCONT')
    await more(load, 200)
    const samples = await load.stop()
    const saved = savedOf(site.httpd.accessLog())
    const slowest = Math.max(...samples.map(it => it.endMs - it.startMs))
    t.comment(
      `${samples.length} requests, ${failuresOf(samples).length} failed, ${saved.length} saved by a second chance, the slowest took ${Math.round(slowest)} ms`,
    )
    t.strictSame(failuresOf(samples).map(brief), [])
    t.ok(saved.length > 0)
  },
)

// -- Each rule by itself: scripted backends in the place of the real ones ------

type SeenRequest = {
  method: string
  url: string
  headers: IncomingMessage['headers']
}

type ScriptedBackend = {
  /** what came, in order */
  readonly seen: SeenRequest[]
  /** what it does with the next ones */
  behavior: 'serve' | 'break' | 'half'
}

/** Takes the port of a backend of the site. */
async function script(
  t: Test,
  site: Site,
  name: string,
  behavior: ScriptedBackend['behavior'] = 'serve',
): Promise<ScriptedBackend> {
  await site.backend(name).kill('SIGKILL')
  const scripted: ScriptedBackend = { seen: [], behavior }
  const server = createServer((incoming, response) => {
    incoming.resume()
    const { method = '', url = '', headers } = incoming
    scripted.seen.push({ method, url, headers })
    const isBroken =
      scripted.behavior === 'break' ||
      url.endsWith('/break-all') ||
      (url.endsWith('/break') && name === 'zope1')
    if (isBroken) return void incoming.socket.destroy()
    response.setHeader('X-Backend', name)
    if (scripted.behavior === 'half') {
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
  isReused: boolean
}

let asked = 0

/** One request on its own connection, and what the log says of it. */
async function ask(
  site: Site,
  path: string,
  options: {
    method?: string
    headers?: OutgoingHttpHeaders
    body?: string
    agent?: Agent
  } = {},
): Promise<Answer & { line: AccessLine }> {
  const id = `r${++asked}`
  const answer = await new Promise<Answer>((done, fail) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: site.httpd.port,
        path,
        agent: options.agent ?? false,
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
            isReused: outgoing.reusedSocket,
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
  behaviors: readonly (ScriptedBackend['behavior'] | 'gone')[],
  options: SiteOptions = {},
): Promise<{ site: Site; backends: ScriptedBackend[] }> {
  const names = behaviors.map((_, at) => `zope${at + 1}`)
  const site = await startSite(t, { names, ...options })
  const backends: ScriptedBackend[] = []
  for (const [at, behavior] of behaviors.entries()) {
    const name = names[at] ?? ''
    if (behavior === 'gone') {
      await site.backend(name).kill('SIGKILL')
      backends.push({ seen: [], behavior: 'serve' })
    } else backends.push(await script(t, site, name, behavior))
  }
  return { site, backends }
}

const counts = (backends: readonly ScriptedBackend[]): number[] =>
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

void t.test('a connection that has served before', async t => {
  const { site, backends } = await scriptedSite(t, ['serve', 'serve'])
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const first = await ask(site, '/', { agent })
  t.equal(first.headers['x-backend'], 'zope1')
  for (const backend of backends) backend.behavior = 'break'
  const post = await ask(site, '/', { agent, method: 'POST', body: 'a=b' })
  t.strictSame([post.status, post.isReused], [502, true])
  t.match(post.body, 'Back in a moment')
  t.match(post.line, { status: 502, again: '-' })
  t.strictSame(counts(backends), [2, 0])
  agent.destroy()
})

void t.test('one answer for one request, whatever happens inside', async t => {
  const { site } = await scriptedSite(t, ['serve', 'serve'])
  for (const [second, status] of [
    ['GET /break', 200],
    ['HEAD /break', 200],
    ['POST /break', 502],
    ['GET /break-all', 503],
    ['HEAD /break-all', 503],
  ] as const) {
    // the worker that broke is out for a second (retry=1)
    await until('zope1 to serve', async () => {
      const { headers } = await ask(site, '/')
      return headers['x-backend'] === 'zope1'
    })
    const bytes = await new Promise<string>((done, fail) => {
      const socket = connectTcp(site.httpd.port, '127.0.0.1')
      let all = ''
      socket.setEncoding('latin1')
      socket.on('data', chunk => {
        all += chunk.toString()
        if (all.endsWith('zope1\n') && !all.includes('HTTP/1.1', 1))
          socket.write(`${second} HTTP/1.1\r\nHost: x\r\n\r\n`)
      })
      socket.on('end', () => done(all))
      socket.on('error', fail)
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    })
    const [, answer = ''] = bytes.split(/(?=HTTP\/1\.1 )/)
    t.equal(bytes.split('HTTP/1.1 ').length - 1, 2, second)
    t.match(answer, `HTTP/1.1 ${status} `, second)
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    t.match(head, /^Connection: close$/m)
    const length = Number(/^Content-Length: (\d+)$/m.exec(head)?.[1])
    if (second.startsWith('HEAD')) t.equal(body, '')
    else if (length > 0) t.equal(body.length, length)
    else t.match(body, /^6\r\nzope2\n\r\n0\r\n$/)
  }
})

void t.test('alone: the page, and no longer than it is broken', async t => {
  const { site, backends } = await scriptedSite(t, ['serve'])
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  await ask(site, '/', { agent })
  const { status, line } = await ask(site, '/break', { agent })
  t.equal(status, 503)
  t.equal(line.again, 'zope1:502')
  t.equal((await ask(site, '/', { agent })).status, 200, 'at once')
  t.strictSame(counts(backends), [3])
  agent.destroy()
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

for (const [what, behaviors, expected] of [
  ['one breaks, two is gone', ['break', 'gone', 'serve'], 'zope1:502'],
  ['one is gone, two breaks', ['gone', 'break', 'serve'], 'zope2:502'],
  ['one and two are gone', ['gone', 'gone', 'serve'], 'zope1:503'],
] as const)
  for (const isMapDead of [false, true])
    void t.test(
      `${what}: three serves${isMapDead ? ', without the map' : ''}`,
      async t => {
        const { site, backends } = await scriptedSite(t, behaviors)
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
          behaviors.map(behavior => (behavior === 'gone' ? 0 : 1)),
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

for (const style of ['txt', 'sentinel'])
  void t.test(`style ${style}`, async t => {
    const { site, backends } = await scriptedSite(
      t,
      ['break', 'break', 'serve'],
      { conf: [`--style=${style}`] },
    )
    for (const name of ['zope2.up', 'zope1.up']) {
      const { status } = await ask(site, '/x')
      t.equal(status, name === 'zope2.up' ? 503 : 200)
      site.remove(name)
    }
    t.strictSame(counts(backends), [2, 1, 1])
  })

void t.test('one lookup for both tries', async t => {
  const { site } = await scriptedSite(t, ['break', 'serve'])
  const [pid = 0] = await site.httpd.runningMaps()
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
