// The site around the generated rules: is the Include read at all, and what do
// caches, other names and other ports do to the site? Pure.
import { originOf, type Backend, type Config } from '../../config/config.ts'
import type { HttpdFacts, OwnFacts } from '../facts.ts'
import { locationOf, type Finding } from '../finding.ts'
import type { Directive } from '../httpd-conf.ts'
import { ownMap } from '../map-command.ts'
import { rulesInOrder } from '../reach.ts'
import {
  isProxyRule,
  mapsIn,
  mapsOf,
  rulesOf,
  serversOf,
  setting,
  textsOf,
  type Rule,
  type Server,
} from '../servers.ts'
import { commandWords } from './generated.ts'
import { isServed, sitesOf, type Site } from './reach.ts'

export function siteFindings(httpd: HttpdFacts, facts: OwnFacts): Finding[] {
  const servers = serversOf(httpd.conf)
  const [main] = servers
  const found = sitesOf(httpd)
  const sites = found.map(({ server }) => server)
  const served = found.filter(isServed).map(({ server }) => server)
  return [
    ...includeFindings(httpd, facts),
    ...sites.flatMap(server => [
      ...cacheFindings(server, main),
      ...listenFindings(server, httpd),
    ]),
    ...found.filter(isServed).flatMap(site => hiddenPages(site, main)),
    ...served.flatMap(server => [
      ...aliasFindings(server, main),
      ...otherPortFindings(server, servers, sites),
    ]),
  ]
}

/** Backends that are one server: `localhost` and `127.0.0.1` are one machine. */
export function sameUrlFindings({ backends }: Config): Finding[] {
  const first = new Map<string, Backend>()
  return backends.flatMap((backend): Finding[] => {
    const host = backend.host.toLowerCase().replace(/\.$/, '')
    const isHere = /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/.test(host)
    // each address of 127.0.0.0/8 can have its own server
    const key = `${isHere && /^(?:localhost|::1)$/.test(host) ? '127.0.0.1' : host}:${backend.port}`
    const other = first.get(key)
    if (other === undefined) {
      first.set(key, backend)
      return []
    }
    return [
      {
        code: 'backends-same-url',
        severity: 'warning',
        what: `${other.name} and ${backend.name} are one server: ${originOf(other)} and ${originOf(backend)}`,
        why: 'if it dies there is no other backend, and every second chance goes to the same server',
        remedy: `give ${backend.name} the URL of another Zope, or take it out of the configuration`,
        where: null,
      },
    ]
  })
}

/** Whether anything that httpd reads refers to this configuration. */
function includeFindings(httpd: HttpdFacts, { config }: OwnFacts): Finding[] {
  const servers = serversOf(httpd.conf)
  const [main] = servers
  const programs = servers.flatMap(mapsOf).filter(({ kind }) => kind === 'prg')
  const signs = [
    `${config.directory}/`,
    // rules of the administrator's own, for any Zope
    'VirtualHostBase/',
    'balancer://',
    ...config.backends.map(originOf),
  ]
  const isAbout = httpd.conf.directives.some(({ args }) =>
    args.some(arg => signs.some(sign => arg.includes(sign))),
  )
  // a configuration that httpd rejects was not read to the end
  if (httpd.refusal !== undefined) return []
  if (programs.length === 0 && !isAbout)
    return [
      {
        code: 'not-included',
        severity: 'warning',
        what: `nothing that httpd reads from ${httpd.confFile} refers to these backends`,
        why: 'this httpd makes no lookups and sends no request to a backend: it does not read the generated file, or the site that includes it',
        remedy: `write in the <VirtualHost>: Include /etc/apache2/zope-failover.conf, enable its file (a2ensite NAME), and: ${httpd.reload}; or name another configuration with --httpd-conf`,
        where: httpd.confFile,
      },
    ]
  // the server part is read, but no site part
  const made = new Set(httpd.generated.map(({ file }) => file))
  return programs
    .filter(
      ({ argv, directive, server }) =>
        ownMap(argv) !== undefined && server.isMain && made.has(directive.file),
    )
    .filter(
      ({ name }) =>
        !servers.some(server =>
          rulesInOrder(server, main).some(rule =>
            textsOf(rule).flatMap(mapsIn).includes(name),
          ),
        ),
    )
    .map(({ name, directive }) => ({
      code: 'map-unasked',
      severity: 'warning',
      what: `no virtual host asks the map ${name}`,
      why: 'httpd reads the server part but no site part (--part site), so no request reaches a backend',
      remedy: `zope-failover apache-conf --part site --output /etc/apache2/zope-failover-site.conf, include it in the <VirtualHost>, and: ${httpd.reload}`,
      where: locationOf(directive),
    }))
}

