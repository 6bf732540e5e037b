import { createServer } from 'node:http'
import t from 'tap'
import { Resolver } from '../../../probes/resolver.ts'
import { fetchPage } from '../../../probes/page.ts'
import { backendOf, listen } from '../../../lab/probed-backend.ts'

const { signal } = new AbortController()
const mebibyte = Buffer.alloc(1_048_576, 'x')

await t.test('an endless page is read up to the limit', async t => {
  let isClosed = false
  const server = createServer((_request, response) => {
    const write = (): void => {
      while (!isClosed && response.write(mebibyte));
    }
    response.on('drain', write)
    response.on('close', () => {
      isClosed = true
    })
    response.writeHead(200)
    write()
  })
  const port = await listen(t, server)
  const backend = backendOf(`http://127.0.0.1:${port}`, { maxBody: 1_000 })
  const { outcome, body } = await fetchPage(
    backend,
    '/',
    60_000,
    new Resolver(),
    signal,
  )
  t.same(outcome, { kind: 'pass', status: 200, bytes: 1_000 })
  t.equal(body.length, 1_000)
})

await t.test('a dripping response is given up in time', async t => {
  const server = createServer((_request, response) => {
    response.writeHead(200)
    const drip = setInterval(() => response.write('x'), 50)
    response.on('close', () => clearInterval(drip))
  })
  const port = await listen(t, server)
  const backend = backendOf(`http://127.0.0.1:${port}`, {})
  t.match(await fetchPage(backend, '/', 500, new Resolver(), signal), {
    outcome: { kind: 'timeout', limitMs: 500 },
  })
})

await t.test('any status, the host of the probe, no redirect', async t => {
  const asked: unknown[] = []
  const server = createServer((request, response) => {
    asked.push([request.method, request.url, request.headers.host])
    response.writeHead(302, { location: '/login' })
    response.end()
  })
  const port = await listen(t, server)
  const backend = backendOf(`http://127.0.0.1:${port}`, {
    host: 'www.example.org',
    status: '200',
    method: 'HEAD',
  })
  const { outcome, response } = await fetchPage(
    backend,
    '/VirtualHostBase/https/www.example.org:443/Plone/VirtualHostRoot/a%20b?c',
    60_000,
    new Resolver(),
    signal,
  )
  t.match(outcome, { kind: 'pass', status: 302 })
  t.equal(response?.headers.location, '/login')
  t.same(asked, [
    [
      'GET',
      '/VirtualHostBase/https/www.example.org:443/Plone/VirtualHostRoot/a%20b?c',
      'www.example.org',
    ],
  ])
})
