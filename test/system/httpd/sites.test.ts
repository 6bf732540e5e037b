// Sites with their own rules around the generated ones: whatever they scope
// by URI, the second chance and the maintenance page meet the visitor's URI.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import {
  Agent,
  createServer,
  request,
  type IncomingHttpHeaders,
} from 'node:http'
import { connect, type ClientHttp2Session } from 'node:http2'
import { createServer as createTcpServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { apacheConf } from '../../../lab/apache-conf.ts'
import {
  loadModules,
  startHttpd,
  type AccessLine,
  type Httpd,
} from '../../../lab/httpd.ts'
import { freePort, publicDirectory, until } from '../../../lab/processes.ts'

type Arrival = {
  readonly backend: string
  readonly method: string
  readonly url: string
  readonly user: string | undefined
}

type Answer = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** what reached a backend, in order */
  readonly arrivals: readonly Arrival[]
  readonly line: AccessLine
}

type Asked = {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

type Client = (
  port: number,
  target: string,
  asked: Asked,
) => Promise<Omit<Answer, 'arrivals' | 'line'>>

type Site = {
  readonly httpd: Httpd
  readonly directory: string
  readonly root: string
  readonly ask: (target: string, asked?: Asked, by?: Client) => Promise<Answer>
}

const names = ['zope1', 'zope2', 'zope3']
const base = '/VirtualHostBase/http/www.example.org:80/Plone/VirtualHostRoot'

// -- Backends: a stand-in, for a real Zope cannot be made to break off at will --

/**
 * The header X-Fault says what becomes of a request at the first backend that
 * gets it; X-Faults, at each one ("A, then B"). X-Answer holds headers of the good answer.
 */
async function startBackend(
  t: Test,
  name: string,
  arrivals: Map<string, Arrival[]>,
): Promise<number> {
  const server = createTcpServer(socket => {
    let head = ''
    socket.setEncoding('latin1')
    socket.on('error', () => {})
    socket.on('data', chunk => {
      if (head.includes('\r\n\r\n')) return
      head += chunk.toString()
      if (head.includes('\r\n\r\n')) answer(socket, name, head, arrivals)
    })
  })
  const port = await freePort()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return port
}

function answer(
  socket: Socket,
  name: string,
  head: string,
  arrivals: Map<string, Arrival[]>,
): void {
  const [first = '', ...rest] = head.split('\r\n')
  const [method = '', url = ''] = first.split(' ')
  const header = (wanted: string): string | undefined =>
    rest
      .find(line => line.toLowerCase().startsWith(`${wanted.toLowerCase()}:`))
      ?.slice(wanted.length + 1)
      .trim()
  const id = header('X-Request') ?? ''
  const before = arrivals.get(id) ?? []
  arrivals.set(id, [
    ...before,
    { backend: name, method, url, user: header('X-User') },
  ])
  const faults = header('X-Faults')?.split(', then ')
  const fault =
    faults?.[Math.min(before.length, faults.length - 1)] ??
    (before.length === 0 ? header('X-Fault') : undefined)
  const began = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n'
  if (fault === 'hang up') return void socket.destroy()
  if (fault === 'long')
    return void socket.end(`${began}X: ${'x'.repeat(70_000)}\r\n\r\n`)
  if (fault === 'no colon') return void socket.end(`${began}nonsense\r\n\r\nx`)
  if (fault === 'cut') return void socket.end(`${began}X-Cu`)
  if (header('Expect') !== undefined) return
  if (header('If-None-Match') === '"1"')
    return void socket.end('HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n')
  const body = `${name} for ${id}\n`
  const extra = header('X-Answer')?.split('|') ?? []
  socket.end(
    `${[`${began}Content-Length: ${body.length}`, `X-Backend: ${name}`, ...extra].join('\r\n')}\r\n\r\n${method === 'HEAD' ? '' : body}`,
  )
}

// -- Clients -------------------------------------------------------------------

const overHttp1 =
  (agent: Agent | false): Client =>
  (port, target, { method = 'GET', headers = {}, body }) =>
    new Promise((done, fail) => {
      const outgoing = request(
        { host: '127.0.0.1', port, path: target, agent, method, headers },
        response => {
          let text = ''
          response.on('data', (chunk: Buffer) => {
            text += chunk.toString()
          })
          response.on('error', fail)
          response.on('end', () =>
            done({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: text,
            }),
          )
        },
      )
      outgoing.on('error', fail)
      outgoing.end(body)
    })

const fresh = overHttp1(false)

/** Each request is the second one of a connection. */
const kept: Client = async (port, target, asked) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = overHttp1(agent)
  try {
    await ask(port, '/static.txt', {})
    return await ask(port, target, asked)
  } finally {
    agent.destroy()
  }
}

