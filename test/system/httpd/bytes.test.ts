// What a visitor sends reaches Zope byte for byte, and whatever he sends, it
// stays below the path of his site.
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  createServer,
  request as ask,
  type IncomingMessage,
  type Server,
} from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import { httpdBefore } from '../../../lab/own-backend.ts'

type Request = {
  readonly method: string | undefined
  /** the request line's target as it came */
  readonly url: string
  /** name, value, name, value … as they came */
  readonly headers: readonly string[]
  readonly sha256: string
  readonly length: number
}

/** A backend that keeps what arrives. */
function recorder(): { server: Server; arrived: Request[] } {
  const arrived: Request[] = []
  const server = createServer(
    { maxHeaderSize: 65_536 },
    (request, response) => {
      void (async () => {
        arrived.push(await record(request))
        response.end('here\n')
      })()
    },
  )
  server.keepAliveTimeout = 120_000
  return { server, arrived }
}

async function record(request: IncomingMessage): Promise<Request> {
  const hash = createHash('sha256')
  let length = 0
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk)
    hash.update(bytes)
    length += bytes.length
  }
  return {
    method: request.method,
    url: request.url ?? '',
    headers: request.rawHeaders,
    sha256: hash.digest('hex'),
    length,
  }
}

/** The status of the answer to these very bytes; httpd closes after it. */
async function status(port: number, request: Buffer): Promise<number> {
  return new Promise((done, fail) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.setEncoding('latin1')
    socket.on('data', chunk => {
      answer += chunk.toString()
    })
    socket.on('close', () => done(Number(/^HTTP\S+ (\d+)/.exec(answer)?.[1])))
    socket.on('error', fail)
    socket.write(request)
  })
}

function request(
  line: string,
  headers: readonly string[] = [],
  body: Buffer = Buffer.alloc(0),
): Buffer {
  const hasHost = headers.some(header => /^host:/i.test(header))
  return Buffer.concat([
    Buffer.from(
      `${[line, ...(hasHost ? [] : ['Host: www.example.org']), 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`,
      'latin1',
    ),
    body,
  ])
}

const options = ['--url=http://www.example.org', '--site=/Plone']
const base = '/VirtualHostBase/http/www.example.org:80/Plone/VirtualHostRoot'

/** httpd writes %3f for %3F, which RFC 3986 calls the same. */
function sameCase(url: string | undefined): string | undefined {
  return url?.replace(/%[\da-f]{2}/gi, escaped => escaped.toUpperCase())
}

void t.test('targets', async t => {
  const { server, arrived } = recorder()
  const { port } = await httpdBefore(t, server, options)
  const targets = [
    '/',
    '/a%20b%20',
    '/a%3Fb',
    '/a%3Fb?c%3Fd?e',
    '/a%25b',
    '/a%2525',
    '/a%23b',
    '/a%22%3C%3E%5B%5D%7B%7C%7D',
    '/a%5Cb',
    '/%C3%BC%E2%82%AC%F0%9F%90%8D',
    '/%FF%FE',
    '/a;b=c;d',
    '/a:b@c,d!e$f*g(h)i+j=k&l',
    "/it's~-_.html",
    '/@@view/++resource++x/index_html',
    '/a.b/c..d/...',
    '/.well-known/x',
    '/?a=b&c=%3F%25%20+d&e=%2F..%2F&f=%C3%BC&;;',
    '/x?',
    '/x??',
    '/x?a=/../../&b=//',
    '/x?%zz',
    `/${'long/'.repeat(1_400)}end`,
    `/q?${'x'.repeat(7_000)}`,
  ]
  for (const target of targets) {
    const what = target.slice(0, 60)
    t.equal(await status(port, request(`GET ${target} HTTP/1.1`)), 200, what)
    t.equal(sameCase(arrived.at(-1)?.url), sameCase(base + target), what)
  }
  t.equal(arrived.length, targets.length)
  // what needs no escape in a path arrives without: Zope decodes it anyway
  await status(port, request('GET /a%26b%3Dc%61%7E HTTP/1.1'))
  t.equal(arrived.at(-1)?.url, `${base}/a&b=ca~`)
  // RFC 3986 has no such byte, and httpd takes none (HttpProtocolOptions Strict)
  t.equal(await status(port, request('GET /x?a=\xfc HTTP/1.1')), 400)
  t.comment(`${targets.length} targets`)
})

