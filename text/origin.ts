// A URL without a path: scheme, host and port, for backends and --url. Pure.
import { parseUrl } from './url.ts'

type Origin = {
  readonly tls: boolean
  /** ASCII (an IDN is converted); an IPv6 address without brackets */
  readonly host: string
  readonly port: number
}

/**
 * `http://HOST[:PORT]` or `https://HOST[:PORT]`, perhaps with one slash.
 *
 * @returns 'malformed' for anything else; 'address' for an IPv4 address that
 *   URL would misread: 10.0.0.011 as 10.0.0.9, 10.1 as 10.0.0.1
 */
export function parseOrigin(text: string): Origin | 'malformed' | 'address' {
  // URL accepts much (one slash, backslashes, an empty port): be stricter
  const written = /^https?:\/\/([^\s/?#@\\]*[^\s/?#@\\:])\/?$/i.exec(text)?.[1]
  const url = parseUrl(text)
  if (written === undefined || url === undefined) return 'malformed'
  const { protocol, hostname, port } = url
  if (
    /^\d+(\.\d+){3}$/.test(hostname) &&
    hostname !== written.replace(/:\d+$/, '')
  )
    return 'address'
  if (port === '0') return 'malformed'
  const tls = protocol === 'https:'
  return {
    tls,
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? (tls ? 443 : 80) : Number(port),
  }
}
