// What a request to the status port may have. Pure.

export type Request = {
  readonly method: string | undefined
  /** as it stands in the request line */
  readonly url: string | undefined
  /** the Host header */
  readonly host: string | undefined
  /** the Origin header: what a browser says the page is from that asks */
  readonly origin?: string | undefined
  /** the Sec-Fetch-Site header, which says how far that is from here */
  readonly site?: string | undefined
}

export type Route =
  | { readonly kind: 'served'; readonly path: string }
  /** whether the front is up, or that backend */
  | {
      readonly kind: 'up'
      /** as it stands in the path; undefined = the front */
      readonly backend: string | undefined
      /** the status for a backend in drain */
      readonly drained: 404 | 503
    }
  /** both as they stand in the path */
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

/** What there is. */
export type Places = {
  readonly paths: ReadonlySet<string>
  /** hosts in small letters, without port */
  readonly names: ReadonlySet<string>
  /** whether POST /backends/NAME/ACTION is one of them */
  readonly takesOrders: boolean
}

/**
 * Only GET and HEAD of these very paths, whatever their query, and only by a
 * name of ours: a foreign web page can make its own name lead here (DNS
 * rebinding), and would then be allowed to read the answer. An address cannot be
 * bent like that. An order is a POST, and from no other page than ours.
 */
export function route(request: Request, places: Places): Route {
  const { method, url = '', host } = request
  const { paths, names, takesOrders } = places
  if (!isOurs(host, names))
    return refused(
      421,
      'This host name is not known here: use an address or localhost, or list the name in status.hosts.',
    )
  const path = url.replace(/\?.*$/s, '')
  const [, backend, action] =
    (takesOrders && /^\/backends\/([^/]+)\/([^/]+)$/.exec(path)) || []
  if (backend !== undefined && action !== undefined) {
    if (method !== 'POST')
      return notAllowed('Only POST is allowed here.', 'POST')
    return isForeign(request)
      ? refused(
          403,
          'Orders come from this very page only: Origin must be the one that Host names. Behind a proxy it takes ProxyPreserveHost On.',
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
        `Nothing is here. There is: ${[...paths, '/up', '/up/NAME'].join(' ')}`,
      )
}

function refused(status: number, text: string): Route {
  return { kind: 'refused', status, text }
}

function notAllowed(text: string, allow: string): Route {
  return { kind: 'refused', status: 405, text, allow }
}

/** No browser leaves both headers out; a program may. */
function isForeign({ origin, site, host = '' }: Request): boolean {
  if (site !== undefined && site !== 'same-origin') return true
  // a proxy may speak https for us
  return (
    origin !== undefined &&
    origin.toLowerCase().replace(/^https?:\/\//, '') !== host.toLowerCase()
  )
}

/** HTTP/1.0 needs no Host, and no browser speaks it. */
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
