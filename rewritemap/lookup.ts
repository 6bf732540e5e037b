// The lookup protocol: one line of httpd -> a lookup, an answer -> one line.
// Lines are latin1 strings: one character is one byte, whatever the bytes are.
import type { TableMember } from '../choice/table.ts'
import type { Dialect, Lookup } from './dialect.ts'

/** Bytes of a line without its newline. */
export const maxLineBytes = 8_192
/** The longest nonce in bytes. */
export const maxNonceBytes = 256

/** What the answer names. */
export const answerStyles = ['name', 'pair', 'address'] as const
export type AnswerStyle = (typeof answerStyles)[number]

/**
 * `NONCE POOL [ROUTE [AFFINITY…]]`, separated by one space. An empty field
 * counts as missing, because httpd writes two spaces around an unset cookie.
 *
 * @param line without its newline; for a line over `maxLineBytes`, any part of
 *   it that is longer than the limit
 */
export function parseLookup(line: string): Lookup {
  const nonceEnd = endOfField(line, 0)
  const nonce = nonceOf(line)
  if (line.length > maxLineBytes || nonceEnd > maxNonceBytes)
    return { kind: 'malformed', nonce }
  const poolEnd = endOfField(line, nonceEnd + 1)
  const pool = line.slice(nonceEnd + 1, poolEnd)
  if (pool === '') return { kind: 'malformed', nonce }
  const routeEnd = endOfField(line, poolEnd + 1)
  const route = line.slice(poolEnd + 1, routeEnd)
  const affinity = line.slice(routeEnd + 1)
  return {
    kind: 'lookup',
    nonce,
    pool,
    route: route === '' || route === '-' ? null : route,
    affinity: affinity === '' ? null : affinity,
  }
}

/** The nonce to echo; null = not wanted, or too long. */
export function nonceOf(line: string): string | null {
  const end = endOfField(line, 0)
  const field = line.slice(0, end)
  return field === '' || field === '-' || end > maxNonceBytes ? null : field
}

/** Pool and route as written in the line; empty = it has no nonce. */
export function questionOf(line: string, nonce: string | null): string {
  if (nonce === null || line.length > maxLineBytes) return ''
  const poolEnd = endOfField(line, nonce.length + 1)
  return line.slice(nonce.length, endOfField(line, poolEnd + 1))
}

function endOfField(line: string, start: number): number {
  const end = line.indexOf(' ', start)
  return end === -1 ? line.length : end
}

/**
 * The answer line with its newline. `NULL` (mod_rewrite compares it ignoring
 * case) makes httpd use the rule's default.
 *
 * @param member null = no usable backend
 * @param next the backend that serves if `member` fails; for style pair only
 */
export function formatAnswer(
  nonce: string | null,
  style: AnswerStyle,
  member: TableMember | null,
  next: TableMember | null,
): string {
  const prefix = nonce === null ? '' : `${nonce} `
  if (member === null) return `${prefix}NULL\n`
  switch (style) {
    case 'name':
      return `${prefix}${member.name}\n`
    case 'pair':
      return `${prefix}${member.name} ${next === null ? '-' : next.name}\n`
    case 'address':
      return `${prefix}${member.address}\n`
  }
}

/** The lines of mod_rewrite, with answers of this style. */
export function httpdDialect(style: AnswerStyle): Dialect {
  const none = (nonce: string | null) => formatAnswer(nonce, style, null, null)
  return {
    namesNext: style === 'pair',
    nonceOf,
    questionOf,
    parse: parseLookup,
    format: (_line, { nonce }, member, next) =>
      formatAnswer(nonce, style, member, next),
    none,
    noOpinion: none,
    fault: () => none(null),
  }
}
