// The status port. Whoever can reach it may be hostile: everything that one
// connection may take is limited, and none of it touches the monitor's thread.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Exposition } from './metrics-endpoint.ts'
import { orderDialog } from './dialog.ts'
import { upOfBackend, upOfFront } from '../status/front.ts'
import type { ReportCache } from './report-cache.ts'
import { OpenPages } from './event-stream.ts'
import { whoAndWhat } from './actions.ts'
import type { ActionHandler } from './actions.ts'
import { pageDocument } from './page.ts'
import { route } from './route.ts'

/** Of a process that may have a thousand descriptors, and needs them for probes. */
const maxConnections = 256
const unreadMs = 20_000

type Sources = {
  readonly live: ReportCache
  readonly pages: OpenPages
  readonly exposition: Exposition
  /** by whoever knows the token */
  readonly takesOrders: boolean
}

type Answer = (
  response: ServerResponse,
  sources: Sources,
) => void | Promise<void>

/** Everything there is; each sees to its own headers and end. */
const answers = new Map<string, Answer>([
  ['/', page],
  ['/events', events],
  ['/status.json', statusJson],
  ['/healthz', health],
  ['/metrics', metrics],
])
const paths = new Set(answers.keys())

/** Not yet listening; `close` ends the open pages, too. */
export function statusServer(
  live: ReportCache,
  exposition: Exposition,
  orders: ActionHandler,
): {
  readonly server: Server
  readonly close: () => void
} {
  const pages = new OpenPages(live)
  const server = createServer(
    {
      maxHeaderSize: 8_192,
      headersTimeout: 5_000,
      requestTimeout: 5_000,
      connectionsCheckingInterval: 1_000,
      keepAlive: true,
      keepAliveInitialDelay: 10_000,
    },
    (request, response) => {
      for (const [name, value] of common) response.setHeader(name, value)
      // nothing is kept for a second request; only an order has a body
      response.shouldKeepAlive = false
      const { method, url, headers } = request
      const { host, origin, 'sec-fetch-site': site } = headers
      const takesOrders = orders.areTaken()
      const routed = route(
        { method, url, host, origin, site: site?.toString() },
        { paths, names: names(), takesOrders },
      )
      switch (routed.kind) {
        case 'served':
          void answers.get(routed.path)?.(response, {
            live,
            pages,
            exposition,
            takesOrders,
          })
          return
        case 'up': {
          const report = live.report()
          const up =
            routed.backend === undefined
              ? upOfFront(report)
              : upOfBackend(report, routed.backend, routed.drained)
          text(response, up.status, up.text)
          return
        }
        case 'order':
          void takeOrder(response, orders, routed)
          return
        case 'refused':
          if (routed.allow !== undefined)
            response.setHeader('allow', routed.allow)
          if (takesOrders && method === 'POST')
            orders.refuse(whoAndWhat(request), routed)
          text(response, routed.status, routed.text)
      }
    },
  )
  const names = (): ReadonlySet<string> => {
    const { status } = live.config
    return new Set(
      status === undefined
        ? []
        : [status.listen.host, ...status.hosts].map(name => name.toLowerCase()),
    )
  }
  server.maxConnections = maxConnections
  // nor is one that came together with the first
  server.maxRequestsPerSocket = 1
  // of who does not read his answer; an open page is written to each second
  server.setTimeout(unreadMs)
  server.on('clientError', refuseGarbage)
  return {
    server,
    close: () => {
      pages.stop()
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Ends it at once: who sends such things need not be waited for. */
function refuseGarbage(error: NodeJS.ErrnoException, socket: Socket): void {
  const status = garbage.get(error.code) ?? '400 Bad Request'
  if (socket.writable && error.code !== 'ECONNRESET')
    socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`)
  socket.destroySoon()
}

const garbage = new Map<string | undefined, string>([
  ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout'],
])

const css = asset('browser.css')
const script = asset('browser.js')
const ordersScript = asset('browser-actions.js')

/** A folder of the source as of the build: the page's own files lie beside. */
function asset(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8')
}

const common: readonly (readonly [string, string])[] = [
  ['cache-control', 'no-store'],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-resource-policy', 'same-origin'],
  [
    'content-security-policy',
    `default-src 'none'; style-src '${hashOf(css)}'; script-src '${hashOf(script)}' '${hashOf(ordersScript)}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  ],
]

function hashOf(source: string): string {
  return `sha256-${createHash('sha256').update(source).digest('base64')}`
}

function page(response: ServerResponse, { live, takesOrders }: Sources): void {
  const document = pageDocument(
    live.sheet(),
    live.report(),
    css,
    script,
    takesOrders ? { dialog: orderDialog, script: ordersScript } : undefined,
  )
  respond(response, 200, 'text/html; charset=utf-8', document)
}

async function takeOrder(
  response: ServerResponse,
  orders: ActionHandler,
  target: { readonly backend: string; readonly action: string },
): Promise<void> {
  const reply = await orders.take(response.req, target)
  if (reply === undefined) return
  for (const [name, value] of Object.entries(reply.headers))
    response.setHeader(name, value)
  text(response, reply.status, reply.text)
}

function statusJson(response: ServerResponse, { live }: Sources): void {
  const body = `${JSON.stringify(live.report())}\n`
  respond(response, 200, 'application/json', body)
}

/** Whether somebody judges the backends, not whether they are well. */
function health(response: ServerResponse, { live }: Sources): void {
  const { monitor } = live.report()
  if (monitor.kind === 'alive') text(response, 200, 'ok')
  else text(response, 503, `monitor: ${monitor.kind}`)
}

function events(response: ServerResponse, { pages }: Sources): void {
  response.setHeader('content-type', 'text/event-stream')
  if (response.req.method === 'HEAD') response.end()
  else if (!pages.add(response)) {
    response.setHeader('retry-after', '10')
    text(response, 503, 'Too many pages are open.')
  }
}

async function metrics(
  response: ServerResponse,
  { exposition }: Sources,
): Promise<void> {
  respond(response, 200, exposition.contentType, await exposition.text())
}

function text(response: ServerResponse, status: number, body: string): void {
  respond(response, status, 'text/plain; charset=utf-8', `${body}\n`)
}

function respond(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}