const overHttp2: Client = (
  port,
  target,
  { method = 'GET', headers = {}, body },
) =>
  new Promise((done, fail) => {
    const session: ClientHttp2Session = connect(`http://127.0.0.1:${port}`)
    session.on('error', fail)
    const stream = session.request({
      ':path': target,
      ':method': method,
      ':authority': headers['Host'] ?? 'www.example.org',
      ...Object.fromEntries(
        Object.entries(headers)
          .filter(([name]) => name !== 'Host')
          .map(([name, value]) => [name.toLowerCase(), value]),
      ),
    })
    let text = ''
    let status = 0
    let found: IncomingHttpHeaders = {}
    stream.on('response', ({ ':status': it, ...others }) => {
      status = it ?? 0
      found = others
    })
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    stream.on('error', fail)
    stream.on('end', () => {
      session.close()
      done({ status, headers: found, body: text })
    })
    stream.end(body)
  })

const clients: Record<string, Client> = {
  fresh,
  'kept alive': kept,
  'HTTP/2': overHttp2,
}

// -- The site ------------------------------------------------------------------

const own = (volto: number): string => `
DocumentRoot "\${SRVROOT}/htdocs"
ErrorDocument 503 /system/maintenance.html
RewriteEngine On
# the usual maintenance page, for those who ask for it here
RewriteCond "%{HTTP:X-Trick}" "."
RewriteCond "%{DOCUMENT_ROOT}/system/maintenance.html" -f
RewriteCond "%{REQUEST_URI}" "!^/system/"
RewriteRule "^" "-" [R=503,L]
RewriteRule "^/system/" "-" [END]
RewriteRule "^/static" "-" [END]
# no dot paths
RewriteRule "(^|/)\\.(?!well-known)" "-" [F]
# an edit host
RewriteCond "%{HTTP_HOST}" "^edit\\."
RewriteCond "%{HTTP_COOKIE}" "!__ac="
RewriteCond "%{REQUEST_URI}" "!^/login"
RewriteRule "^" "http://www.example.org%{REQUEST_URI}" [R,L]
# Volto for all but /api
RewriteCond "%{HTTP_HOST}" "^volto\\."
RewriteCond "%{REQUEST_URI}" "!^/api"
RewriteRule "^/(.*)" "http://127.0.0.1:${volto}/$1" [P,L]
# a rule that changes path and query
RewriteRule "^/search$" "/@@search?lang=de" [QSA]
RequestHeader unset X-User
<LocationMatch "^/login">
  AuthType Basic
  AuthName site
  AuthBasicProvider file
  AuthUserFile "\${SRVROOT}/users"
  Require valid-user
  RequestHeader set X-User "expr=%{REMOTE_USER}"
</LocationMatch>
`

const caching = (root: string, isQuick: boolean): string => `
CacheRoot ${root}/cache
CacheEnable disk /
CacheQuickHandler ${isQuick ? 'On' : 'Off'}
CacheHeader On
`

const login = { Authorization: `Basic ${btoa('alice:secret')}` }

