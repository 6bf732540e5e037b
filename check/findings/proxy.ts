// How httpd proxies: balancers, error pages, slashes. Pure.
import type { HttpdFacts } from '../facts.ts'
import { locationOf } from '../finding.ts'
import type { Finding, Severity } from '../finding.ts'
import { compareVersions } from '../httpd-conf.ts'
import type { Directive } from '../httpd-conf.ts'
import {
  isProxyRule,
  matches,
  mapsIn,
  rulesOf,
  serversOf,
  setting,
  textsOf,
} from '../servers.ts'
import type { Rule, Server } from '../servers.ts'
import { generatedSet } from './generated.ts'

/** @param made the generated files as they should be: nothing to lint there */
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

/** `key=value` parameters of a worker, keys in small letters. */
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
  const tell = (
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
    tell(
      'retry-0',
      'error',
      `retry=${retry} disables failover`,
      'before its second attempt httpd revives the member that has just refused: both attempts go to the same backend, and the visitor gets a 503',
      'write retry=1',
    )
  else if (isMember && retry === undefined)
    tell(
      'retry-default',
      'warning',
      'a balancer member without retry=',
      'httpd leaves a member that has refused once alone for 60 s, whatever the monitor says of it',
      'write retry=1',
    )
  if (isMember && !given.has('ttl'))
    tell(
      'ttl-missing',
      'info',
      'a balancer member without ttl=',
      'waitress closes an idle connection after 120 s (channel_timeout); a request that crosses with that is lost (502 AH01102)',
      'write ttl=60',
    )
  if (given.has('hcmethod') && given.get('hcmethod')?.toLowerCase() !== 'none')
    tell(
      'health-check-twice',
      version !== undefined && compareVersions(version, '2.4.68') < 0
        ? 'warning'
        : 'info',
      'httpd probes this member by itself (hcmethod), beside the monitor',
      `its counts are not consecutive, its state is lost at each graceful, and up to 2.4.67 a member can stay disabled for good${version === undefined ? '' : ` (this is ${version})`}`,
      'take the hc… parameters away; the monitor judges',
    )
  if (given.has('failonstatus'))
    tell(
      'fail-on-status',
      'info',
      'failonstatus= makes httpd judge a backend by its answers, beside the monitor',
      'one page with such an error takes the whole backend out of the balancer until retry is over',
      'take it away; the monitor judges',
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
        what: 'BalancerPersist On keeps what httpd learnt of a backend across restarts',
        why: 'a member that was disabled by hand or by an error stays so, whatever the monitor says',
        remedy: 'write BalancerPersist Off',
        where,
      },
    ]
  return []
}

/** A server that hands requests to a Zope by a rule. */
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
        why: '%2F is escaped a second time and arrives at Zope as %252F, so that it cannot be told from a %252F of the visitor; every other character arrives as it was sent (httpd 2.4.71)',
        remedy:
          'take it away: Off is httpd’s default, and %2F a 404. A double slash is another setting: // arrives as / unless you write MergeSlashes Off',
        where,
      },
    ]
  if (value === 'on')
    return [
      {
        code: 'encoded-slashes',
        severity: 'info',
        what: 'AllowEncodedSlashes On',
        why: '%2F in a path arrives at Zope as a plain /: another object, perhaps. %2F%2F arrives as // with MergeSlashes Off, and as / without it',
        remedy: 'take it away unless the site needs it',
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
      why: 'Zope’s own error pages (its 404, its 401 with the login form) are replaced by httpd’s',
      remedy: 'write ProxyErrorOverride Off',
      where: locationOf(directive),
    },
  ]
}

/** Error pages of httpd that would be fetched from where the error came from. */
function errorPageFindings(server: Server): Finding[] {
  return server.directives
    .filter(({ name }) => name === 'errordocument')
    .flatMap(directive => {
      const [status = '', page = ''] = directive.args
      // 401 to 404 are httpd's own, too; a proxied page of these does no harm
      if (!page.startsWith('/') || !/^50\d$/.test(status)) return []
      const back = proxiedBy(server, page)
      if (back === undefined) return []
      return [
        {
          code: 'error-page-proxied',
          severity: 'warning' as const,
          what: `the page for ${status}, ${page}, is itself proxied (${locationOf(back)})`,
          why: 'httpd fetches it like any other path: it asks the map again and goes to the backend that has just failed, and the visitor gets httpd’s bare page',
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
  // the first ProxyPass that fits counts, so exclusions come first
  const pass = server.own.find(
    ({ name, args }) => name === 'proxypass' && path.startsWith(args[0] ?? '?'),
  )
  return pass?.args[1] === '!' ? undefined : pass
}

/** Without --url the name in Zope's links is ServerName's. */
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
      what: `${server.name} has no ServerName, and its rules put that into Zope’s links`,
      why: 'httpd takes the name of the machine, or whatever it finds',
      remedy: `write ServerName https://www.example.org:443 there, or make the rules with --url`,
      where: made.has(rule.directive.file)
        ? server.place === undefined
          ? null
          : locationOf(server.place)
        : locationOf(rule.directive),
    },
  ]
}
