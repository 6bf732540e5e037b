// httpd's configuration as httpd reads it: files -> directives in order, each
// with its sections, file and line. Include, IfModule, IfDefine, Define, Macro
// are followed; the caller reads the files. Pure.
import {
  confWords,
  logicalLines,
  rewriteWords,
  type Line,
} from './httpd-text.ts'

export type Section = {
  /** in lowercase */
  readonly name: string
  readonly args: readonly string[]
  readonly file: string
  readonly line: number
}

export type Directive = {
  /** in lowercase */
  readonly name: string
  readonly args: readonly string[]
  readonly file: string
  readonly line: number
  /** outermost first; without IfModule and the like */
  readonly sections: readonly Section[]
}

type ConfProblem = {
  readonly file: string
  readonly line: number
  readonly text: string
}

export type ParsedConf = {
  readonly directives: readonly Directive[]
  /** every section that was opened, including empty ones */
  readonly sections: readonly Section[]
  /** in the order they were read */
  readonly files: readonly string[]
  readonly modules: ReadonlySet<string>
  readonly serverRoot: string
  readonly problems: readonly ConfProblem[]
  /** by name: what IfFile leaves out because its file is missing */
  readonly absentMaps: ReadonlyMap<string, string>
}

export type Source = {
  /** undefined: missing, or not readable for us */
  readonly read: (file: string) => string | undefined
  /** the files that an argument of Include names, in httpd's order */
  readonly list: (pattern: string) => readonly string[]
}

type ParserContext = {
  readonly serverRoot: string
  /** compiled in, including `core_module` */
  readonly modules: readonly string[]
  /** -D parameters */
  readonly defines: Readonly<Record<string, string>>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** `2.4.71`; undefined: every IfVersion is kept */
  readonly version: string | undefined
}

/** Reads `file` and everything it includes. */
export function parseHttpdConf(
  file: string,
  source: Source,
  known: ParserContext,
): ParsedConf {
  const reader = new Reader(source, known)
  reader.file(file, [], { file, line: 0 })
  return {
    directives: reader.directives,
    sections: reader.sections,
    files: reader.files,
    modules: reader.modules,
    serverRoot: reader.serverRoot,
    problems: reader.problems,
    absentMaps: reader.absentMaps,
  }
}

type SourceLocation = { readonly file: string; readonly line: number }
type Macro = { readonly params: readonly string[]; readonly lines: Line[] }

/** httpd's own limit is 20 (AP_MAX_INCLUDE_DEPTH); Macro counts here too. */
const maxDepth = 40

const conditions = new Set([
  'ifmodule',
  'ifdefine',
  'ifversion',
  'iffile',
  'ifdirective',
  'ifsection',
])

class Reader {
  readonly directives: Directive[] = []
  readonly sections: Section[] = []
  readonly files: string[] = []
  readonly problems: ConfProblem[] = []
  readonly absentMaps = new Map<string, string>()
  readonly modules: Set<string>
  serverRoot: string
  readonly #defines: Map<string, string>
  readonly #macros = new Map<string, Macro>()
  readonly #source: Source
  readonly #known: ParserContext
  #depth = 0

  constructor(source: Source, known: ParserContext) {
    this.#source = source
    this.#known = known
    this.modules = new Set(known.modules)
    this.#defines = new Map(Object.entries(known.defines))
    this.serverRoot = known.serverRoot
  }

  file(file: string, around: readonly Section[], from: SourceLocation): void {
    const text = this.#source.read(file)
    if (text === undefined) {
      this.#report(from, `${file} cannot be read`)
      return
    }
    this.files.push(file)
    this.#lines(file, logicalLines(text), around)
  }