void t.test(
  '%2F is a 404, and // is / unless httpd is configured otherwise',
  async t => {
    for (const [extra, target, wanted] of [
      ['', '/a%2Fb', 404],
      ['', '/a//b', `${base}/a/b`],
      ['MergeSlashes Off', '/a//b', `${base}/a//b`],
    ] as const) {
      const { server, arrived } = recorder()
      const { port } = await httpdBefore(t, server, options, extra)
      const answer = await status(port, request(`GET ${target} HTTP/1.1`))
      const what = `${extra}: ${target}`
      t.equal(answer === 200 ? arrived[0]?.url : answer, wanted, what)
    }
  },
)

void t.test('methods and bodies', async t => {
  const { server, arrived } = recorder()
  const { port } = await httpdBefore(t, server, options)
  const big = randomBytes(5_000_000)
  const bodies: [string, Buffer][] = [
    ['POST', Buffer.from('a=b&c=%20d')],
    ['POST', Buffer.alloc(0)],
    ['POST', Buffer.from([...Array(256).keys()])],
    ['POST', big],
    ['PUT', big.subarray(0, 100_000)],
    ['PROPFIND', Buffer.from('<propfind/>')],
    ['DELETE', Buffer.alloc(0)],
  ]
  for (const [method, body] of bodies)
    for (const isChunked of [false, true]) {
      const what = `${method} of ${body.length} bytes${isChunked ? ', chunked' : ''}`
      const answer = await status(
        port,
        isChunked
          ? request(
              `${method} /form HTTP/1.1`,
              ['Transfer-Encoding: chunked'],
              chunked(body),
            )
          : request(
              `${method} /form HTTP/1.1`,
              [`Content-Length: ${body.length}`],
              body,
            ),
      )
      t.equal(answer, 200, what)
      t.match(
        arrived.at(-1),
        {
          method,
          url: `${base}/form`,
          length: body.length,
          sha256: createHash('sha256').update(body).digest('hex'),
        },
        what,
      )
    }
  t.equal(arrived.length, 2 * bodies.length, 'each once')
})

// ZServer (Plone 4) is Python 2, which no supported system has; this stand-in
// ignores "Expect: 100-continue" as it does, and reads the body.
void t.test('an upload to a server without 100-continue', async t => {
  const { server, arrived } = recorder()
  server.on('checkContinue', (incoming, response) => {
    server.emit('request', incoming, response)
  })
  const { port } = await httpdBefore(t, server, [...options, '--timeout=20s'])
  const body = randomBytes(3_000_000)
  const sha256 = createHash('sha256').update(body).digest('hex')
  for (const method of ['PUT', 'POST']) {
    const outgoing = ask({
      port,
      path: '/file',
      method,
      headers: {
        Host: 'www.example.org',
        'Content-Length': body.length,
        Expect: '100-continue',
      },
    })
    const answered = new Promise<number | undefined>((done, fail) => {
      outgoing.on('error', fail)
      outgoing.on('response', incoming => {
        incoming.resume()
        done(incoming.statusCode)
      })
    })
    // as a client that never sends the body unasked
    outgoing.flushHeaders()
    await Promise.race([once(outgoing, 'continue'), answered])
    outgoing.end(body)
    t.equal(await answered, 200, method)
    t.match(arrived.at(-1), { method, length: body.length, sha256 })
  }
  t.equal(arrived.length, 2, 'each once')
})

function chunked(body: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length; at += 70_001) {
    const part = body.subarray(at, at + 70_001)
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part)
    parts.push(Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
}

