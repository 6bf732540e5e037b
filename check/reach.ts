// Which rule handles a path? mod_rewrite runs before every other module
// that maps paths (translate_name), so what a rule takes never reaches Alias,
// Redirect, ProxyPass and the rules after it. Pure.
import {
  hasFlag,
  inheritsRewrite,
  isEngineOn,
  matches,
  rulesOf,
  type Condition,
  type Rule,
  type Server,
} from './servers.ts'

type Fate =
  /** a rule answers or proxies it */
  | { readonly kind: 'taken'; readonly rule: Rule; readonly index: number }
  /** a rule leaves it to the rest of httpd, and no later rule sees it */
  | { readonly kind: 'left'; readonly rule: Rule; readonly index: number }
  /** no rule ends it */
  | { readonly kind: 'through' }
  /** it depends on the visitor, or on a pattern only PCRE can evaluate */
  | { readonly kind: 'unknown' }

/** A path that no configuration names. */
export const anyPath = '/zope-failover-check/any-path'

/** The rules that apply to a request in a server, including inherited ones. */
export function rulesInOrder(server: Server, main: Server): readonly Rule[] {
  if (!isEngineOn(server, main)) return []
  const own = ownRules(server)
  if (server.isMain || !inheritsRewrite(server, main)) return own
  const mains = ownRules(main)
  return isBefore(server, main) ? [...mains, ...own] : [...own, ...mains]
}

/** mod_rewrite.c, config_server_merge: the server's own setting wins. */
function isBefore(server: Server, main: Server): boolean {
  return (
    !hasOption(server, 'inherit') &&
    (hasOption(server, 'inheritbefore') || !hasOption(main, 'inheritdown'))
  )
}

function hasOption({ own }: Server, option: string): boolean {
  return own.some(
    ({ name, args }) =>
      name === 'rewriteoptions' &&
      args.some(arg => arg.toLowerCase() === option),
  )
}

function ownRules(server: Server): readonly Rule[] {
  const own = new Set(server.own)
  return rulesOf(server).filter(({ directive }) => own.has(directive))
}

/** What happens to a visitor's GET for this path. */
export function fateOf(rules: readonly Rule[], path: string): Fate {
  let isVague = false
  let skipped = -1
  for (const [index, rule] of rules.entries()) {
    if (index <= skipped) continue
    const hit = both([
      matches(rule.pattern, path, hasFlag(rule, 'nc', 'nocase')),
      holds(rule.conditions, path),
    ])
    if (hit === false) continue
    const skip = rule.flags.find(flag => /^(?:S|skip)=\d+$/i.test(flag))
    if (skip !== undefined) {
      if (hit === true) skipped = index + Number(skip.replace(/.*=/, ''))
      else isVague = true
      continue
    }
    const end = endOf(rule)
    if (end === 'goes-on' || (hit !== true && end === 'taken')) continue
    if (end === 'rewritten' || hit !== true || (end === 'left' && isVague))
      return { kind: 'unknown' }
    return { kind: end, rule, index }
  }
  return { kind: 'through' }
}

function endOf(rule: Rule): 'taken' | 'left' | 'rewritten' | 'goes-on' {
  const isAnswer =
    hasFlag(
      rule,
      'f',
      'forbidden',
      'g',
      'gone',
      'p',
      'proxy',
      'r',
      'redirect',
    ) ||
    rule.flags.some(flag => /^(?:R|redirect)=/i.test(flag)) ||
    /^https?:\/\//i.test(rule.substitution)
  if (isAnswer) return 'taken'
  if (hasFlag(rule, 'end', 'l', 'last', 'pt', 'passthrough')) return 'left'
  return rule.substitution === '-' ? 'goes-on' : 'rewritten'
}

type Truth = boolean | undefined

function both(values: readonly Truth[]): Truth {
  if (values.includes(false)) return false
  return values.includes(undefined) ? undefined : true
}

function either(values: readonly Truth[]): Truth {
  if (values.includes(true)) return true
  return values.includes(undefined) ? undefined : false
}

/** All conditions, those with OR as one group. */
function holds(conditions: readonly Condition[], path: string): Truth {
  let group: Truth = false
  const groups: Truth[] = []
  for (const condition of conditions) {
    const one = truthOf(condition, path)
    group = either([group, one])
    if (condition.flags.some(flag => /^(?:OR|ornext)$/i.test(flag))) continue
    groups.push(group)
    group = false
  }
  return both(groups)
}

function truthOf(condition: Condition, path: string): Truth {
  const { pattern } = condition
  const test = condition.test
    .replaceAll('%{REQUEST_URI}', () => path)
    .replaceAll('%{REQUEST_METHOD}', 'GET')
    .replaceAll('%{THE_REQUEST}', () => `GET ${path} HTTP/1.1`)
    // set only by httpd, and not in the first pass of a request
    .replaceAll(/%\{ENV:REDIRECT_\w+\}/g, '')
  if (/[%$][\d{]/.test(test) || test === 'expr') return undefined
  const [, not = '', text] = /^(!?)=(.*)$/.exec(pattern) ?? []
  if (text !== undefined)
    return (test === text.replace(/^""$/, '')) === (not === '')
  // a file test, or a comparison
  if (/^!?[-<>]/.test(pattern)) return undefined
  const isCaseless = condition.flags.some(flag => /^(?:NC|nocase)$/i.test(flag))
  return matches(pattern, test, isCaseless)
}

/**
 * A sample path that a pattern matches; undefined when none was found.
 *
 * @example pathFor('^/old/(.*)$') // '/old/x'
 */
export function pathFor(pattern: string): string | undefined {
  const text = pattern
    .replace(/^\(\?[a-z]+\)/, '')
    .replace(/^\^/, '')
    .replace(/\$$/, '')
    .replaceAll('(?:', '(')
    .replaceAll(/(?:\.|\\[wdS]|\[[^\]]*\])[*+]\??/g, 'x')
    .replaceAll(/\(([^()|]*)\|[^()]*\)/g, '($1)')
    .replaceAll(/[()]/g, '')
    .replaceAll(/[^\\][?*]/g, '')
    .replaceAll(/\\([^])/g, '$1')
  const first = text.replace(/\|[^]*/, '')
  return [anyPath, '/', `/${first}`.replace(/^\/+/, '/'), first, `${first}/x`]
    .filter(path => path.startsWith('/'))
    .find(path => matches(pattern, path) === true)
}
