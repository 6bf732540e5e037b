// Maps a request to the status port to what it may get. Pure.

export type Request = {
  readonly method: string | undefined
  /** as in the request line */
  readonly url: string | undefined
  /** the Host header */
  readonly host: string | undefined
  /** the Origin header: where the requesting page is from, by the browser */
  readonly origin?: string | undefined
  /** the Sec-Fetch-Site header: how that relates to this site */
  readonly site?: string | undefined
}

type Route =
  | { readonly kind: 'served'; readonly path: string }
  /** whether the front or a backend is up */
  | {
      readonly kind: 'up'
      /** as written in the path; undefined = the front */
      readonly backend: string | undefined
      /** the status for a backend in drain */
      readonly drained: 404 | 503
    }
  /** both as written in the path */
  | {
      readonly kind: 'order'
      readonly backend: string
      readonly action: string
    }
  | {
      readonly kind: 'refused'
      readonly status: number
      readonly text: string
      /** the Allow header */
      readonly allow?: string
    }

/** What exists. */
type Routes = {
  readonly paths: ReadonlySet<string>
  /** hosts in lowercase, without port */
  readonly names: ReadonlySet<string>
  /** whether POST /backends/NAME/ACTION exists */
  readonly acceptsActions: boolean
}

/**
 * Only GET and HEAD of exactly these paths, with any query, and only for a known
 * host name: a foreign web page can point its own name here (DNS rebinding) and
 * would then be allowed to read the answer. That does not work with an address. An
 * action is a POST, and only from our own page.
 */
export function route(request: Request, routes: Routes): Route {
  const { method, url = '', host } = request
  const { paths, names, acceptsActions } = routes
  if (!isOurs(host, names))
    return refused(
      421,
      'Unknown host name: use an address or localhost, or list the name in status.hosts.',
    )
  const path = url.replace(/\?.*$/s, '')
  const [, backend, action] =
    (acceptsActions && /^\/backends\/([^/]+)\/([^/]+)$/.exec(path)) || []
  if (backend !== undefined && action !== undefined) {
    if (method !== 'POST')
      return notAllowed('Only POST is allowed here.', 'POST')
    return isForeign(request)
      ? refused(
          403,
          'Actions are accepted from this page only: Origin must match Host. Behind a proxy, set ProxyPreserveHost On.',
        )
      : { kind: 'order', backend, action }
  }
  if (method !== 'GET' && method !== 'HEAD')
    return notAllowed('Only GET and HEAD are allowed here.', 'GET, HEAD')
  const up = /^\/up(?:\/([^/]+))?$/.exec(path)
  if (up !== null) {
    const isSoft = /[?&]drain=404(?:&|$)/.test(url)
    return { kind: 'up', backend: up[1], drained: isSoft ? 404 : 503 }
  }
  return paths.has(path)
    ? { kind: 'served', path }
    : refused(
        404,
        `Not found. Available: ${[...paths, '/up', '/up/NAME'].join(' ')}`,
      )
}

function refused(status: number, text: string): Route {
  return { kind: 'refused', status, text }
}

function notAllowed(text: string, allow: string): Route {
  return { kind: 'refused', status: 405, text, allow }
}

/** Every browser sends at least one of these headers; other programs may not. */
function isForeign({ origin, site, host = '' }: Request): boolean {
  if (site !== undefined && site !== 'same-origin') return true
  // a proxy may speak https for us
  return (
    origin !== undefined &&
    origin.toLowerCase().replace(/^https?:\/\//, '') !== host.toLowerCase()
  )
}

/** HTTP/1.0 needs no Host, and no browser uses it. */
function isOurs(host: string | undefined, names: ReadonlySet<string>): boolean {
  if (host === undefined) return true
  const name = host.toLowerCase().replace(/:\d*$/, '')
  return (
    names.has(name) ||
    name === 'localhost' ||
    /^\d{1,3}(\.\d{1,3}){3}$/.test(name) ||
    /^\[[\da-f:.]+\]$/.test(name)
  )
}
