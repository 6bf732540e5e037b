// The status port. Clients may be hostile: all resources of a connection are
// limited, and nothing here runs in the monitor's thread.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { MetricsEndpoint } from './metrics-endpoint.ts'
import { actionDialog } from './dialog.ts'
import { upOfBackend, upOfFront } from '../status/front.ts'
import type { ReportCache } from './report-cache.ts'
import { OpenPages } from './event-stream.ts'
import { requestOrigin, type ActionHandler } from './actions.ts'
import { pageDocument } from './page.ts'
import { route } from './route.ts'

/** The process may have a thousand descriptors and needs them for probes. */
const maxConnections = 256
const unreadMs = 20_000

type Sources = {
  readonly reports: ReportCache
  readonly pages: OpenPages
  readonly metricsEndpoint: MetricsEndpoint
  /** a usable token exists */
  readonly acceptsActions: boolean
}

type Answer = (
  response: ServerResponse,
  sources: Sources,
) => void | Promise<void>

/** All paths; each handler sets its own headers and ends the response. */
const answers = new Map<string, Answer>([
  ['/', page],
  ['/events', events],
  ['/status.json', statusJson],
  ['/healthz', health],
  ['/metrics', metrics],
])
const paths = new Set(answers.keys())

/** Does not listen yet; `close` also ends the open pages. */
export function statusServer(
  reports: ReportCache,
  metricsEndpoint: MetricsEndpoint,
  actions: ActionHandler,
): {
  readonly server: Server
  readonly close: () => void
} {
  const pages = new OpenPages(reports)
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
      // one request per connection; only an action has a body
      response.shouldKeepAlive = false
      const { method, url, headers } = request
      const { host, origin, 'sec-fetch-site': site } = headers
      const acceptsActions = actions.areTaken()
      const routed = route(
        { method, url, host, origin, site: site?.toString() },
        { paths, names: names(), acceptsActions },
      )
      switch (routed.kind) {
        case 'served':
          void answers.get(routed.path)?.(response, {
            reports,
            pages,
            metricsEndpoint,
            acceptsActions,
          })
          return
        case 'up': {
          const report = reports.report()
          const up =
            routed.backend === undefined
              ? upOfFront(report)
              : upOfBackend(report, routed.backend, routed.drained)
          text(response, up.status, up.text)
          return
        }
        case 'order':
          void handleAction(response, actions, routed)
          return
        case 'refused':
          if (routed.allow !== undefined)
            response.setHeader('allow', routed.allow)
          if (acceptsActions && method === 'POST')
            actions.refuse(requestOrigin(request), routed)
          text(response, routed.status, routed.text)
      }
    },
  )
  const names = (): ReadonlySet<string> => {
    const { status } = reports.config
    return new Set(
      status === undefined
        ? []
        : [status.listen.host, ...status.hosts].map(name => name.toLowerCase()),
    )
  }
  server.maxConnections = maxConnections
  // a pipelined second request is not answered either
  server.maxRequestsPerSocket = 1
  // for clients that do not read; an open page is written to every second
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

/** Closes the connection at once: such a client is not worth waiting for. */
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
const actionsScript = asset('browser-actions.js')

/** Works in the source and in the build: the page's files are next to this one. */
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
    `default-src 'none'; style-src '${hashOf(css)}'; script-src '${hashOf(script)}' '${hashOf(actionsScript)}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  ],
]

function hashOf(source: string): string {
  return `sha256-${createHash('sha256').update(source).digest('base64')}`
}

function page(
  response: ServerResponse,
  { reports, acceptsActions }: Sources,
): void {
  const document = pageDocument(
    reports.template(),
    reports.report(),
    css,
    script,
    acceptsActions
      ? { dialog: actionDialog, script: actionsScript }
      : undefined,
  )
  respond(response, 200, 'text/html; charset=utf-8', document)
}

async function handleAction(
  response: ServerResponse,
  actions: ActionHandler,
  target: { readonly backend: string; readonly action: string },
): Promise<void> {
  const reply = await actions.take(response.req, target)
  if (reply === undefined) return
  for (const [name, value] of Object.entries(reply.headers))
    response.setHeader(name, value)
  text(response, reply.status, reply.text)
}

function statusJson(response: ServerResponse, { reports }: Sources): void {
  const body = `${JSON.stringify(reports.report())}\n`
  respond(response, 200, 'application/json', body)
}

/** Whether the backends are being judged, not whether they are healthy. */
function health(response: ServerResponse, { reports }: Sources): void {
  const { monitor } = reports.report()
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
  { metricsEndpoint }: Sources,
): Promise<void> {
  respond(
    response,
    200,
    metricsEndpoint.contentType,
    await metricsEndpoint.text(),
  )
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
