// The lines of Squid's url_rewrite_program and external_acl_type helpers. Lines
// are latin1 strings: one character is one byte, whatever the bytes are. Pure.
//
//   in:   [ID] URL POOL [ROUTE [AFFINITY…]]
//   out:  [ID] OK backend_=NAME next_=NAME|- [bind_=1] [rewrite-url="…"]
//
// The answer annotates and leaves the address to cache_peer_access: an address in
// rewrite-url would become the cache key, and mix the pages of two sites. The
// names of the annotations end in "_", because Squid reserves the others.
import type { TableMember } from '../choice/table.ts'
import type { Dialect, Lookup } from '../rewritemap/dialect.ts'
import { maxLineBytes } from '../rewritemap/lookup.ts'
import { rewrittenUrl, type SquidSite } from './virtual-host.ts'

/** By pool; `''` is for all other pools. */
export type SquidSites = ReadonlyMap<string, SquidSite>

/**
 * @param sites the answer carries the URL in VirtualHostMonster's form for the
 *   pools that have one
 */
export function squidDialect(sites: SquidSites): Dialect {
  return {
    namesNext: true,
    nonceOf: channelOf,
    // a rewritten URL belongs to one line only
    questionOf: sites.size === 0 ? questionOf : () => '',
    parse: parseSquidLine,
    format: (line, { nonce, pool, route }, member, next) => {
      const site = sites.get(pool) ?? sites.get('')
      const url =
        site === undefined ? '' : rewrittenUrl(urlOf(line, nonce), site)
      return url === null
        ? null
        : formatSquidAnswer(nonce, route, member, next, url)
    },
    none: channel => withChannel(channel, 'OK backend_=none\n'),
    noOpinion: channel => withChannel(channel, 'ERR\n'),
    fault: line => withChannel(channelOf(line), 'ERR\n'),
  }
}

/**
 * Squid numbers its questions when `concurrency` is at least 1, in up to 20 digits
 * that keep counting up. A URL is never all digits, so one program serves both.
 */
export function channelOf(line: string): string | null {
  const end = endOfField(line, 0)
  if (end === 0 || end > maxLineBytes) return null
  for (let index = 0; index < end; index++) {
    const code = line.charCodeAt(index)
    if (code < 0x30 || code > 0x39) return null
  }
  return line.slice(0, end)
}

function urlStart(channel: string | null): number {
  return channel === null ? 0 : channel.length + 1
}

function urlOf(line: string, channel: string | null): string {
  const start = urlStart(channel)
  return line.slice(start, endOfField(line, start))
}

/** Pool and route as written in the line, and whether it has a channel. */
function questionOf(line: string, channel: string | null): string {
  if (line.length > maxLineBytes) return ''
  const start = endOfField(line, urlStart(channel))
  if (start === urlStart(channel)) return ''
  const end = endOfField(line, endOfField(line, start + 1) + 1)
  const question = line.slice(start, end)
  return question === '' || channel === null ? question : `#${question}`
}

/**
 * The fields of one line. A field that Squid leaves out is `-`.
 *
 * @param line without its newline; for a line over `maxLineBytes`, any part that is
 *   longer than that
 */
export function parseSquidLine(line: string): Lookup {
  const nonce = channelOf(line)
  const urlEnd = endOfField(line, urlStart(nonce))
  const poolEnd = endOfField(line, urlEnd + 1)
  const pool = line.slice(urlEnd + 1, poolEnd)
  if (line.length > maxLineBytes || urlEnd === urlStart(nonce) || pool === '')
    return { kind: 'malformed', nonce }
  const routeEnd = endOfField(line, poolEnd + 1)
  return {
    kind: 'lookup',
    nonce,
    pool,
    route: decodeRoute(field(line.slice(poolEnd + 1, routeEnd))),
    affinity: field(line.slice(routeEnd + 1)),
  }
}

function field(text: string): string | null {
  return text === '' || text === '-' ? null : text
}

/** Squid escapes the cookie as in a URL: `zope%31` is zope1. */
function decodeRoute(text: string | null): string | null {
  if (text === null || !text.includes('%')) return text
  return text.replace(/%([\da-f]{2})/gi, (_escape, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
}

function endOfField(line: string, start: number): number {
  const end = line.indexOf(' ', start)
  return end === -1 ? line.length : end
}

function formatSquidAnswer(
  channel: string | null,
  route: string | null,
  { name }: TableMember,
  next: TableMember | null,
  url: string,
): string {
  const bind = route === name ? '' : ' bind_=1'
  const rewrite = url === '' ? '' : ` rewrite-url="${quoted(url)}"`
  return withChannel(
    channel,
    `OK backend_=${name} next_=${next === null ? '-' : next.name}${bind}${rewrite}\n`,
  )
}

/** As Squid reads a quoted value: a backslash before `"` and `\`. */
function quoted(text: string): string {
  return text.replace(/["\\]/g, '\\$&')
}

function withChannel(channel: string | null, answer: string): string {
  return channel === null ? answer : `${channel} ${answer}`
}
