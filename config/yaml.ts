// YAML text -> a plain value and where each key of it stands, or what is wrong
// with it as YAML. Stricter than YAML in what it would silently get wrong.
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
} from 'yaml'
import type { Alias, ParsedNode, YAMLMap } from 'yaml'
import { pathText } from './problem.ts'
import type { Path, Problem } from './problem.ts'

export type Yaml = {
  /** undefined when the text is no YAML at all */
  readonly value: unknown
  readonly problems: readonly Problem[]
  /** the line of a key, or of the nearest one around it */
  readonly lineOf: (path: Path) => number | undefined
}

/** Anything after the first errors of a broken syntax follows from them. */
const maxSyntaxProblems = 10

/** Never throws, whatever the text. */
export function readYaml(text: string): Yaml {
  try {
    return read(text)
  } catch (err) {
    // the stack of nested flow collections, or what aliases blow up to
    const rule =
      err instanceof ReferenceError
        ? 'must not multiply itself by aliases'
        : 'must not be nested so deeply'
    return broken([{ path: [], rule }])
  }
}

function broken(problems: readonly Problem[]): Yaml {
  return { value: undefined, problems, lineOf: () => undefined }
}

function read(text: string): Yaml {
  const counter = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: counter,
    // told below, with the key's name and without giving up on the rest
    uniqueKeys: false,
    logLevel: 'error',
  })
  const syntax = [...document.errors, ...document.warnings]
  if (syntax.some(({ message }) => message.startsWith('Maximum call stack')))
    throw new RangeError('nested too deeply')
  if (syntax.length > 0) {
    const byLine = new Map<number, Problem>()
    for (const { pos, code, message } of syntax) {
      const { line } = counter.linePos(pos[0])
      const rule =
        code === 'MULTIPLE_DOCS'
          ? 'must be one YAML document, but here a second one begins'
          : `must be YAML: ${withoutPlace(message)}`
      if (!byLine.has(line)) byLine.set(line, { path: [], rule, line })
    }
    return broken([...byLine.values()].slice(0, maxSyntaxProblems))
  }
  const walk = new Walk(offset => counter.linePos(offset).line)
  walk.visit(document.contents, [])
  if (walk.isBroken) return broken(walk.problems)
  return {
    // a thousand backends may share one mapping
    value: document.toJS({ maxAliasCount: 10_000 }),
    problems: walk.problems,
    lineOf: path => walk.lineOf(path),
  }
}

/** The first line only: the others show the text, perhaps with a password. */
function withoutPlace(message: string): string {
  return message.replace(/( at line \d+, column \d+:?)?(\n.*)?$/s, '')
}

/** Goes through the document once: lines, and what YAML lets pass. */
class Walk {
  readonly problems: Problem[] = []
  /** its value cannot be had */
  isBroken = false
  readonly #lineAt: (offset: number) => number
  readonly #lines = new Map<string, number>()
  readonly #anchors = new Map<string, ParsedNode>()
  readonly #around = new Set<ParsedNode>()

  constructor(lineAt: (offset: number) => number) {
    this.#lineAt = lineAt
  }

  lineOf(path: Path): number | undefined {
    for (let length = path.length; length > 0; length--) {
      const line = this.#lines.get(pathText(path.slice(0, length)))
      if (line !== undefined) return line
    }
    return undefined
  }

  visit(node: ParsedNode | null, path: Path): void {
    if (node === null) return
    if (isAlias(node)) {
      this.#visitAlias(node, path)
      return
    }
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node)
    this.#around.add(node)
    if (isMap(node)) this.#visitMap(node, path)
    if (isSeq(node))
      for (const [index, item] of node.items.entries()) {
        this.#place([...path, index], item)
        this.visit(item, [...path, index])
      }
    this.#around.delete(node)
  }

  #visitAlias(alias: Alias.Parsed, path: Path): void {
    const target = this.#anchors.get(alias.source)
    if (target !== undefined && !this.#around.has(target)) return
    this.isBroken = true
    this.#tell(
      alias,
      path,
      target === undefined
        ? `must set the anchor &${alias.source} before its alias *${alias.source}`
        : `must not hold itself by the alias *${alias.source}`,
    )
  }

  #visitMap(map: YAMLMap.Parsed, path: Path): void {
    const seen = new Map<string, number>()
    for (const { key: node, value } of map.items) {
      const key = isScalar(node) ? wordOf(node.value) : '__proto__'
      if (key === '__proto__') {
        this.#tell(node, path, 'must have words as keys')
        continue
      }
      const first = seen.get(key)
      if (first !== undefined)
        this.#tell(
          node,
          [...path, key],
          `must be given once only, it is there in line ${first} already`,
        )
      seen.set(key, this.#place([...path, key], node))
      this.visit(value, [...path, key])
    }
  }

  #place(path: Path, node: ParsedNode): number {
    const line = this.#lineAt(node.range[0])
    this.#lines.set(pathText(path), line)
    return line
  }

  #tell(node: ParsedNode, path: Path, rule: string): void {
    this.problems.push({ path, rule, line: this.#lineAt(node.range[0]) })
  }
}

/** A key as it becomes a property's name. */
function wordOf(key: unknown): string {
  return typeof key === 'string' ? key : JSON.stringify(key)
}
