// What a request to the status port may have. Pure.

export type Request = {
  readonly method: string | undefined
  /** as it stands in the request line */
  readonly url: string | undefined
  /** the Host header */
  readonly host: string | undefined
}

export type Routed =
  | { readonly kind: 'served'; readonly path: string }
  | { readonly kind: 'refused'; readonly status: number; readonly text: string }

/**
 * Only GET and HEAD of these very paths, whatever their query, and only by a
 * name of ours: a foreign web page can make its own name lead here (DNS
 * rebinding), and would then be allowed to read the answer. An address cannot be
 * bent like that.
 *
 * @param paths what there is
 * @param names hosts in small letters, without port
 */
export function route(
  { method, url = '', host }: Request,
  paths: ReadonlySet<string>,
  names: ReadonlySet<string>,
): Routed {
  if (!isOurs(host, names))
    return refused(
      421,
      'This host name is not known here: use an address or localhost, or list the name in status.hosts.',
    )
  if (method !== 'GET' && method !== 'HEAD')
    return refused(405, 'Only GET and HEAD are allowed here.')
  const path = url.replace(/\?.*$/s, '')
  return paths.has(path)
    ? { kind: 'served', path }
    : refused(404, `Nothing is here. There is: ${[...paths].join(' ')}`)
}

function refused(status: number, text: string): Routed {
  return { kind: 'refused', status, text }
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
