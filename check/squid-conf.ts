// squid.conf as lines of words, with the files it includes. Squid reads line by line,
// and in most lists the first matching line counts. Pure.

export type SquidLine = {
  readonly file: string
  readonly line: number
  /** the directive, then its words; quotes are kept */
  readonly words: readonly [string, ...string[]]
}

export type SquidConf = {
  readonly files: readonly string[]
  readonly lines: readonly SquidLine[]
  /** files that are included but cannot be read */
  readonly unreadable: readonly string[]
}

/** Includes inside includes, as in squid (cache_cf.cc, 16 levels). */
const maxDepth = 16

/**
 * @param read the text of a file; undefined = it cannot be read
 * @param expand the files that a pattern of `include` matches
 */
export function parseSquidConf(
  file: string,
  read: (file: string) => string | undefined,
  expand: (pattern: string) => readonly string[],
): SquidConf {
  const files: string[] = []
  const lines: SquidLine[] = []
  const unreadable: string[] = []
  const enter = (name: string, depth: number): void => {
    const text = read(name)
    if (text === undefined) {
      unreadable.push(name)
      return
    }
    files.push(name)
    for (const [number, line] of joined(text)) {
      const [first, ...rest] = line.split(/\s+/)
      if (first === undefined || first === '' || first.startsWith('#')) continue
      if (first === 'include' && depth < maxDepth)
        for (const pattern of rest)
          for (const included of expand(pattern)) enter(included, depth + 1)
      else lines.push({ file: name, line: number, words: [first, ...rest] })
    }
  }
  enter(file, 1)
  return { files, lines, unreadable }
}

/** A backslash at the end of a line continues it. */
function joined(text: string): [number, string][] {
  const result: [number, string][] = []
  let before = ''
  let start = 0
  for (const [index, line] of text.split('\n').entries()) {
    if (before === '') start = index + 1
    if (line.endsWith('\\')) {
      before += `${line.slice(0, -1)} `
      continue
    }
    result.push([start, `${before}${line}`.trim()])
    before = ''
  }
  if (before !== '') result.push([start, before.trim()])
  return result
}
