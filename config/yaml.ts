// YAML text -> a plain value and the line of each key, or its syntax problems.
// Stricter than YAML where YAML would silently misread a mistake.
import {
  Composer,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  Parser,
  type Alias,
  type CST,
  type Document,
  type ParsedNode,
  type YAMLMap,
} from 'yaml'
import { errorCode } from '../system/error-code.ts'
import { pathText, type Path, type Problem } from './problem.ts'

type Yaml = {
  /** undefined when the text is not YAML at all */
  readonly value: unknown
  readonly problems: readonly Problem[]
  /** the line of a key, or of the nearest one around it */
  readonly lineOf: (path: Path) => number | undefined
}

/** Later syntax errors only follow from the first ones. */
const maxSyntaxProblems = 10
/**
 * The deepest key of the schema is at depth 6, and each level is two tokens.
 */
const maxDepth = 60
/** Words, signs, spaces and line ends: twenty thousand lines of this form. */
const maxLexemes = 200_000
/** Repetitions by aliases included. */
const maxValues = 200_000

/** The text is YAML, but exceeds a limit; the message is the rule. */
class TooMuch extends Error {
  readonly code = this.message
}

/**
 * Never throws, whatever the text, and takes seconds at most: a program keeps
 * its previous configuration, but only after this has rejected the new one.
 */
export function readYaml(text: string): Yaml {
  try {
    return read(text)
  } catch (err) {
    return broken([{ path: [], rule: errorCode(err) }])
  }
}

function broken(problems: readonly Problem[]): Yaml {
  return { value: undefined, problems, lineOf: () => undefined }
}

/**
 * The tokens of the text, without recursion. Composing recurses, and near the
 * end of the stack it ends the process instead of throwing (V8 compiles a
 * regular expression there), so the depth is limited here.
 *
 * @throws {TooMuch} when they are nested deeper than `maxDepth`, or too many
 */
function* tokensOf(text: string, counter: LineCounter): Generator<CST.Token> {
  counter.addNewLine(0)
  const parser = new Parser(counter.addNewLine)
  let lexemes = 0
  let odd = 0
  for (const lexeme of new Lexer().lex(text)) {
    if (++lexemes > maxLexemes)
      throw new TooMuch(
        `must have at most ${maxLexemes} tokens (about 20,000 lines)`,
      )
    for (const token of parser.next(lexeme)) {
      yield token
      const isOdd = token.type === 'error' || token.type === 'directive'
      if (isOdd && ++odd >= maxSyntaxProblems) return
    }
    if (parser.stack.length > maxDepth)
      throw new TooMuch('must not be nested so deeply')
  }
  yield* parser.end()
}

/** The documents of the text: at least one, at most two. */
function compose(text: string, counter: LineCounter): Document.Parsed[] {
  const composer = new Composer({
    // reported below, with the key's name and without stopping at the first
    uniqueKeys: false,
    logLevel: 'error',
  })
  const documents: Document.Parsed[] = []
  const tokens = tokensOf(text, counter)
  for (const document of composer.compose(tokens, true, text.length)) {
    documents.push(document)
    if (documents.length > 1) break
  }
  return documents
}

function read(text: string): Yaml {
  const counter = new LineCounter()
  const documents = compose(text, counter)
  const syntax = documents
    .slice(0, 1)
    .flatMap(({ errors, warnings }) => [...errors, ...warnings])
    .map(({ pos, message }) => ({
      at: pos[0],
      rule: `must be YAML: ${withoutPlace(message)}`,
    }))
  for (const { range } of documents.slice(1))
    syntax.push({
      at: range[0],
      rule: 'must be one YAML document, but a second one begins here',
    })
  if (syntax.length > 0) {
    const byLine = new Map<number, Problem>()
    for (const { at, rule } of syntax) {
      if (byLine.size >= maxSyntaxProblems) break
      const { line } = counter.linePos(at)
      if (!byLine.has(line)) byLine.set(line, { path: [], rule, line })
    }
    return broken([...byLine.values()])
  }
  const walk = new Walk(offset => counter.linePos(offset).line)
  const [value] = documents.map(({ contents }) => walk.visit(contents, []))
  if (walk.isBroken) return broken(walk.problems)
  if (walk.values > maxValues)
    throw new TooMuch(
      `must hold at most ${maxValues} values, repetitions by aliases included`,
    )
  return {
    value,
    problems: walk.problems,
    lineOf: path => walk.lineOf(path),
  }
}

