// The values of `--site` and `--url` of the Squid commands, checked. Pure.
import { describeValue } from '../text/describe.ts'
import { parseUrl } from '../text/url.ts'
import type { SquidSites } from './line.ts'
import type { PublicOrigin, SquidSite } from './virtual-host.ts'

/** A value for one pool, `www=/Plone`, or for all others, `/Plone`. */
type ForPool = { readonly pool: string; readonly value: string }

type ParsedSites = {
  readonly sites: SquidSites
  /** what visitors type, by pool; `''` is for all other pools */
  readonly origins: ReadonlyMap<string, PublicOrigin>
  readonly problems: readonly string[]
}

/**
 * @param site paths inside Zope, each `[POOL=]PATH`
 * @param url what visitors type, each `[POOL=]URL`; a pool without one takes it
 *   from each request
 */
export function parseSites(
  site: readonly string[],
  url: readonly string[],
): ParsedSites {
  const problems: string[] = []
  const origins = new Map<string, PublicOrigin>()
  for (const { pool, value } of byPool('--url', url, problems)) {
    const origin = parseOrigin(value)
    if (origin === null)
      problems.push(
        `--url must be what visitors type, http://HOST or https://HOST with a port if needed, without a path, got ${describeValue(value)}`,
      )
    else origins.set(pool, origin)
  }
  const sites = new Map<string, SquidSite>()
  for (const { pool, value } of byPool('--site', site, problems)) {
    const path = sitePath(value)
    if (path === null)
      problems.push(
        `--site must be a path inside Zope such as /Plone, or / for its root, got ${describeValue(value)}`,
      )
    else
      sites.set(pool, {
        path,
        origin: origins.get(pool) ?? origins.get('') ?? null,
      })
  }
  return { sites, origins, problems }
}

function byPool(
  option: string,
  values: readonly string[],
  problems: string[],
): ForPool[] {
  const seen = new Set<string>()
  return values.map(text => {
    const pool = /^([a-z][a-z0-9-]{0,31})=/.exec(text)?.[1] ?? ''
    const value = pool === '' ? text : text.slice(pool.length + 1)
    if (seen.has(pool))
      problems.push(
        `${option} must be given once for ${pool === '' ? 'all pools' : `pool ${pool}`}, got a second one, ${describeValue(value)}; for another pool write POOL=VALUE`,
      )
    seen.add(pool)
    return { pool, value }
  })
}

/** Escaped for a URL; '' for Zope's root, null for an invalid path. */
function sitePath(site: string): string | null {
  if (site === '/') return ''
  const segments = site.split('/').slice(1)
  if (
    !site.startsWith('/') ||
    /\p{Cc}|\p{Cs}/u.test(site) ||
    segments.some(segment => ['', '.', '..'].includes(segment))
  )
    return null
  return segments
    .map(segment => `/${encodeURIComponent(segment).replaceAll('%40', '@')}`)
    .join('')
}

function parseOrigin(text: string): PublicOrigin | null {
  const isOrigin = /^https?:\/\/[^\s/?#@\\]+\/?$/i.test(text)
  const url = parseUrl(text)
  if (!isOrigin || url === undefined) return null
  const { protocol, hostname, port } = url
  const scheme = protocol.slice(0, -1)
  return {
    scheme,
    host: hostname,
    port: port === '' ? (scheme === 'https' ? '443' : '80') : port,
  }
}
