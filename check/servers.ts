// Directives -> the servers they make: the main server and its virtual hosts,
// with the maps and rules in effect for each. Pure.
import type { Directive, ParsedConf, Section } from './httpd-conf.ts'
import { aprWords } from './httpd-text.ts'

export type Server = {
  /** for a sentence: `virtual host www.example.org` */
  readonly name: string
  readonly isMain: boolean
  /** where it begins */
  readonly place: { readonly file: string; readonly line: number } | undefined
  /** of a virtual host, as written: `*:443` */
  readonly addresses: readonly string[]
  /** all that is in it, in order */
  readonly directives: readonly Directive[]
  /** of these, those outside of Directory, Location and the like */
  readonly own: readonly Directive[]
}

type MapKind = 'prg' | 'other'

export type RewriteMapping = {
  readonly name: string
  readonly kind: MapKind
  /** of a program: its command line as APR splits it */
  readonly argv: readonly string[]
  /** third argument, `USER[:GROUP]` */
  readonly user: string | undefined
  readonly directive: Directive
  readonly server: Server
}

export type Condition = {
  readonly test: string
  readonly pattern: string
  readonly flags: readonly string[]
  readonly directive: Directive
}

export type Rule = {
  readonly pattern: string
  readonly substitution: string
  /** as written: `P`, `E=NAME:VALUE`, `proxy` … */
  readonly flags: readonly string[]
  readonly conditions: readonly Condition[]
  readonly directive: Directive
}

/** The main server first. */
export type Servers = readonly [Server, ...Server[]]

/** Every check needs them, and a configuration can have 100,000 lines. */
const known = new WeakMap<ParsedConf, Servers>()

export function serversOf(conf: ParsedConf): Servers {
  const servers = known.get(conf) ?? readServers(conf)
  known.set(conf, servers)
  return servers
}

function readServers({ directives, sections }: ParsedConf): Servers {
  const hosts = sections.filter(({ name }) => name === 'virtualhost')
  // in one pass: a file for 100 backends has 50,000 lines
  const inside = new Map<Section | undefined, Directive[]>()
  for (const directive of directives) {
    const host = directive.sections.find(({ name }) => name === 'virtualhost')
    const listed = inside.get(host)
    if (listed === undefined) inside.set(host, [directive])
    else listed.push(directive)
  }
  const server = (host: Section | undefined): Server => {
    const all = inside.get(host) ?? []
    const own = all.filter(directive =>
      directive.sections.every(section => section === host),
    )
    const named = own.findLast(({ name }) => name === 'servername')?.args[0]
    return {
      name:
        host === undefined
          ? 'the main server'
          : `virtual host ${named ?? host.args.join(' ')}`,
      isMain: host === undefined,
      place: host,
      addresses: host?.args ?? [],
      directives: all,
      own,
    }
  }
  return [server(undefined), ...hosts.map(server)]
}

/** The last directive of that name at server level. */
export function setting(
  server: Server,
  name: string,
): readonly string[] | undefined {
  return server.own.findLast(directive => directive.name === name)?.args
}

/** Whether the rewrite engine is on; a virtual host inherits it. */
export function isEngineOn(server: Server, main: Server): boolean {
  const value =
    setting(server, 'rewriteengine') ?? setting(main, 'rewriteengine')
  return value?.[0]?.toLowerCase() === 'on'
}

/** Whether a virtual host sees the maps and rules of the main server. */
export function inheritsRewrite(server: Server, main: Server): boolean {
  const options = (of: Server): string[] =>
    of.own
      .filter(({ name }) => name === 'rewriteoptions')
      .flatMap(({ args }) => args.map(arg => arg.toLowerCase()))
  const own = options(server)
  if (own.includes('inherit') || own.includes('inheritbefore')) return true
  const from = options(main)
  return (
    !own.includes('ignoreinherit') &&
    (from.includes('inheritdown') || from.includes('inheritdownbefore'))
  )
}

/** The maps a server declares itself. */
export function mapsOf(server: Server): RewriteMapping[] {
  return server.own
    .filter(({ name }) => name === 'rewritemap')
    .map(directive => {
      const [name = '', source = '', user] = directive.args
      const isProgram = /^prg:/i.test(source)
      return {
        name,
        kind: isProgram ? 'prg' : 'other',
        argv: isProgram ? aprWords(source.slice('prg:'.length)) : [],
        user,
        directive,
        server,
      }
    })
}

const knownRules = new WeakMap<Server, readonly Rule[]>()

/** The rules of a server in order, including those in its sections. */
export function rulesOf(server: Server): readonly Rule[] {
  const rules = knownRules.get(server) ?? readRules(server)
  knownRules.set(server, rules)
  return rules
}

function readRules(server: Server): Rule[] {
  const rules: Rule[] = []
  let conditions: Condition[] = []
  for (const directive of server.directives) {
    const [one = '', two = '', flags = ''] = directive.args
    if (directive.name === 'rewritecond') {
      conditions.push({
        test: one,
        pattern: two,
        flags: flagsOf(flags),
        directive,
      })
    } else if (directive.name === 'rewriterule') {
      rules.push({
        pattern: one,
        substitution: two,
        flags: flagsOf(flags),
        conditions,
        directive,
      })
      conditions = []
    }
  }
  return rules
}

function flagsOf(text: string): string[] {
  return text
    .replace(/^\[([^]*)\]$/, '$1')
    .split(',')
    .map(flag => flag.trim())
    .filter(flag => flag !== '')
}

/** Whether a rule has one of these flags, given in lowercase. */
export function hasFlag(rule: Rule, ...names: readonly string[]): boolean {
  return rule.flags.some(flag => names.includes(flag.toLowerCase()))
}

export function isProxyRule(rule: Rule): boolean {
  return hasFlag(rule, 'p', 'proxy')
}

/** The maps that a text uses: `${NAME:…}`. */
export function mapsIn(text: string): string[] {
  return [...text.matchAll(/\$\{([^:}]+):/g)].map(([, name = '']) => name)
}

/** All parts of a rule in which a map can be used. */
export function textsOf(rule: Rule): string[] {
  return [
    ...rule.conditions.map(({ test }) => test),
    rule.substitution,
    ...rule.flags,
  ]
}

/**
 * Whether a PCRE matches a text; undefined when JavaScript cannot tell, because it
 * does not support all of PCRE.
 */
export function matches(
  pattern: string,
  text: string,
  isCaseless = false,
): boolean | undefined {
  const isNegated = pattern.startsWith('!')
  const source = (isNegated ? pattern.slice(1) : pattern)
    // (?s) at the beginning; possessive quantifiers
    .replace(/^\(\?[a-z]+\)/, '')
    .replaceAll(/([*+?}])\+/g, '$1')
  try {
    return new RegExp(source, isCaseless ? 'is' : 's').test(text) !== isNegated
  } catch {
    // a pattern that only PCRE understands
    return undefined
  }
}
