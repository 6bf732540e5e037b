// A visitor's URL -> the same URL with the path that Zope's VirtualHostMonster
// reads. Host and cache key stay the visitor's. Pure.

/** What visitors type, in parts; the port is always set. */
export type PublicOrigin = {
  readonly scheme: string
  readonly host: string
  readonly port: string
}

export type SquidSite = {
  /** path of the site inside Zope, escaped for a URL, such as `/Plone` */
  readonly path: string
  /** what visitors type; null = taken from the request */
  readonly origin: PublicOrigin | null
}

// the host ends up in the links of Zope's pages, so only what a host can hold
const absoluteUrl =
  /^(https?):\/\/([\w.-]+|\[[\da-f:.]+\])(?::(\d{1,5}))?(\/[^]*)?$/i

/** VirtualHostMonster's own words, and "..": both would move the root of the site. */
const forbiddenSegment = /^(?:\.\.|VirtualHostBase|VirtualHostRoot|_vh_.*)$/s

/** Zope decodes each segment once before using it. */
function isForbidden(path: string): boolean {
  return path
    .split(/[?#]/, 1)
    .join('')
    .replace(/%([\da-f]{2})/gi, (_escape, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 16)),
    )
    .split('/')
    .some(segment => forbiddenSegment.test(segment))
}

/**
 * `http://HOST/news` -> `http://HOST/VirtualHostBase/http/HOST:80/Plone/VirtualHostRoot/news`
 *
 * @param url as Squid passes it: absolute, latin1
 * @returns null for a URL that has no such form: Squid keeps its own
 */
export function rewrittenUrl(url: string, site: SquidSite): string | null {
  const [, scheme, host, port, path = '/'] = absoluteUrl.exec(url) ?? []
  if (scheme === undefined || host === undefined || isForbidden(path))
    return null
  const authority = port === undefined ? host : `${host}:${port}`
  const origin = site.origin ?? {
    scheme,
    host,
    port: port ?? (scheme.toLowerCase() === 'https' ? '443' : '80'),
  }
  const base = `VirtualHostBase/${origin.scheme}/${origin.host}:${origin.port}`
  return `${scheme}://${authority}/${base}${site.path}/VirtualHostRoot${path}`
}
