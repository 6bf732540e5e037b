// Makes text from files, requests and command lines safe for a terminal.

/**
 * Control characters (C0 and C1), line separators, and bidirectional controls.
 */
export const unprintable =
  /[\p{Cc}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu

/**
 * The text on one line, with every control character escaped.
 *
 * @example printable('\u001B[31m') // '\\u001b[31m'
 */
export function printable(text: string): string {
  return text.replaceAll(
    unprintable,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Most characters of a sentence in a report, a log line or a notice. */
const maxSentence = 300

/**
 * Text from a backend, a certificate or a name server, as one line of limited
 * length. A reason goes into files, environment variables and messages, and
 * each of these has a limit.
 */
export function sentence(text: string): string {
  // reads only the beginning, however long the text is
  const line = printable(text.slice(0, 4 * maxSentence))
  const isWhole = text.length <= 4 * maxSentence && line.length <= maxSentence
  return isWhole ? line : `${line.slice(0, maxSentence - 1)}…`
}

/**
 * Removes passwords and query strings of URLs. It rather removes too much: a
 * password may contain "/" or "@". It uses no regular expression, which would
 * take quadratic time for a text of many slashes.
 */
export function withoutSecrets(text: string): string {
  const start = text.indexOf('//')
  const end = text.lastIndexOf('@')
  const bare =
    start !== -1 && end >= start + 2
      ? `${text.slice(0, start)}//…${text.slice(end)}`
      : text
  const query = bare.indexOf('?')
  return query !== -1 && bare.lastIndexOf('=') > query
    ? `${bare.slice(0, query)}?…`
    : bare
}
