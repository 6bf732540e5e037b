// The rewrite rules: is the map visible where it is used, and what happens when
// the program is dead, out of sync or sent odd bytes? Pure.
import type { HttpdFacts } from '../facts.ts'
import { locationOf, type Finding } from '../finding.ts'
import { compareVersions } from '../httpd-conf.ts'
import {
  hasFlag,
  inheritsRewrite,
  isProxyRule,
  mapsIn,
  mapsOf,
  matches,
  rulesOf,
  serversOf,
  textsOf,
  type Rule,
  type RewriteMapping,
  type Server,
} from '../servers.ts'
import { generatedSet } from './generated.ts'

/** @param made generated files that are up to date: nothing to lint there */
export function rewriteFindings(
  httpd: HttpdFacts,
  made: ReadonlySet<string> = generatedSet(httpd),
): Finding[] {
  const servers = serversOf(httpd.conf)
  const [main] = servers
  const mainMaps = mapsOf(main)
  return [
    ...servers.flatMap(server => {
      const maps = [
        ...mapsOf(server),
        ...(inheritsRewrite(server, main) ? mainMaps : []),
      ]
      const rules = rulesOf(server)
      return [
        ...visibilityFindings(server, rules, maps, mainMaps, httpd),
        ...handWritten(rules, maps, made, httpd),
      ]
    }),
    ...mainRulesFindings(servers, main, mainMaps),
  ]
}

function visibilityFindings(
  server: Server,
  rules: readonly Rule[],
  maps: readonly RewriteMapping[],
  mainMaps: readonly RewriteMapping[],
  { conf, reload }: HttpdFacts,
): Finding[] {
  const known = new Set(maps.map(({ name }) => name))
  const findings = new Map<string, Finding>()
  for (const rule of rules)
    for (const name of textsOf(rule).flatMap(mapsIn)) {
      if (known.has(name) || findings.has(name)) continue
      const absent = conf.absentMaps.get(name)
      if (absent !== undefined) {
        findings.set(name, {
          code: 'map-file-missing',
          severity: 'warning',
          what: `the file of the map ${name}, ${absent}, does not exist, so ${server.name} runs without it`,
          why: 'httpd looks for it only when it reads its configuration',
          remedy: `start the monitor, which writes it, then: ${reload}`,
          where: locationOf(rule.directive),
        })
        continue
      }
      const isMains = mainMaps.some(map => map.name === name)
      findings.set(name, {
        code: isMains ? 'map-not-inherited' : 'map-unknown',
        severity: 'error',
        what: isMains
          ? `${server.name} uses the map ${name}, which only the main server declares`
          : `${server.name} uses the map ${name}, which no RewriteMap declares`,
        why: 'a virtual host does not inherit maps by default: httpd starts normally, but every lookup silently returns the default, or nothing',
        remedy: isMains
          ? 'write in this virtual host: RewriteOptions Inherit'
          : `write next to the rule: RewriteMap ${name} "prg:…"`,
        where: locationOf(rule.directive),
      })
    }
  return [...findings.values()]
}

function mainRulesFindings(
  servers: readonly Server[],
  main: Server,
  mainMaps: readonly RewriteMapping[],
): Finding[] {
  const programs = mainMaps.filter(({ kind }) => kind === 'prg')
  const names = new Set(programs.map(({ name }) => name))
  const asking = rulesOf(main).find(rule =>
    textsOf(rule)
      .flatMap(mapsIn)
      .some(name => names.has(name)),
  )
  const hosts = servers.filter(server => server !== main)
  if (
    asking === undefined ||
    hosts.length === 0 ||
    hosts.some(host => inheritsRewrite(host, main))
  )
    return []
  return [
    {
      code: 'rules-not-inherited',
      severity: 'warning',
      what: `the rules that use the map are in the main server, but none of the ${hosts.length} virtual hosts inherits them`,
      why: 'requests to a virtual host never reach these rules',
      remedy:
        'move the Include into the <VirtualHost>, or write there: RewriteOptions Inherit',
      where: locationOf(asking.directive),
    },
  ]
}