async function startSite(
  t: Test,
  options: {
    cache?: 'quick' | 'late'
    /** left out: sentinel, which needs no program */
    style?: 'prg' | 'sentinel'
    conf?: readonly string[]
    count?: number
    /** false: no rules but the generated ones */
    hasOwnRules?: boolean
  } = {},
): Promise<Site> {
  const root = publicDirectory(t)
  const directory = `${root}/run`
  for (const it of ['run', 'cache', 'htdocs', 'htdocs/system'])
    mkdirSync(`${root}/${it}`)
  if (process.getuid?.() === 0)
    // the map program becomes the owner of its directory
    for (const it of ['cache', 'run']) chownSync(`${root}/${it}`, 33, 33)
  writeFileSync(`${root}/htdocs/static.txt`, 'httpd itself\n')
  writeFileSync(
    `${root}/htdocs/system/maintenance.html`,
    'the site is closed\n',
  )
  const sha = createHash('sha1').update('secret').digest('base64')
  writeFileSync(`${root}/users`, `alice:{SHA}${sha}\n`)
  const arrivals = new Map<string, Arrival[]>()
  const used = names.slice(0, options.count ?? 3)
  const backends: string[] = []
  for (const name of used) {
    writeFileSync(`${directory}/${name}.up`, '')
    backends.push(
      `  ${name}: http://127.0.0.1:${await startBackend(t, name, arrivals)}\n`,
    )
  }
  const volto = createServer((_request, response) => {
    response.end('Volto\n')
  })
  const voltoPort = await freePort()
  volto.listen(voltoPort, '127.0.0.1')
  await once(volto, 'listening')
  t.teardown(() => {
    volto.close()
    volto.closeAllConnections()
  })
  const config = `${root}/zope-failover.yaml`
  writeFileSync(
    config,
    `directory: ${directory}\nbackends:\n${backends.join('')}`,
  )
  const conf = apacheConf(
    config,
    `--style=${options.style ?? 'sentinel'}`,
    '--url=http://www.example.org',
    '--site=/Plone',
    ...(options.conf ?? []),
  )
  const httpd = await startHttpd(t, {
    conf:
      options.hasOwnRules === false
        ? conf
        : own(voltoPort).replaceAll('${SRVROOT}', root) + conf,
    extra: `${loadModules('http2 auth_basic authn_core authn_file authz_user setenvif cache cache_disk'.split(' '))}
Protocols h2c http/1.1
${options.cache === undefined ? '' : caching(root, options.cache === 'quick')}`,
  })
  let count = 0
  return {
    httpd,
    directory,
    root,
    ask: async (target, asked = {}, by = fresh) => {
      const id = `r${++count}`
      const got = await by(httpd.port, target, {
        ...asked,
        headers: {
          Host: 'www.example.org',
          ...asked.headers,
          'X-Request': id,
        },
      })
      const line = await until('the log line', () =>
        httpd.accessLog().find(it => it.id === id),
      )
      return { ...got, arrivals: arrivals.get(id) ?? [], line }
    },
  }
}

/** httpd writes %3f for %3F, which RFC 3986 calls the same. */
const sameCase = (url: string): string =>
  url.replace(/%[\da-f]{2}/gi, escaped => escaped.toUpperCase())

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
  '/a.b/c..d/e...',
  '/.well-known/x',
  '/?a=b&c=%3F%25%20+d&e=%2F..%2F&f=%C3%BC&;;',
  '/x?',
  '/x??',
  '/x?a=/../../&b=//',
  '/x?%zz',
  '/%25%7Breqenv:ZF_ANSWER%7D?%{reqenv:ZF_ANSWER}',
  `/${'long/'.repeat(1_400)}end`,
  `/q?${'x'.repeat(7_000)}`,
]

const isServed = ({ arrivals, line }: Answer): boolean =>
  arrivals.length === 2 && line.zope === '200' && line.again !== '-'

/** The rules around the choice are the same in all styles; prg has most of them. */
const shapes = [
  { style: 'sentinel' },
  { style: 'sentinel', cache: 'quick' },
  { style: 'sentinel', cache: 'late' },
  { style: 'prg' },
  { style: 'prg', cache: 'quick' },
] as const

