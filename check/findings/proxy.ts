// How httpd proxies: balancers, error pages, slashes. Pure.
import type { HttpdFacts } from '../facts.ts'
import { locationOf, type Finding, type Severity } from '../finding.ts'
import { compareVersions, type Directive } from '../httpd-conf.ts'
import {
  isProxyRule,
  matches,
  mapsIn,
  rulesOf,
  serversOf,
  setting,
  textsOf,
  type Rule,
  type Server,
} from '../servers.ts'
import { generatedSet } from './generated.ts'

/** @param made generated files that are up to date: nothing to lint there */
export function proxyFindings(
  httpd: HttpdFacts,
  made: ReadonlySet<string> = generatedSet(httpd),
): Finding[] {
  const servers = serversOf(httpd.conf)
  return [
    ...httpd.conf.directives
      .filter(directive => !made.has(directive.file))
      .flatMap(directive => [
        ...balancerFindings(directive, httpd.version),
        ...plainFindings(directive),
      ]),
    ...servers.flatMap(server => [
      ...slashFindings(server),
      ...overrideFindings(server),
      ...errorPageFindings(server),
      ...nameFindings(server, servers[0], made),
    ]),
  ]
}

/** `key=value` parameters of a worker, keys in lowercase. */
function parameters({ args }: Directive): Map<string, string> {
  return new Map(
    args.flatMap(arg => {
      const at = arg.indexOf('=')
      return at > 0 && /^\w+$/.test(arg.slice(0, at))
        ? [[arg.slice(0, at).toLowerCase(), arg.slice(at + 1)] as const]
        : []
    }),
  )
}

function balancerFindings(
  directive: Directive,
  version: string | undefined,
): Finding[] {
  const isMember = directive.name === 'balancermember'
  if (
    !isMember &&
    directive.name !== 'proxyset' &&
    directive.name !== 'proxypass'
  )
    return []
  const where = locationOf(directive)
  const given = parameters(directive)
  const findings: Finding[] = []
  const add = (
    code: string,
    severity: Severity,
    what: string,
    why: string,
    remedy: string,
  ): void => {
    findings.push({ code, severity, what, why, remedy, where })
  }
  const retry = given.get('retry')
  if (retry !== undefined && !(Number.parseInt(retry, 10) > 0))
    add(
      'retry-0',
      'error',
      `retry=${retry} disables failover`,
      'before its second attempt httpd re-enables the member that has just refused: both attempts go to the same backend, and the visitor gets a 503',
      'write retry=1',
    )
  else if (isMember && retry === undefined)
    add(
      'retry-default',
      'warning',
      'a balancer member without retry=',
      'after one refused connection httpd does not use a member for 60 s, whatever the monitor says',
      'write retry=1',
    )
  if (isMember && !given.has('ttl'))
    add(
      'ttl-missing',
      'info',
      'a balancer member without ttl=',
      'waitress closes an idle connection after 120 s (channel_timeout); a request sent at that moment is lost (502 AH01102)',
      'write ttl=60',
    )
  if (given.has('hcmethod') && given.get('hcmethod')?.toLowerCase() !== 'none')
    add(
      'health-check-twice',
      version !== undefined && compareVersions(version, '2.4.68') < 0
        ? 'warning'
        : 'info',
      'httpd probes this member itself (hcmethod), in addition to the monitor',
      `it does not count consecutive results, loses its state at each graceful restart, and up to 2.4.67 can leave a member disabled permanently${version === undefined ? '' : ` (this is ${version})`}`,
      'remove the hc… parameters and leave health checks to the monitor',
    )
  if (given.has('failonstatus'))
    add(
      'fail-on-status',
      'info',
      'failonstatus= makes httpd judge a backend by its answers, in addition to the monitor',
      'one page with such an error takes the whole backend out of the balancer for the retry time',
      'remove it and leave health checks to the monitor',
    )
  return findings
}

function plainFindings(directive: Directive): Finding[] {
  const isOn = directive.args[0]?.toLowerCase() === 'on'
  const where = locationOf(directive)
  if (directive.name === 'proxyrequests' && isOn)
    return [
      {
        code: 'open-proxy',
        severity: 'error',
        what: 'ProxyRequests On turns this server into a forward proxy',
        why: 'any user can reach any host through it; rules with [P] do not need it',
        remedy: 'write ProxyRequests Off',
        where,
      },
    ]
  if (directive.name === 'balancerpersist' && isOn)
    return [
      {
        code: 'balancer-persist',
        severity: 'info',
        what: 'BalancerPersist On keeps httpd’s view of a backend across restarts',
        why: 'a member disabled by hand or by an error stays disabled, whatever the monitor says',
        remedy: 'write BalancerPersist Off',
        where,
      },
    ]
  return []
}

/** The rules of a server that proxy requests to a Zope. */
function proxyRules(server: Server): Rule[] {
  return rulesOf(server).filter(isProxyRule)
}