/** Checks for rules written by hand; generated rules are compared with what would be generated now. */
function handWritten(
  rules: readonly Rule[],
  maps: readonly RewriteMapping[],
  made: ReadonlySet<string>,
  httpd: HttpdFacts,
): Finding[] {
  const programs = new Set(
    maps.filter(({ kind }) => kind === 'prg').map(({ name }) => name),
  )
  const tainted = taintedVariables(rules, programs)
  const ours = rules.filter(rule => !made.has(rule.directive.file))
  return [
    ...ours.flatMap(rule => [
      ...targetFindings(rule, programs, tainted),
      ...hostFindings(rule),
      ...fidelityFindings(rule),
      ...flagFindings(rule),
      ...nonceFindings(rule, programs, httpd),
      ...defaultFindings(rule, programs),
      ...versionFindings(rule, httpd),
      ...wholeRequestFindings(rule),
    ]),
    ...severalLookups(ours, programs),
  ]
}

/** Variables that hold the answer of a program: `[E=NAME:${map:…}…]`. */
function taintedVariables(
  rules: readonly Rule[],
  programs: ReadonlySet<string>,
): Set<string> {
  const names = rules
    .flatMap(({ flags }) => flags)
    .flatMap(flag => [...flag.matchAll(/^(?:E|env)=([^:]+):\$\{([^:}]+):/gi)])
    .filter(([, , map = '']) => programs.has(map))
    .map(([, variable = '']) => variable)
  return new Set(names)
}

/** Whether a condition stops the rule when the program answers nothing. */
function isGuarded(
  rule: Rule,
  programs: ReadonlySet<string>,
  variable: string | undefined,
): boolean {
  return rule.conditions.some(({ test, pattern }) => {
    const isAbout =
      variable === undefined
        ? mapsIn(test).some(name => programs.has(name))
        : test.includes(`%{ENV:${variable}}`)
    if (!isAbout) return false
    if (pattern === '=' || pattern === '=""') return false
    // comparisons: =text, >text …
    if (/^=./.test(pattern) || pattern === '!=' || pattern === '!=""')
      return true
    const matchesNothing = matches(pattern, '')
    return matchesNothing === undefined
      ? pattern.startsWith('^')
      : !matchesNothing
  })
}

function targetFindings(
  rule: Rule,
  programs: ReadonlySet<string>,
  tainted: ReadonlySet<string>,
): Finding[] {
  if (!isProxyRule(rule)) return []
  const [, scheme = '', map, variable] =
    /^([a-z][a-z0-9+.-]*:\/\/)?(?:\$\{([^:}]+):|%\{ENV:([^}]+)\})/i.exec(
      rule.substitution,
    ) ?? []
  const isFromProgram =
    (map !== undefined && programs.has(map)) ||
    (variable !== undefined && tainted.has(variable))
  if (!isFromProgram || isGuarded(rule, programs, variable)) return []
  const where = locationOf(rule.directive)
  const remedy =
    'guard the rule: RewriteCond "%{ENV:UNIQUE_ID} ${map:%{ENV:UNIQUE_ID} …}" "^(\\S+) \\1 (zope1|zope2)$" and write scheme and host into the rule; or use the rules that zope-failover apache-conf prints'
  return [
    scheme === ''
      ? {
          code: 'proxy-to-itself',
          severity: 'error',
          what: 'scheme and host of this [P] rule come from the map, and no condition checks that there is an answer',
          why: 'a dead map program answers nothing. Only a path is left, which httpd treats as a path on this server and proxies to itself, again and again, until every worker is busy: one request stops the whole server',
          remedy,
          where,
        }
      : {
          code: 'target-unguarded',
          severity: 'warning',
          what: 'the host of this [P] rule comes from the map, and no condition checks that there is an answer',
          why: `a dead map program answers nothing, and ${scheme}/… gives every visitor an error page (400 AH01083, or 500 AH01144)`,
          remedy,
          where,
        },
  ]
}