for (const shape of shapes)
  void t.test(
    `every path by every client: ${Object.values(shape).join(', ')}`,
    async t => {
      const site = await startSite(t, shape)
      const marks = new URLSearchParams()
      let asked = 0
      for (const [what, by] of Object.entries(clients))
        for (const [kind, options] of [
          ['GET', {}],
          ['HEAD', { method: 'HEAD' }],
          ['Range', { headers: { Range: 'bytes=2-3' } }],
        ] as const)
          for (const target of kind === 'GET' ? targets : targets.slice(0, 6)) {
            const label = `${what}, ${kind} ${target.slice(0, 40)}`
            const got = await site.ask(
              target,
              {
                ...options,
                headers: {
                  ...('headers' in options ? options.headers : {}),
                  'X-Fault': 'hang up',
                },
              },
              by,
            )
            asked++
            t.equal(got.status, kind === 'Range' ? 206 : 200, label)
            t.ok(isServed(got), `${label}: by a second chance`)
            t.equal(
              got.line.via,
              shape.style === 'prg' ? 'map' : 'sentinels',
              label,
            )
            for (const { url } of got.arrivals)
              if (sameCase(url) !== sameCase(base + target))
                t.equal(url, base + target, label)
            const [, second] = got.arrivals
            const page = `${second?.backend} for ${got.line.id}\n`
            t.equal(
              got.body,
              kind === 'HEAD' ? '' : kind === 'Range' ? page.slice(2, 4) : page,
              label,
            )
            marks.set(got.line.again, '')
          }
      t.comment(`${asked} requests; ${[...marks.keys()].join(', ')}`)
    },
  )

void t.test('a page of one visitor is never given to another', async t => {
  for (const cache of ['quick', 'late'] as const) {
    const site = await startSite(t, { cache })
    const shared = { 'X-Answer': 'Cache-Control: public, max-age=60' }
    for (const [what, by] of Object.entries(clients))
      for (const name of ['alice', 'bob']) {
        const target = `/${what.replaceAll(/\W/g, '')}/${name}?a=${name}`
        const headers = { ...shared, 'X-Fault': 'hang up' }
        const first = await site.ask(target, { headers }, by)
        t.match(first.body, ` for ${first.line.id}\n`, `${target} is its own`)
        t.match(first.headers['x-cache'], /^MISS/)
        t.equal(first.headers['set-cookie'], undefined)
        const next = await site.ask(target, { headers: shared }, by)
        // once httpd has been about to close, it lets no cache keep the answer
        if (what === 'fresh') t.equal(next.body, first.body, 'from the cache')
        else t.match(next.body, ` for ${next.line.id}\n`)
        t.equal(next.headers['set-cookie'], undefined)
      }
    // a page without any mark is kept all the same, but not its cookie
    const tagged = { headers: { 'X-Answer': 'ETag: "2"' } }
    const first = await site.ask('/tagged', tagged)
    t.match(first.headers['set-cookie'], [/^zope_route=zope1;/])
    const next = await site.ask('/tagged')
    t.match(next.headers['x-cache'], /^HIT/)
    t.equal(next.headers['set-cookie'], undefined)
    // what a cache holds for a GET is no answer to a POST that failed
    for (const [what, by] of Object.entries(clients)) {
      const post = await site.ask(
        '/tagged',
        { method: 'POST', body: 'a=b', headers: { 'X-Fault': 'hang up' } },
        by,
      )
      t.equal(post.status, 502, what)
      t.match(post.body, 'Back in a moment')
      t.match(post.headers['cache-control'], 'no-store')
      t.equal(post.arrivals.length, 1)
    }
  }
})

void t.test('a stale page in the cache', async t => {
  for (const cache of ['quick', 'late'] as const) {
    const site = await startSite(t, { cache })
    const stale = 'Cache-Control: public, max-age=0|ETag: "1"'
    await site.ask('/stale', { headers: { 'X-Answer': stale } })
    const fault = { 'X-Fault': 'hang up', 'X-Answer': stale }
    const got = await site.ask('/stale', { headers: fault })
    t.equal(got.status, 200, 'a 304 would be no answer to this')
    t.match(got.body, / for r\d\n/)
    const other = await site.ask('/stale', {
      headers: { ...fault, 'If-None-Match': '"old"' },
    })
    t.equal(other.status, 200)
    const same = await site.ask('/fresh', {
      headers: { ...fault, 'If-None-Match': '"1"' },
    })
    t.equal(same.status, 304, 'asked for, and true')
    t.equal(same.arrivals.length, 2)
  }
})

