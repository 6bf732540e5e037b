// Text out of files, requests and command lines, on its way to a terminal.

/** Control characters, C1 among them, line separators, and what turns the direction. */
export const unprintable =
  /[\p{Cc}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu

/**
 * The text on one line, every character that a terminal would obey written as
 * an escape.
 *
 * @example printable('\u001B[31m') // '\\u001b[31m'
 */
export function printable(text: string): string {
  return text.replaceAll(
    unprintable,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Characters of a sentence in a report, a log line or a notice. */
const maxSentence = 300

/**
 * What a backend, a certificate or a name server has a part in, as one line of a
 * limited length. A reason goes into files, environment variables and messages,
 * each with a limit of its own.
 */
export function sentence(text: string): string {
  // no more is looked at, however much came
  const line = printable(text.slice(0, 4 * maxSentence))
  const isWhole = text.length <= 4 * maxSentence && line.length <= maxSentence
  return isWhole ? line : `${line.slice(0, maxSentence - 1)}…`
}

/**
 * Passwords and query strings of URLs left out. Rather too much than too
 * little: a password may itself hold "/" or "@". Not with patterns, which take
 * the square of the length for a text of many slashes.
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