function hostFindings(rule: Rule): Finding[] {
  if (!isProxyRule(rule)) return []
  const where = locationOf(rule.directive)
  const [, host = ''] = /^[a-z]+:\/\/([^/]*)/i.exec(rule.substitution) ?? []
  if (/\$\d|%\{(?:HTTP_|HTTP:)/i.test(host))
    return [
      {
        code: 'open-proxy',
        severity: 'error',
        what: `the visitor chooses the host of this [P] rule: ${host}`,
        why: 'any visitor can reach any host through this server',
        remedy: 'write the host into the rule, or choose it with a map',
        where,
      },
    ]
  if (/\/VirtualHostBase\/.*%\{HTTP_HOST\}/.test(rule.substitution))
    return [
      {
        code: 'vhm-host-from-visitor',
        severity: 'warning',
        what: 'the VirtualHostMonster path contains %{HTTP_HOST}',
        why: 'that is whatever the visitor sent, including the port: Zope puts it into links, and a cache serves them to others',
        remedy:
          'write the site’s own name, or %{SERVER_NAME} with UseCanonicalName On',
        where,
      },
    ]
  return []
}

function fidelityFindings(rule: Rule): Finding[] {
  if (
    !isProxyRule(rule) ||
    !/^[a-z]+:\/\/.*\/[^?]*[$]\d/i.test(rule.substitution)
  )
    return []
  const where = locationOf(rule.directive)
  const remedy =
    'RewriteMap esc int:escape, then …/${esc:$1} with the flags [P,NE]: the one form that keeps every URL'
  const isEscaped = /\$\{\w+:\$\d\}/.test(rule.substitution)
  if (isEscaped && !hasFlag(rule, 'ne', 'noescape'))
    return [
      {
        code: 'url-escaped-twice',
        severity: 'warning',
        what: 'the path is escaped by a map and the flag NE is missing',
        why: 'it is escaped a second time: %20 arrives at Zope as %2520',
        remedy,
        where,
      },
    ]
  if (isEscaped) return []
  if (rule.flags.some(flag => /^BNE=/i.test(flag))) return []
  if (hasFlag(rule, 'ne', 'noescape'))
    return [
      {
        code: 'url-unescaped',
        severity: 'warning',
        what: 'the path goes to Zope unescaped: a bare $1 with the flag NE',
        why: 'blanks and ? in a path are refused (403), UTF-8 gives 400, and %25 arrives as a bare %',
        remedy,
        where,
      },
    ]
  if (hasFlag(rule, 'b'))
    return [
      {
        code: 'url-escaped-twice',
        severity: 'warning',
        what: 'the path is escaped by the flag B, and once more by [P]',
        why: '%3F arrives at Zope as %253f, a blank as "+"',
        remedy,
        where,
      },
    ]
  return [
    {
      code: 'url-refused',
      severity: 'info',
      what: 'the path goes to Zope as a bare $1',
      why: 'since 2.4.60 httpd then refuses every URL with %3F in its path (403 AH10508)',
      remedy,
      where,
    },
  ]
}

function flagFindings(rule: Rule): Finding[] {
  const unsafe = rule.flags.find(flag => /^unsafe/i.test(flag))
  if (unsafe === undefined) return []
  return [
    {
      code: 'unsafe-flag',
      severity: 'warning',
      what: `the flag ${unsafe} turns off one of httpd's own protections`,
      why: 'with UnsafeAllow3F the path is cut at the ? and the rest becomes a query (CVE-2024-38474); with UnsafePrefixStat a visitor may choose a file system path (CVE-2024-38475)',
      remedy: 'remove it; ${esc:$1} with [P,NE] passes every path without it',
      where: locationOf(rule.directive),
    },
  ]
}

function nonceFindings(
  rule: Rule,
  programs: ReadonlySet<string>,
  httpd: HttpdFacts,
): Finding[] {
  const asked = textsOf(rule).filter(text =>
    mapsIn(text).some(name => programs.has(name)),
  )
  if (asked.length === 0) return []
  const where = locationOf(rule.directive)
  if (asked.some(text => text.includes('%{UNIQUE_ID}')))
    return [
      {
        code: 'nonce-empty',
        severity: 'error',
        what: 'the lookup carries %{UNIQUE_ID}, which is always empty in a rule',
        why: 'without the ID a rule cannot tell whether an answer belongs to its request',
        remedy: 'write %{ENV:UNIQUE_ID}',
        where,
      },
    ]
  if (
    asked.some(text => text.includes('%{ENV:UNIQUE_ID}')) &&
    !httpd.conf.modules.has('unique_id_module')
  )
    return [
      {
        code: 'module-missing',
        severity: 'error',
        what: 'the lookup carries %{ENV:UNIQUE_ID}, and the module unique_id is not loaded',
        why: 'without the ID a rule cannot tell whether an answer belongs to its request; a rule that compares it accepts no answer',
        remedy: 'a2enmod unique_id',
        where,
      },
    ]
  const isChecked = rule.conditions.some(
    ({ test, pattern }) =>
      mapsIn(test).some(name => programs.has(name)) && pattern.includes('\\1'),
  )
  if (isChecked) return []
  return [
    {
      code: 'answer-unchecked',
      severity: 'warning',
      what: 'no rule checks that an answer belongs to this request',
      why: 'when an httpd child dies between question and answer, or the program writes an extra line, every visitor from then on gets the previous visitor’s answer',
      remedy:
        'ask and compare in one condition: RewriteCond "%{ENV:UNIQUE_ID} ${map:%{ENV:UNIQUE_ID} …}" "^(\\S+) \\1 (zope1|zope2)$"',
      where,
    },
  ]
}

function defaultFindings(rule: Rule, programs: ReadonlySet<string>): Finding[] {
  const found = textsOf(rule)
    .flatMap(text => [...text.matchAll(/\$\{([^:}]+):[^$]*?\|([^}]*)\}/g)])
    .find(([, name = '']) => programs.has(name))
  if (found === undefined) return []
  return [
    {
      code: 'default-unused',
      severity: 'warning',
      what: `the default "${found[2]}" is meant for when the map program is dead, but is not used then`,
      why: 'a dead program returns an empty string, which counts as found; the default is only used for NULL',
      remedy:
        'test the answer in a RewriteCond, and write the default as a separate rule after it',
      where: locationOf(rule.directive),
    },
  ]
}