function slashFindings(server: Server): Finding[] {
  const directive = server.own.findLast(
    ({ name }) => name === 'allowencodedslashes',
  )
  const value = directive?.args[0]?.toLowerCase()
  const escaping = proxyRules(server).find(
    rule => mapsIn(rule.substitution).length > 0,
  )
  if (directive === undefined || escaping === undefined) return []
  const where = locationOf(directive)
  if (value === 'nodecode')
    return [
      {
        code: 'encoded-slashes',
        severity: 'warning',
        what: 'AllowEncodedSlashes NoDecode together with rules that escape the path',
        why: '%2F is escaped a second time and arrives at Zope as %252F, indistinguishable from a %252F that the visitor sent; every other character arrives as it was sent (httpd 2.4.71)',
        remedy:
          'remove it: the default, Off, answers %2F with a 404. Double slashes are a separate setting: // arrives as / unless you write MergeSlashes Off',
        where,
      },
    ]
  if (value === 'on')
    return [
      {
        code: 'encoded-slashes',
        severity: 'info',
        what: 'AllowEncodedSlashes On',
        why: '%2F in a path arrives at Zope as a plain /, which may name another object. %2F%2F arrives as // with MergeSlashes Off, and as / without it',
        remedy: 'remove it unless the site needs it',
        where,
      },
    ]
  return []
}

function overrideFindings(server: Server): Finding[] {
  const directive = server.own.findLast(
    ({ name }) => name === 'proxyerroroverride',
  )
  if (
    directive === undefined ||
    directive.args[0]?.toLowerCase() !== 'on' ||
    proxyRules(server).length === 0
  )
    return []
  return [
    {
      code: 'error-override',
      severity: 'warning',
      what: 'ProxyErrorOverride On where requests go to a Zope',
      why: 'httpd replaces Zope’s own error pages (its 404, its 401 with the login form)',
      remedy: 'write ProxyErrorOverride Off',
      where: locationOf(directive),
    },
  ]
}

/** Error pages that httpd would fetch from the server that caused the error. */
function errorPageFindings(server: Server): Finding[] {
  return server.directives
    .filter(({ name }) => name === 'errordocument')
    .flatMap(directive => {
      const [status = '', page = ''] = directive.args
      // 401 to 404 can come from httpd itself; proxying these pages does no harm
      if (!page.startsWith('/') || !/^50\d$/.test(status)) return []
      const back = proxiedBy(server, page)
      if (back === undefined) return []
      return [
        {
          code: 'error-page-proxied',
          severity: 'warning' as const,
          what: `the page for ${status}, ${page}, is itself proxied (${locationOf(back)})`,
          why: 'httpd fetches it like any other path: it makes another lookup, asks the backend that has just failed, and the visitor gets httpd’s bare error page',
          remedy: `write before the other rules: RewriteRule "^${page}" - [END]`,
          where: locationOf(directive),
        },
      ]
    })
}

/** The first rule or ProxyPass that sends this path to a backend. */
function proxiedBy(server: Server, path: string): Directive | undefined {
  for (const rule of rulesOf(server)) {
    const isAboutErrors = rule.conditions.some(({ test }) =>
      test.includes('REDIRECT_STATUS'),
    )
    if (isAboutErrors && !isProxyRule(rule)) return undefined
    const excludes = rule.conditions.some(
      ({ test, pattern }) =>
        /REQUEST_URI|THE_REQUEST/.test(test) && matches(pattern, path) !== true,
    )
    if (excludes || isAboutErrors || matches(rule.pattern, path) === false)
      continue
    if (isProxyRule(rule)) return rule.directive
    const isLast = rule.flags.some(flag => /^(?:END|L|last)$/i.test(flag))
    if (isLast && rule.conditions.length === 0) return undefined
  }
  // the first matching ProxyPass counts, so exclusions come first
  const pass = server.own.find(
    ({ name, args }) => name === 'proxypass' && path.startsWith(args[0] ?? '?'),
  )
  return pass?.args[1] === '!' ? undefined : pass
}

/** Without --url the name in Zope's links is the ServerName. */
function nameFindings(
  server: Server,
  main: Server,
  made: ReadonlySet<string>,
): Finding[] {
  const rule = proxyRules(server).find(
    one =>
      one.substitution.includes('%{SERVER_NAME}') &&
      mapsIn(textsOf(one).join(' ')).length > 0,
  )
  if (
    rule === undefined ||
    setting(server, 'servername') !== undefined ||
    setting(main, 'servername') !== undefined
  )
    return []
  return [
    {
      code: 'server-name-missing',
      severity: 'warning',
      what: `${server.name} has no ServerName, but its rules put it into Zope’s links`,
      why: 'httpd uses the machine’s host name, or whatever it finds',
      remedy: `write ServerName https://www.example.org:443 there, or generate the rules with --url`,
      where: made.has(rule.directive.file)
        ? server.place === undefined
          ? null
          : locationOf(server.place)
        : locationOf(rule.directive),
    },
  ]
}
