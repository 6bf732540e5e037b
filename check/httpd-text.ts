// How httpd splits text into lines and words: its own rules, not a
// shell's (server/util.c, mod_rewrite.c, APR's apr_cpystrn.c). Pure.

export type Line = {
  readonly text: string
  /** from 1; of the first piece when the line is continued */
  readonly number: number
}

/**
 * The lines of a configuration file that are not blank or comments. A backslash
 * at the end continues any line, even a comment.
 */
export function logicalLines(text: string): Line[] {
  const lines: Line[] = []
  let before: Line | undefined
  const finish = (whole: string, number: number): void => {
    const trimmed = whole.trim()
    if (trimmed !== '' && !trimmed.startsWith('#'))
      lines.push({ text: trimmed, number })
  }
  let number = 0
  for (const raw of text.split('\n')) {
    number++
    const piece = raw.endsWith('\r') ? raw.slice(0, -1) : raw
    const first = before?.number ?? number
    const begun = before?.text ?? ''
    if (piece.endsWith('\\'))
      before = { text: begun + piece.slice(0, -1), number: first }
    else {
      before = undefined
      finish(begun + piece, first)
    }
  }
  if (before !== undefined) finish(before.text, before.number)
  return lines
}

/** The arguments of most directives (ap_getword_conf). */
export function confWords(text: string): string[] {
  if (!/["'\\]/.test(text)) return text.match(/\S+/g) ?? []
  const words: string[] = []
  let at = 0
  for (;;) {
    while (isSpace(text[at])) at++
    const first = text[at]
    if (first === undefined) return words
    const quote = first === '"' || first === "'" ? first : undefined
    if (quote !== undefined) at++
    let word = ''
    let start = at
    for (; at < text.length; at++) {
      const char = text[at]
      if (quote === undefined ? isSpace(char) : char === quote) break
      if (char !== '\\') continue
      const next = text[at + 1]
      if (next !== '\\' && (quote === undefined || next !== quote)) continue
      word += text.slice(start, at)
      at++
      start = at
    }
    words.push(word + text.slice(start, at))
    if (quote !== undefined) at++
  }
}

/** The arguments of RewriteRule and RewriteCond, which keep every backslash. */
export function rewriteWords(text: string): string[] {
  const words: string[] = []
  let at = 0
  for (;;) {
    while (isSpace(text[at])) at++
    const first = text[at]
    if (first === undefined) return words
    const quote = first === '"' || first === "'" ? first : undefined
    if (quote !== undefined) at++
    const start = at
    for (; at < text.length; at++) {
      const char = text[at]
      if (quote === undefined ? isSpace(char) : char === quote) break
      if (char === '\\' && isSpace(text[at + 1])) at++
    }
    words.push(text.slice(start, at))
    at++
  }
}

/**
 * The command line of a map program as APR splits it (apr_tokenize_to_argv):
 * quotes count only at the start of a word, a backslash before a quote or
 * a space escapes it, and every other backslash is removed.
 */
export function aprWords(text: string): string[] {
  const words: string[] = []
  let at = 0
  for (;;) {
    while (text[at] === ' ' || text[at] === '\t') at++
    const first = text[at]
    if (first === undefined) return words
    const quote = first === '"' || first === "'" ? first : undefined
    if (quote !== undefined) at++
    const start = at
    for (; at < text.length; at++) {
      const char = text[at]
      if (char === '\\' && ' \t"\''.includes(text[at + 1] ?? 'x')) {
        at++
        continue
      }
      if (quote === undefined ? char === ' ' || char === '\t' : char === quote)
        break
    }
    words.push(text.slice(start, at).replace(/\\([^])|\\$/g, '$1'))
    at++
  }
}

function isSpace(char: string | undefined): boolean {
  // a regular expression would take half of the parsing time
  return (
    char === ' ' ||
    char === '\t' ||
    (char !== undefined && char >= '\n' && char <= '\r')
  )
}