void t.test('headers and cookies', async t => {
  const { server, arrived } = recorder()
  const { port } = await httpdBefore(t, server, options)
  const headers: [string, string][] = [
    ['Cookie', '__ac="abc%3D=="; zope_route=zope1; a=b=c; empty=; \xfc=1'],
    ['X-Long', 'x'.repeat(8_100)],
    ['X-Bytes', 'caf\xe9 \xc3\xa9 "quoted", a;b'],
    ['Authorization', 'Basic YWRtaW46YWRtaW4='],
    ['Accept-Language', 'de, en;q=0.5'],
    ['If-None-Match', '"a", W/"b"'],
    ['Range', 'bytes=0-9'],
  ]
  t.equal(
    await status(
      port,
      request(
        'GET /h HTTP/1.1',
        headers.map(([name, value]) => `${name}: ${value}`),
      ),
    ),
    206,
    'httpd cuts the range itself when Zope does not',
  )
  const came = arrived[0]?.headers ?? []
  for (const [name, value] of headers)
    t.equal(
      came[came.indexOf(name) + 1],
      value,
      `${name} of ${value.length} bytes`,
    )
  // 100 headers of 8 kB are httpd's limit (LimitRequestFields, …FieldSize)
  const answer = await status(
    port,
    request(
      'GET /h HTTP/1.1',
      Array.from({ length: 6 }, (_, at) => `X-${at}: ${'y'.repeat(8_000)}`),
    ),
  )
  t.equal(answer, 200)
  t.equal(arrived[1]?.headers.filter(it => it === 'y'.repeat(8_000)).length, 6)
})

void t.test('nothing leaves the path of the site', async t => {
  const { server, arrived } = recorder()
  const { port } = await httpdBefore(t, server, options)
  const targets = [
    '/..',
    '/../',
    '/../../Other',
    '/%2e%2e/Other',
    '/%2E%2E/%2e%2e/Other',
    '/.%2e/Other',
    '/%2e./Other',
    '/a/../../Other',
    '/a/%2e%2e/%2e%2e/Other',
    '/a/..%2f..%2fOther',
    '/..%2fOther',
    '/..%5cOther',
    '/..;/Other',
    '//../Other',
    '/./../Other',
    '/%252e%252e/Other',
    '/..%00/Other',
    '/..%0d%0a/Other',
    '/%c0%ae%c0%ae/Other',
    '/VirtualHostBase/http/evil.example.net:80/Other/VirtualHostRoot/x',
    '/x/VirtualHostRoot/y',
    '/VirtualHostRoot/_vh_evil/x',
    '/_vh_evil/x',
    '/a/_vh_evil',
    '/VirtualHostRoot',
    '/%56irtualHostRoot/x',
    '/_vh%5Fevil/x',
    'http://evil.example.net/x',
    'http://www.example.org/../Other',
    'http://evil.example.net:99/%2e%2e/Other',
    'https://www.example.org/x',
    'ftp://evil.example.net/x',
    'balancer://zf.zope1/VirtualHostBase/http/x:80/Other',
    'evil.example.net:80',
    '*',
    'x',
    '?x',
    '/\\..\\Other',
    '@evil.example.net/x',
    '//evil.example.net/x',
    '/:80/x',
    '/@evil.example.net/x',
  ]
  const hosts = [
    'www.example.org',
    'evil.example.net',
    'www.example.org:99',
    'www.example.org/../Other',
    'x/VirtualHostRoot',
    'evil:80/Other/VirtualHostRoot',
    '[::1]',
    '[::1',
    'a b',
    '%2e%2e',
    '..',
    'x'.repeat(300),
    '',
  ]
  let passed = 0
  const seen = new Map<string, number>()
  for (const method of ['GET', 'POST', 'OPTIONS'])
    for (const target of targets)
      for (const host of target === targets[0] || method === 'GET'
        ? hosts
        : hosts.slice(0, 2)) {
        const before = arrived.length
        const answer = await status(
          port,
          request(`${method} ${target} HTTP/1.1`, [
            `Host: ${host}`,
            ...(method === 'POST' ? ['Content-Length: 0'] : []),
          ]),
        )
        const what = `${method} ${target} of ${host.slice(0, 40)}`
        seen.set(`${answer}`, (seen.get(`${answer}`) ?? 0) + 1)
        for (const { url } of arrived.slice(before)) {
          passed++
          const rest = url.slice(base.length)
          if (
            !url.startsWith(`${base}/`) ||
            /(?:^|\/)(?:\.|%2e){2}(?:\/|\?|$)/i.test(
              rest.split('?')[0] ?? '',
            ) ||
            /VirtualHost|_vh_/.test(rest)
          )
            t.fail(what, { url })
        }
      }
  t.ok(passed > 0)
  t.comment(
    `${passed} reached the backend, all of them below the site; answers: ${[...seen].map(([code, count]) => `${count} × ${code}`).join(', ')}`,
  )
})
