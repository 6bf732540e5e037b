// Every path reaches Zope as the visitor wrote it, and what is no page of the
// site does not reach it (apache-facts 3b on httpd 2.4.71).
import { connect } from 'node:net'
import t from 'tap'
import { startSite } from '../../../lab/site.ts'

/** Bytes in, bytes out, until httpd closes: no client library fixes the path. */
async function exchange(port: number, text: string): Promise<string> {
  return new Promise((done, fail) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.setEncoding('latin1')
    socket.on('data', chunk => {
      answer += chunk.toString()
    })
    socket.on('end', () => done(answer))
    socket.on('error', fail)
    socket.end(Buffer.from(text, 'latin1'))
  })
}

const get = async (port: number, target: string): Promise<string> =>
  exchange(
    port,
    `GET ${target} HTTP/1.1\r\nHost: evil.example.net\r\nConnection: close\r\n\r\n`,
  )

const urlOf = (answer: string): string | undefined =>
  /"url":"([^"]*)"/.exec(answer)?.[1]

/** httpd writes %3f for %3F, which RFC 3986 calls the same. */
const sameCase = (url: string | undefined): string | undefined =>
  url?.replace(/%[\da-f]{2}/gi, escaped => escaped.toUpperCase())

void t.test('paths arrive byte for byte', async t => {
  const site = await startSite(t)
  const { port } = site.httpd
  const base = `/VirtualHostBase/http/www.example.org:${port}/Plone/VirtualHostRoot`
  const same = [
    '/echo/a%20b',
    '/echo/a%3Fb',
    '/echo/a%25b',
    '/echo/a%23b',
    '/echo/%C3%BCber',
    '/echo/a;b=c',
    '/echo/a:b@c,d!e',
    '/echo/?a=b&c=%3F%25%20+d',
    '/echo/a%3Fb?c=d?e',
  ]
  for (const path of same)
    t.equal(sameCase(urlOf(await get(port, path))), sameCase(base + path), path)
  const others: [string, string][] = [
    // httpd merges slashes unless MergeSlashes is Off
    ['/echo//a', '/echo/a'],
    ['/echo/a/../b', '/echo/b'],
    // written differently, the same path
    ['/echo/%61', '/echo/a'],
    ['/echo/%7Ea', '/echo/~a'],
    // an absolute URI names no other host
    ['http://evil.example.net/echo/x', '/echo/x'],
  ]
  for (const [path, arrived] of others)
    t.equal(urlOf(await get(port, path)), base + arrived, path)
  t.match(await get(port, '/echo/a%2Fb'), /^HTTP\/1\.1 404 /, '%2F')
  t.comment(`${same.length + others.length + 1} paths`)
})

void t.test('no way past the site', async t => {
  const site = await startSite(t)
  const { port } = site.httpd
  const rest = 'HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
  for (const [line, answer] of [
    ['CONNECT 127.0.0.1:25', /^HTTP\/1\.1 405 /],
    ['CONNECT www.example.org:80', /^HTTP\/1\.1 405 /],
    ['OPTIONS *', /^HTTP\/1\.1 200 /],
    ['GET /../../etc/passwd', /^HTTP\/1\.1 400 /],
    ['GET /%00', /^HTTP\/1\.1 404 /],
    ['GET /server-status?auto', /^HTTP\/1\.1 200 OK[^]*BusyWorkers/],
    ['GET /.zope-failover/x', /^HTTP\/1\.1 404 /],
  ] as const)
    t.match(await exchange(port, `${line} ${rest}`), answer, line)
  for (const backend of site.backends) t.equal(backend.begun().size, 0)
  t.strictSame(
    site.httpd.accessLog().filter(it => it.backend !== '-'),
    [],
    'nothing of it reached a backend',
  )
})

void t.test('bytes that end a line do not confuse the map', async t => {
  const site = await startSite(t, { conf: ['--affinity=url'] })
  const { port } = site.httpd
  const paths = ['/echo/%0Ab', '/echo/%0Db', '/echo/b%0A', '/echo/%FF%FE']
  for (const path of paths)
    t.equal(
      sameCase(urlOf(await get(port, path))?.replace(/.*VirtualHostRoot/, '')),
      sameCase(path),
    )
  await site.httpd.stop()
  t.ok(site.httpd.accessLog().every(({ via }) => via === 'map'))
})