void t.test('the route cookie on what a cache may keep', async t => {
  const site = await startSite(t)
  const year = new Date().getUTCFullYear()
  const now = new Date().toUTCString()
  for (const [isBound, answer] of [
    [true, ''],
    [true, 'Cache-Control: private, max-age=60'],
    [true, 'Cache-Control: max-age=0, must-revalidate, private'],
    [true, 'Cache-Control: no-store'],
    [true, 'Cache-Control: no-cache'],
    [true, 'Cache-Control: max-age=0, must-revalidate'],
    [
      true,
      `Cache-Control: max-age=0|Expires: Fri, 31 Dec ${year + 1} 23:59:59 GMT`,
    ],
    [true, 'Expires: Sat, 01 Jan 2000 00:00:00 GMT'],
    [true, 'Expires: 0'],
    [true, `Expires: ${now}|Date: ${now}`],
    [true, 'Last-Modified: Sat, 01 Jan 2000 00:00:00 GMT'],
    [true, 'Surrogate-Control: no-store'],
    [false, 'Cache-Control: public'],
    [false, 'Cache-Control: Public, Max-Age=60'],
    [false, 'Cache-Control: max-age=60'],
    [false, 'Cache-Control: max-age=0, s-maxage=3600, must-revalidate'],
    [false, 'Cache-Control: s-maxage=60'],
    [false, `Expires: Fri, 31 Dec ${year + 1} 23:59:59 GMT`],
    [false, 'Cache-Control: private|Surrogate-Control: max-age=60'],
    [false, 'CDN-Cache-Control: max-age=60'],
  ] as const)
    for (const fault of [{}, { 'X-Fault': 'hang up' }]) {
      const got = await site.ask('/page', {
        headers: { ...(answer === '' ? {} : { 'X-Answer': answer }), ...fault },
      })
      t.equal(got.status, 200)
      t.equal(got.headers['set-cookie'] !== undefined, isBound, answer)
    }
  const same = await site.ask('/page', { headers: { 'If-None-Match': '"1"' } })
  t.strictSame([same.status, same.headers['set-cookie']], [304, undefined])
})

void t.test('what a site scopes by path', async t => {
  for (const shape of shapes) {
    const site = await startSite(t, shape)
    const fault = { 'X-Fault': 'hang up' }
    for (const [what, by] of Object.entries(clients)) {
      const closed = await site.ask('/login/x', { headers: fault }, by)
      t.strictSame([closed.status, closed.arrivals], [401, []], what)
      const headers = { ...login, ...fault, 'X-User': 'mallory' }
      const inside = await site.ask('/login/x?a=b', { headers }, by)
      t.equal(inside.status, 200)
      t.ok(isServed(inside))
      t.strictSame(
        inside.arrivals.map(({ user }) => user),
        ['alice', 'alice'],
        'both backends know who it is',
      )
      const outside = await site.ask('/x', { headers }, by)
      t.strictSame(
        outside.arrivals.map(({ user }) => user),
        [undefined, undefined],
      )
      const hidden = await site.ask('/.git/config', { headers: fault }, by)
      t.strictSame([hidden.status, hidden.arrivals], [403, []])
      const known = await site.ask('/.well-known/x', { headers: fault }, by)
      t.ok(isServed(known), 'a dot path that the site lets through')
      const edit = { ...fault, ...login, Host: 'edit.example.org' }
      const sent = await site.ask('/x', { headers: edit }, by)
      t.strictSame([sent.status, sent.arrivals], [302, []])
      t.ok(isServed(await site.ask('/login', { headers: edit }, by)))
      const volto = { ...fault, Host: 'volto.example.org' }
      t.equal((await site.ask('/x', { headers: volto }, by)).body, 'Volto\n')
      t.ok(isServed(await site.ask('/api/x', { headers: volto }, by)))
      const search = await site.ask('/search?q=x', { headers: fault }, by)
      t.strictSame(
        search.arrivals.map(({ url }) => url),
        [0, 1].map(() => `${base}/@@search?lang=de&q=x`),
        'what the first one got',
      )
    }
  }
})