/** Only the first line: the others quote the text, perhaps with a password. */
function withoutPlace(message: string): string {
  return message.replace(/( at line \d+, column \d+:?)?(\n.*)?$/s, '')
}

/** Walks the document once: value, lines, and mistakes that YAML accepts. */
class Walk {
  readonly problems: Problem[] = []
  /** it has no usable value */
  isBroken = false
  /** values so far, repetitions by aliases included */
  values = 0
  readonly #lineAt: (offset: number) => number
  readonly #lines = new Map<string, number>()
  readonly #anchors = new Map<string, AnchoredValue | 'unfinished'>()

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

  /** Its value; an alias shares the value of its anchor. */
  visit(node: ParsedNode | null, path: Path): unknown {
    if (isAlias(node)) return this.#visitAlias(node, path)
    const before = this.values++
    if (node?.anchor === undefined) return this.#valueOf(node, path)
    this.#anchors.set(node.anchor, 'unfinished')
    const value = this.#valueOf(node, path)
    this.#anchors.set(node.anchor, { value, values: this.values - before })
    return value
  }

  #valueOf(node: Exclude<ParsedNode, Alias.Parsed> | null, path: Path) {
    if (isMap(node)) return this.#visitMap(node, path)
    if (!isSeq(node)) return node === null ? null : node.value
    return node.items.map((item, index) => {
      this.#recordLine([...path, index], item)
      return this.visit(item, [...path, index])
    })
  }

  #visitAlias(alias: Alias.Parsed, path: Path): unknown {
    const target = this.#anchors.get(alias.source)
    if (target !== undefined && target !== 'unfinished') {
      this.values += target.values
      return target.value
    }
    this.isBroken = true
    this.#report(
      alias,
      path,
      target === undefined
        ? `must set the anchor &${alias.source} before its alias *${alias.source}`
        : `must not contain itself by the alias *${alias.source}`,
    )
    return undefined
  }

  #visitMap(map: YAMLMap.Parsed, path: Path): Record<string, unknown> {
    const seen = new Map<string, { value: unknown; line: number }>()
    for (const { key: node, value } of map.items) {
      const key = isScalar(node) ? wordOf(node.value) : '__proto__'
      if (key === '__proto__') {
        this.#report(node, path, 'must have words as keys')
        continue
      }
      const first = seen.get(key)
      if (first !== undefined)
        this.#report(
          node,
          [...path, key],
          `must be given only once, it is already in line ${first.line}`,
        )
      const line = this.#recordLine([...path, key], node)
      seen.set(key, { value: this.visit(value, [...path, key]), line })
    }
    return Object.fromEntries([...seen].map(([key, { value }]) => [key, value]))
  }

  #recordLine(path: Path, node: ParsedNode): number {
    const line = this.#lineAt(node.range[0])
    this.#lines.set(pathText(path), line)
    return line
  }

  #report(node: ParsedNode, path: Path, rule: string): void {
    this.problems.push({ path, rule, line: this.#lineAt(node.range[0]) })
  }
}

/** The value of an anchor, and how many values it contains. */
type AnchoredValue = { readonly value: unknown; readonly values: number }

/** A key as a property name; the empty one is YAML's null. */
function wordOf(key: unknown): string {
  if (key === null) return ''
  return typeof key === 'string' ? key : JSON.stringify(key)
}