  #lines(
    file: string,
    lines: readonly Line[],
    around: readonly Section[],
  ): void {
    if (this.#depth === maxDepth) {
      this.#report({ file, line: 0 }, 'files or macros include each other')
      return
    }
    this.#depth++
    // for each open section, all sections open there, shared by its directives
    const open: (readonly Section[])[] = []
    let skipped = -1
    for (const [index, line] of lines.entries()) {
      if (index <= skipped) continue
      const place = { file, line: line.number }
      if (line.text.startsWith('</')) {
        open.pop()
        continue
      }
      if (!line.text.startsWith('<')) {
        this.#directive(place, line.text, open.at(-1) ?? around)
        continue
      }
      const [name, inner] = headAndRest(line.text.slice(1).replace(/>\s*$/, ''))
      const args = this.#resolve(place, confWords(inner))
      const section = { name: name.toLowerCase(), args, ...place }
      if (section.name === 'macro') {
        const end = endOf(lines, index, 'macro')
        const [macro = '', ...params] = confWords(inner)
        this.#macros.set(macro.toLowerCase(), {
          params,
          lines: lines.slice(index + 1, end),
        })
        skipped = end
      } else if (!conditions.has(section.name)) {
        this.sections.push(section)
        open.push([...(open.at(-1) ?? around), section])
      } else if (this.#isTrue(section)) {
        open.push(open.at(-1) ?? around)
      } else {
        skipped = endOf(lines, index, section.name)
        if (section.name === 'iffile')
          this.#leaveOut(section, lines.slice(index + 1, skipped))
      }
    }
    this.#depth--
  }

  #directive(
    place: SourceLocation,
    text: string,
    sections: readonly Section[],
  ): void {
    const [word, rest] = headAndRest(text)
    const name = word.toLowerCase()
    const isRewrite = name === 'rewriterule' || name === 'rewritecond'
    const args = this.#resolve(
      place,
      isRewrite ? rewriteWords(rest) : confWords(rest),
    )
    const [first = '', second = ''] = args
    switch (name) {
      case 'include':
      case 'includeoptional':
        this.#include(place, name, first, sections)
        return
      case 'define':
        this.#defines.set(first, second)
        break
      case 'undefine':
        this.#defines.delete(first)
        break
      case 'loadmodule':
        this.modules.add(first)
        break
      case 'serverroot':
        this.serverRoot = first
        break
      case 'use':
        this.#use(place, args, sections)
        return
    }
    const { file, line } = place
    this.directives.push({ name, args, file, line, sections })
  }

  #include(
    place: SourceLocation,
    name: string,
    pattern: string,
    sections: readonly Section[],
  ): void {
    const path = pattern.startsWith('/')
      ? pattern
      : `${this.serverRoot}/${pattern}`
    const files = this.#source.list(path)
    if (files.length === 0 && name === 'include' && !/[*?[]/.test(path))
      this.#report(place, `${path} does not exist, or is not accessible`)
    for (const file of files) this.file(file, sections, place)
  }

  #use(
    place: SourceLocation,
    [name = '', ...values]: readonly string[],
    sections: readonly Section[],
  ): void {
    const macro = this.#macros.get(name.toLowerCase())
    if (macro === undefined) {
      this.#report(place, `Use ${name}: no such Macro`)
      return
    }
    // the longest name first: $host must not match inside $hostname
    const order = macro.params
      .map((param, index) => ({ param, value: values[index] ?? '' }))
      .sort((one, other) => other.param.length - one.param.length)
    this.#lines(
      place.file,
      macro.lines.map(({ text }) => ({
        text: order.reduce(
          (whole, { param, value }) => whole.replaceAll(param, () => value),
          text,
        ),
        number: place.line,
      })),
      sections,
    )
  }

  #leaveOut({ args }: Section, lines: readonly Line[]): void {
    for (const { text } of lines) {
      const [word, rest] = headAndRest(text)
      const [name] = confWords(rest)
      if (word.toLowerCase() === 'rewritemap' && name !== undefined)
        this.absentMaps.set(name, args.join(' '))
    }
  }

  #isTrue({ name, args }: Section): boolean {
    const [first = '', second] = args
    const isNegated = first.startsWith('!')
    const what = isNegated ? first.slice(1) : first
    const truth = (): boolean => {
      switch (name) {
        case 'ifmodule':
          return this.modules.has(moduleName(what))
        case 'ifdefine':
          return this.#defines.has(what)
        case 'ifversion':
          return isVersion(this.#known.version, what, second)
        case 'iffile':
          return this.#source.read(what) !== undefined
        default:
          // the list of all directives is not known here
          return true
      }
    }
    return truth() !== isNegated
  }

  /** `${NAME}`; with a colon it is a map lookup (`${map:key}`). */
  #resolve(place: SourceLocation, words: string[]): string[] {
    // few lines have one, and a file for 100 backends has 30,000 lines
    if (!words.some(word => word.includes('${'))) return words
    return words.map(word =>
      word.replaceAll(/\$\{([^}:]+)\}/g, (whole, name: string) => {
        const value = this.#defines.get(name) ?? this.#known.environment[name]
        if (value === undefined) this.#report(place, `${whole} is not defined`)
        return value ?? whole
      }),
    )
  }

  #report({ file, line }: SourceLocation, text: string): void {
    this.problems.push({ file, line, text })
  }
}

function headAndRest(text: string): [string, string] {
  const end = text.search(/\s/)
  return end === -1 ? [text, ''] : [text.slice(0, end), text.slice(end)]
}

/** The line of the closing tag; the last line if it is missing. */
function endOf(lines: readonly Line[], start: number, name: string): number {
  const opening = new RegExp(`^<${name}(?:[\\s>]|$)`)
  let depth = 0
  let index = start
  do {
    const text = String(lines[index]?.text).toLowerCase()
    if (opening.test(text)) depth++
    if (text.startsWith(`</${name}>`) && --depth === 0) break
    index++
  } while (index < lines.length)
  return index
}

const sourceNames: Readonly<Record<string, string>> = {
  'core.c': 'core_module',
  'http_core.c': 'http_module',
  'event.c': 'mpm_event_module',
  'worker.c': 'mpm_worker_module',
  'prefork.c': 'mpm_prefork_module',
}

/**
 * A module may be named by itself or by its source file.
 *
 * @example moduleName('mod_ssl.c') // 'ssl_module'
 */
export function moduleName(name: string): string {
  return sourceNames[name] ?? name.replace(/^mod_(\w+)\.c$/, '$1_module')
}

function isVersion(
  version: string | undefined,
  first: string,
  second: string | undefined,
): boolean {
  if (version === undefined) return true
  const operator = second === undefined ? '=' : first
  const wanted = second ?? first
  if (operator === '~' || wanted.startsWith('/'))
    return new RegExp(wanted.replace(/^\/(.*)\/$/, '$1')).test(version)
  const order = compareVersions(version, wanted)
  switch (operator) {
    case '>':
      return order > 0
    case '>=':
      return order >= 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    default:
      return order === 0
  }
}

/** For sorting: below 0 if `one` is older. */
export function compareVersions(one: string, other: string): number {
  const right = other.split('.')
  for (const [index, part] of one.split('.').entries()) {
    const difference = Number(part) - Number(right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