void t.test('a visitor cannot make a pass of our own', async t => {
  const site = await startSite(t, { hasOwnRules: false })
  const names =
    'STATUS ZF_URI ZF_REST ZF_AGAIN ZF_ANSWER ZF_PATH ZF_SITE ZF_VIA ZF_HEAD ERROR_NOTES BALANCER_WORKER_ROUTE'.split(
      ' ',
    )
  const values: Record<string, string> = {
    STATUS: '502',
    ZF_SITE: 'default',
    ZF_ANSWER: 'zope2 zope3',
    ZF_AGAIN: 'zope1:502',
    ZF_VIA: 'map',
    ZF_HEAD: '1',
    BALANCER_WORKER_ROUTE: 'zope1',
  }
  const spelled: Record<string, (name: string) => string> = {
    underscores: name => `REDIRECT_${name}`,
    hyphens: name => `Redirect-${name.replaceAll('_', '-')}`,
    'without the prefix': name => name,
    'without the prefix, hyphens': name => name.replaceAll('_', '-'),
    'as a CGI variable': name => `HTTP_REDIRECT_${name}`,
  }
  const paths = [
    '/',
    '/page',
    '/.zope-failover',
    '/.zope-failover/',
    '/.zope-failover/again',
    '/.zope-failover/second',
    '/.zope-failover/page',
    '/.zope-failover/map',
    '/.zope-failover/again?REDIRECT_STATUS=502&ZF_AGAIN=zope1:502',
    '/%2Ezope-failover/second',
    '//.zope-failover//second',
    '/x%20/x',
    '/%0A/%0A',
    '/%25%7Benv:REDIRECT_ZF_URI%7D',
    '/?%{reqenv:REDIRECT_ZF_REST}',
    '/x?/x%20/x',
  ]
  for (const path of paths) {
    const normal = await site.ask(path)
    for (const [how, spell] of Object.entries(spelled)) {
      const forged = Object.fromEntries(
        names.map(name => [
          spell(name),
          values[name] ?? path.split('?')[0] ?? '',
        ]),
      )
      const { status, arrivals, line, body } = await site.ask(path, {
        headers: forged,
      })
      const what = `${path}, ${how}`
      t.equal(status, normal.status, what)
      t.ok([200, 404].includes(status), `${what}: ${status}`)
      t.strictSame(
        arrivals.map(({ backend, url }) => [backend, url]),
        normal.arrivals.map(({ backend, url }) => [backend, url]),
        'one backend, once, with the same path',
      )
      t.match(line, { again: '-', answer: normal.line.answer }, what)
      t.notMatch(body, /Additionally/)
    }
  }
  t.notMatch(site.httpd.errorLog(), /AH00124|internal redirects/, 'no loop')
})

void t.test('no backend is left', async t => {
  for (const cache of [undefined, 'quick', 'late'] as const) {
    const site = await startSite(t, cache === undefined ? {} : { cache })
    await site.ask('/kept', {
      headers: { 'X-Answer': 'Cache-Control: public, max-age=60' },
    })
    for (const name of names)
      writeFileSync(`${site.directory}/${name}.maint`, '')
    for (const [what, by] of Object.entries(clients))
      for (const [method, target, body] of [
        ['GET', '/x?y'],
        ['HEAD', '/x'],
        ['GET', '/.well-known/x'],
        ['GET', '/api/x'],
        ['GET', '/login', ''],
        ['POST', '/kept', 'a=b'],
        ['PUT', '/x', 'x'.repeat(100_000)],
        ['DELETE', '/x'],
        ['OPTIONS', '/x'],
        ['PROPFIND', '/x'],
      ] as const) {
        const label = `${what}, ${method} ${target}`
        const got = await site.ask(
          target,
          {
            method,
            headers: {
              ...login,
              ...(target === '/api/x' ? { Host: 'volto.example.org' } : {}),
            },
            ...(body === undefined || body === '' ? {} : { body }),
          },
          by,
        )
        t.equal(got.status, 503, label)
        t.equal(got.headers['retry-after'], '30', label)
        t.equal(got.headers['cache-control'], 'no-store', label)
        t.equal(got.headers['set-cookie'], undefined)
        t.equal(got.body.includes('Back in a moment'), method !== 'HEAD', label)
        t.notMatch(got.body, 'Additionally')
        t.match(got.line, { again: '-', backend: '-', answer: 'NULL' })
        t.strictSame(got.arrivals, [])
      }
    t.notMatch(site.httpd.errorLog(), 'AH01167', 'no line for each of them')
    // a page of that moment only
    for (const name of names) rmSync(`${site.directory}/${name}.maint`)
    t.equal((await site.ask('/x?y')).status, 200)
  }
})

