// How httpd cuts text into lines and words: its own rules, which are not a
// shell's (server/util.c, mod_rewrite.c, APR's apr_cpystrn.c). Pure.

export type Line = {
  readonly text: string
  /** from 1; of the first piece when the line is continued */
  readonly number: number
}

/**
 * The lines of a configuration file that mean something. A backslash at the end
 * continues any line, also a comment.
 */
export function logicalLines(text: string): Line[] {
  const lines: Line[] = []
  let before: Line | undefined
  const finish = (line: Line): void => {
    const trimmed = line.text.trim()
    if (trimmed !== '' && !trimmed.startsWith('#'))
      lines.push({ text: trimmed, number: line.number })
  }
  for (const [index, raw] of text.split('\n').entries()) {
    const piece = raw.endsWith('\r') ? raw.slice(0, -1) : raw
    const isContinued = piece.endsWith('\\')
    const whole = {
      text: (before?.text ?? '') + (isContinued ? piece.slice(0, -1) : piece),
      number: before?.number ?? index + 1,
    }
    before = isContinued ? whole : undefined
    if (!isContinued) finish(whole)
  }
  if (before !== undefined) finish(before)
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
    for (; at < text.length; at++) {
      const char = text.charAt(at)
      if (quote === undefined ? isSpace(char) : char === quote) break
      const next = text[at + 1]
      const isEscape =
        char === '\\' &&
        (next === '\\' || (quote !== undefined && next === quote))
      if (isEscape) at++
      word += text.charAt(at)
    }
    if (quote !== undefined) at++
    words.push(word)
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
 * quotes count only where a word begins, a backslash before a quote or a space
 * keeps it, and every other backslash goes.
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
  return char !== undefined && /\s/.test(char)
}
