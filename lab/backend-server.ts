// A stand-in for a Zope: answers with its name, echoes requests, dies at once.
// node dist/lab/backend-server.js --name zope1 --port 8081 [--delay MS] [--journal
// FILE]
import { appendFileSync } from 'node:fs'
import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    name: { type: 'string', default: 'zope1' },
    host: { type: 'string', default: '127.0.0.1' },
    /** 0 = any; the one chosen is printed on stdout */
    port: { type: 'string', default: '0' },
    delay: { type: 'string', default: '0' },
    /** a line `begin ID` and `end ID` for each request, ID from X-Request */
    journal: { type: 'string' },
  },
})
const { name, journal } = values
const delayMs = Number(values.delay)

const server = createServer((request, response) => {
  void answer(request, response)
})

// like waitress: the sign of life needs no worker, and starts no request
server.on('checkContinue', (_request, response: ServerResponse) => {
  response.writeContinue()
})

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const id = request.headers['x-request']
  // written at once: a killed process cannot write later
  const record = (what: string): void => {
    if (journal !== undefined && id !== undefined)
      appendFileSync(journal, `${what} ${String(id)}\n`)
  }
  record('begin')
  let length = 0
  for await (const chunk of request) length += Buffer.byteLength(chunk)
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://zope')
  const path = pathname.replace(/^\/VirtualHostBase\/.*\/VirtualHostRoot/, '')
  const waitMs = Number(searchParams.get('delay') ?? delayMs)
  if (waitMs > 0) await new Promise(resolve => setTimeout(resolve, waitMs))
  response.setHeader('X-Backend', name)
  if (path.startsWith('/echo')) {
    response.setHeader('Content-Type', 'application/json')
    response.end(
      JSON.stringify({
        backend: name,
        method: request.method,
        url: request.url,
        headers: request.headers,
        length,
        // equal for two requests on one connection
        connection: request.socket.remotePort,
      }),
    )
  } else {
    // shared caches may keep this
    if (path.startsWith('/public'))
      response.setHeader('Cache-Control', 'public, max-age=3600')
    // /status/503 and the like: an error page from Zope itself
    const status = /^\/status\/([2-5]\d\d)$/.exec(path)?.[1]
    response.statusCode = Number(status ?? 200)
    response.setHeader('Content-Type', 'text/plain; charset=utf-8')
    response.end(`${name}\n`)
  }
  record('end')
}

// waitress closes an idle connection after 120 s (channel_timeout)
server.keepAliveTimeout = 120_000
server.listen(Number(values.port), values.host, () => {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : values.port
  process.stdout.write(`${name} listens on ${values.host}:${port}\n`)
})
server.on('error', err => {
  process.stderr.write(`${name}: ${err.message}\n`)
  process.exit(1)
})
process.on('SIGTERM', () => process.exit(0))