void t.test('both fail, each in each way', async t => {
  for (const shape of shapes) {
    const site = await startSite(t, shape)
    for (const [what, by] of Object.entries(clients))
      for (const fault of ['hang up', 'long', 'no colon', 'cut'])
        for (const method of ['GET', 'HEAD']) {
          const label = `${what}, ${method}: ${fault}`
          const headers = { 'X-Faults': fault }
          const got = await site.ask('/x', { method, headers }, by)
          const isHead = fault !== 'hang up'
          t.equal(got.status, isHead ? 502 : 503, label)
          t.equal(
            got.body.includes('Back in a moment'),
            method === 'GET',
            label,
          )
          t.notMatch(got.body, 'Additionally', label)
          t.equal(got.headers['retry-after'], '30', label)
          t.equal(got.headers['cache-control'], 'no-store', label)
          t.equal(got.arrivals.length, 2, label)
          t.notOk(isServed(got), 'the log does not call it saved')
          t.match(got.line, {
            zope: '-',
            again: /^(zope\d):502\/(?!\1)zope\d:502$/,
          })
        }
    for (const fault of ['long', 'no colon', 'cut']) {
      const headers = { 'X-Fault': fault }
      const got = await site.ask('/x', { headers })
      t.ok(isServed(got), `${fault}: the second one serves`)
      const post = await site.ask('/x', { method: 'POST', headers })
      t.match(post.line, { status: 502, zope: '-' })
      t.match(post.body, 'Back in a moment')
      t.equal(post.arrivals.length, 1)
    }
  }
})

void t.test('a hang-up and then a broken head is not called saved', async t => {
  const site = await startSite(t)
  for (const [what, by] of Object.entries(clients))
    for (const fault of ['long', 'no colon', 'cut']) {
      const headers = { 'X-Faults': `hang up, then ${fault}` }
      const got = await site.ask('/x', { headers }, by)
      t.equal(got.status, 502, `${what}: ${fault}`)
      t.equal(got.headers['cache-control'], 'no-store')
      t.match(got.line, {
        zope: '-',
        again: /^(zope\d):502\/(?!\1)zope\d:502$/,
      })
    }
})

void t.test("the site's own maintenance page", async t => {
  const site = await startSite(t)
  const headers = { 'X-Trick': '1' }
  for (const [what, by] of Object.entries(clients))
    for (const method of ['GET', 'POST']) {
      const got = await site.ask('/x', { method, headers }, by)
      t.strictSame([got.status, got.body], [503, 'the site is closed\n'], what)
      t.equal(got.headers['retry-after'], '30')
      t.strictSame(got.arrivals, [])
    }
  rmSync(`${site.root}/htdocs/system/maintenance.html`)
  t.equal((await site.ask('/x', { headers })).status, 200, 'and open again')
  for (const name of names) writeFileSync(`${site.directory}/${name}.maint`, '')
  const got = await site.ask('/x', { headers })
  t.equal(got.status, 503)
  t.match(got.body, 'Back in a moment', 'ours where the site has none')
})

void t.test("the site's own page when no Zope is left", async t => {
  const site = await startSite(t, {
    conf: ['--keep-error-document=503'],
    count: 2,
  })
  for (const name of names) writeFileSync(`${site.directory}/${name}.maint`, '')
  for (const [what, by] of Object.entries(clients))
    for (const method of ['GET', 'HEAD', 'POST']) {
      const got = await site.ask('/x', { method }, by)
      t.equal(got.status, 503, `${method} ${what}`)
      t.equal(got.body, method === 'HEAD' ? '' : 'the site is closed\n', what)
      t.equal(got.headers['retry-after'], '30')
      t.equal(got.headers['set-cookie'], undefined)
      t.strictSame(got.arrivals, [])
    }
  for (const name of names) rmSync(`${site.directory}/${name}.maint`)
  const headers = { 'X-Faults': 'hang up' }
  const both = await site.ask('/x', { headers })
  t.strictSame([both.status, both.body], [503, 'the site is closed\n'])
  const got = await site.ask('/x', { method: 'POST', headers })
  t.equal(got.status, 502)
  t.match(got.body, 'Back in a moment', 'it has no page for 502')
})