/** The site's own error pages that the maintenance page replaces. */
function hiddenPages({ server, rules, httpd }: Site, main: Server): Finding[] {
  // the last one for a status counts; the host's overrides the server's
  const pages = new Map(
    [...main.own, ...server.own]
      .filter(({ name }) => name === 'errordocument')
      .map(directive => [directive.args.slice(0, 1).join(''), directive]),
  )
  const made = httpd.generated.filter(({ file }) =>
    rules.some(({ directive }) => directive.file === file),
  )
  return made.flatMap(({ file, command }) => {
    const options = commandWords(command)
    const hidden = [...pages].filter(
      ([status, { args }]) =>
        /^50[234]$/.test(status) &&
        args[1] !== 'default' &&
        !options.some(
          (word, at) => word === status && options[at - 1] === keepOption,
        ),
    )
    const more = hidden.map(([status]) => ` ${keepOption} ${status}`).join('')
    return hidden.map(([status, directive]) => ({
      code: 'error-page-hidden',
      severity: 'info' as const,
      what: `the ErrorDocument for ${status} is not used when no backend can serve`,
      why: `${file} sets its own maintenance page`,
      remedy: `${command}${more} --output ${file}\nand reload: ${httpd.reload}`,
      where: locationOf(directive),
    }))
  })
}

const keepOption = '--keep-error-document'

/** What mod_cache does to the answers of a site. */
function cacheFindings(server: Server, main: Server): Finding[] {
  const all = [...main.directives, ...server.directives]
  const enabled = all.find(({ name }) => name === 'cacheenable')
  if (enabled === undefined) return []
  const isSet = (name: string, value: string): boolean =>
    setting(server, name)?.[0]?.toLowerCase() === value ||
    (setting(server, name) === undefined &&
      setting(main, name)?.[0]?.toLowerCase() === value)
  const findings: Finding[] = []
  const unsafe = ['cachestoreprivate', 'cachestorenostore'].flatMap(
    name =>
      all.findLast(
        one => one.name === name && /^on$/i.test(one.args[0] ?? ''),
      ) ?? [],
  )
  for (const directive of unsafe)
    findings.push({
      code: 'cache-private',
      severity: 'error',
      what: `${directive.name === 'cachestoreprivate' ? 'CacheStorePrivate' : 'CacheStoreNoStore'} On in ${server.name}`,
      why: 'a page that Zope rendered for one visitor is stored and served to every other',
      remedy: 'remove it',
      where: locationOf(directive),
    })
  const ignored = all
    .filter(({ name }) => name === 'cacheignoreheaders')
    .flatMap(({ args }) => args)
  const missing = [
    ...(ignored.some(name => name.toLowerCase() === 'set-cookie')
      ? []
      : ['CacheIgnoreHeaders Set-Cookie']),
    ...(isSet('cachequickhandler', 'off') ? [] : ['CacheQuickHandler Off']),
  ]
  if (missing.length > 0)
    findings.push({
      code: 'cache-shared',
      severity: 'warning',
      what: `mod_cache keeps answers of ${server.name}, without ${missing.join(' and ')}`,
      why: 'a cached answer gives the first visitor’s cookies to every other visitor, and is served before httpd applies anything else (Require, redirects, the second chance)',
      remedy: `write in the virtual host:\n${missing.join('\n')}\nand make Zope send Cache-Control: private with the pages of logged-in visitors`,
      where: locationOf(enabled),
    })
  return findings
}