function versionFindings(rule: Rule, { version }: HttpdFacts): Finding[] {
  if (version === undefined) return []
  const where = locationOf(rule.directive)
  if (
    version === '2.4.64' &&
    rule.conditions.some(({ test }) => test.toLowerCase() === 'expr')
  )
    return [
      {
        code: 'httpd-bug',
        severity: 'error',
        what: 'httpd 2.4.64 evaluates every "RewriteCond expr" as true',
        why: 'CVE-2025-54090: the rule applies to every request',
        remedy: 'update httpd; 2.4.65 fixes it',
        where,
      },
    ]
  if (
    compareVersions(version, '2.4.69') < 0 &&
    textsOf(rule).some(text => text.includes('%{LA-U:HTTP:'))
  )
    return [
      {
        code: 'httpd-bug',
        severity: 'warning',
        what: `httpd ${version} has a bug in %{LA-U:HTTP:…}`,
        why: 'CVE-2026-56154, fixed in 2.4.69',
        remedy: 'update httpd, or write %{HTTP:…}',
        where,
      },
    ]
  return []
}

function wholeRequestFindings(rule: Rule): Finding[] {
  const isTaken = rule.conditions.some(
    ({ test, pattern }) =>
      test.includes('%{THE_REQUEST}') && pattern.includes('('),
  )
  if (
    !isTaken ||
    !isProxyRule(rule) ||
    !/%\d/.test(rule.substitution) ||
    rule.conditions.some(({ pattern }) => /^!.*(?:\\\.\\\.|%2e)/i.test(pattern))
  )
    return []
  return [
    {
      code: 'raw-path',
      severity: 'warning',
      what: 'the path comes from %{THE_REQUEST}, as the visitor wrote it',
      why: '".." in it reaches Zope and may lead out of the site (VirtualHostRoot)',
      remedy:
        'RewriteCond %{THE_REQUEST} "!\\.\\.|%2e" [NC] before it, or ${esc:$1} with [P,NE]',
      where: locationOf(rule.directive),
    },
  ]
}

function severalLookups(
  rules: readonly Rule[],
  programs: ReadonlySet<string>,
): Finding[] {
  const asking = rules.filter(rule =>
    textsOf(rule).some(text => mapsIn(text).some(name => programs.has(name))),
  )
  const [, second] = asking
  if (second === undefined) return []
  return [
    {
      code: 'several-lookups',
      severity: 'info',
      what: `${asking.length} rules here use a map program`,
      why: 'httpd does not cache the answers of a program: each rule reached makes another lookup, under a lock that all of httpd shares',
      remedy:
        'look it up once, in a RewriteCond, keep the answer with [E=NAME:%1] and use %{ENV:NAME}',
      where: locationOf(second.directive),
    },
  ]
}