/** `https://www.example.org:443` -> `www.example.org` */
function bareName(text: string): string {
  return text
    .replace(/^https?:\/\//i, '')
    .replace(/:\d+$/, '')
    .toLowerCase()
}

function namesOf(server: Server): string[] {
  const aliases = server.own
    .filter(({ name }) => name === 'serveralias')
    .flatMap(({ args }) => args)
  const names = [...(setting(server, 'servername') ?? []), ...aliases]
  return [...new Set(names.map(bareName))]
}

function isVhm(rule: Rule): boolean {
  return textsOf(rule).some(text => text.includes('VirtualHostBase/'))
}

/** Zope's links have one host name, whatever name the visitor typed. */
function aliasFindings(server: Server, main: Server): Finding[] {
  const rules = rulesInOrder(server, main)
  const at = rules.findIndex(isVhm)
  const text = rules
    .slice(at === -1 ? rules.length : at, at + 1)
    .flatMap(textsOf)
    .join(' ')
  const [, base] =
    /VirtualHostBase\/[^/]+\/([^/:]+|%\{[^}]+\})[:/]/.exec(text) ?? []
  if (base === undefined) return []
  const isServerName = base === '%{SERVER_NAME}'
  const canonical =
    setting(server, 'usecanonicalname') ?? setting(main, 'usecanonicalname')
  if (isServerName && canonical?.[0]?.toLowerCase() !== 'on') return []
  const name = isServerName
    ? bareName(setting(server, 'servername')?.[0] ?? '')
    : bareName(base)
  if (name === '' || name.includes('%')) return []
  const directive = server.own.find(({ name: it }) => it === 'serveralias')
  const others = namesOf(server).filter(it => it !== name)
  const isRedirected = rules
    .slice(0, at)
    .some(
      one =>
        !isProxyRule(one) &&
        /^https?:\/\//i.test(one.substitution) &&
        one.conditions.some(({ test }) =>
          /HTTP_HOST|SERVER_NAME|HTTP:Host/i.test(test),
        ),
    )
  if (others.length === 0 || directive === undefined || isRedirected) return []
  const [first = ''] = others
  return [
    {
      code: 'alias-links-leave',
      severity: 'warning',
      what: `visitors of ${others.join(', ')} get pages whose links lead to ${name}`,
      why: 'the first click changes the host, and the login and the route cookie are lost',
      remedy: `write before the line that includes the generated file:\nRewriteCond "%{HTTP_HOST}" "!^${name.replaceAll('.', '\\.')}(?::\\d+)?$" [NC]\nRewriteRule "^" "%{REQUEST_SCHEME}://${name}%{REQUEST_URI}" [R=301,END,NE]\nor give ${first} its own virtual host, with a file generated with --url`,
      where: locationOf(directive),
    },
  ]
}

const takes = /^(?:redirect|proxypass|jkmount|wsgiscriptalias)/

/** The same site on another port, where the Include is missing. */
function otherPortFindings(
  server: Server,
  servers: readonly Server[],
  sites: readonly Server[],
): Finding[] {
  const names = new Set(namesOf(server))
  return servers.flatMap((other): Finding[] => {
    const { place } = other
    if (other.isMain || other === server || place === undefined) return []
    if (
      sites.includes(other) ||
      portsOf(other).every(port => portsOf(server).includes(port))
    )
      return []
    if (!namesOf(other).some(name => names.has(name))) return []
    const isBusy =
      other.directives.some(({ name }) => takes.test(name)) ||
      rulesOf(other).length > 0
    if (isBusy) return []
    return [
      {
        code: 'host-without-rules',
        severity: 'warning',
        what: `${other.name} on port ${portsOf(other).join(', ')} has neither the rules nor a redirect, while the one on port ${portsOf(server).join(', ')} sends its requests to the backends`,
        why: 'visitors on that port get files from httpd’s DocumentRoot, not the site',
        remedy: `include the generated file there as well, or redirect: Redirect permanent / https://${[...names][0]}/`,
        where: locationOf(place),
      },
    ]
  })
}

function portsOf({ addresses }: Server): string[] {
  return addresses.map(address => /:(\d+|\*)$/.exec(address)?.[1] ?? '*')
}

/** A virtual host on a port that httpd does not listen on. */
function listenFindings(server: Server, { conf }: HttpdFacts): Finding[] {
  const { place } = server
  const listened = conf.directives
    .filter(({ name }: Directive) => name === 'listen')
    .map(({ args: [address = ''] }) => address.replace(/.*:/, ''))
  const ports = portsOf(server)
  if (
    place === undefined ||
    ports.length === 0 ||
    ports.some(port => port === '*' || listened.includes(port))
  )
    return []
  return [
    {
      code: 'host-not-listened',
      severity: 'warning',
      what: `${server.name} is for port ${ports.join(', ')}, but httpd does not listen on it`,
      why: 'no request ever reaches the rules in it',
      remedy: `write at server level: Listen ${ports[0]}`,
      where: locationOf(place),
    },
  ]
}
