// The checked configuration and a few choices -> the lines for squid.conf. Pure:
// the caller reads the template and knows the paths.
import { fill, type Values } from '../apache-conf/template.ts'
import type { Backend, Config, Pool } from '../config/config.ts'
import { ConfigError } from '../config/problem.ts'
import { describeValue } from '../text/describe.ts'
import { siteOptions } from '../config/site.ts'
import { parseSites } from './site.ts'
import type { PublicOrigin } from './virtual-host.ts'

/** How Squid finds the backend. */
export const squidStyles = ['helper', 'external-acl', 'icp'] as const
export type SquidStyle = (typeof squidStyles)[number]

export type SquidConfOptions = {
  readonly style: SquidStyle
  /** undefined: every pool */
  readonly pool: string | undefined
  /** `[POOL=]PATH`; that of the configuration for each pool without one */
  readonly site: readonly string[]
  /** `[POOL=]URL`, in the same way */
  readonly url: readonly string[]
  /** name of the route cookie; undefined: visitors are not bound */
  readonly cookie: string | undefined
  readonly affinity: 'none' | 'address'
  /** how long a backend may be silent */
  readonly timeoutMs: number
  readonly retryAfterMs: number
  /** absolute path of the page for 503, which Squid reads at each start */
  readonly page: string
  /** absolute paths: what Squid starts, and what that starts */
  readonly launcher: string
  readonly node: string
  readonly main: string
  readonly configFile: string
  /** for the comment: how to make this again */
  readonly command: string
  readonly version: string
}

/**
 * What to include in squid.conf.
 *
 * @throws {ConfigError} with everything that squid.conf cannot express
 */
export function renderSquidConf(
  template: string,
  config: Config,
  given: SquidConfOptions,
): string {
  const { style, cookie } = given
  const problems: string[] = []
  const pools = poolsOf(config, given.pool, problems)
  const options = withConfiguredSites(given, pools)
  const backends = config.backends.filter(({ name }) =>
    pools.some(({ members }) => members.some(it => it.name === name)),
  )
  const {
    sites,
    origins,
    problems: siteProblems,
  } = parseSites(options.site, options.url)
  problems.push(
    ...siteProblems,
    ...unknownPools(config, [...sites.keys(), ...origins.keys()]),
    ...optionProblems(config, options, pools, backends, origins),
  )
  const helper = helperCommand(config, options, problems)
  if (problems.length > 0) throw new ConfigError(problems)

  const isIcp = style === 'icp'
  const icpPorts = icpPortsOf(config)
  const severalPools = pools.length > 1
  const names = pools.map(({ name }) => name).join(', ')
  const schemes = new Set(
    pools.map(({ name }) => originOfPool(origins, name)?.scheme),
  )
  return fill(template, {
    version: options.version,
    command: options.command,
    configFile: options.configFile,
    what: severalPools ? 'all pools' : `pool "${names}"`,
    how: styleText[style],
    ports: ports(pools, origins),
    annotates: !isIcp,
    isHelper: style === 'helper',
    isExternal: style === 'external-acl',
    isIcp,
    isOpen: isIcp || !severalPools,
    severalPools,
    peers: backends.map(backend => ({
      name: backend.name,
      address: backend.host,
      port: backend.port,
      icpPort: String(isIcp ? icpPorts.get(backend.name) : 0),
      options: peerOptions(backend, isIcp),
      spread: isIcp ? '' : ' round-robin',
      foreign: severalPools ? notIn(backend, pools) : false,
    })),
    pools: pools.map(({ name }) => {
      const host = originOfPool(origins, name)?.host
      return {
        pool: name,
        host: host ?? false,
        // the annotation comes before the question, so that both have it
        condition: `${host === undefined ? '' : `zf_host_${name} `}zf_pool_${name}`,
      }
    }),
    helper,
    children: 2,
    poolField: severalPools ? '%{pool_}note' : names,
    fields: [
      cookie === undefined ? '-' : `%{Cookie:;${cookie}}>h`,
      ...(options.affinity === 'address' ? ['%>a'] : []),
    ].join(' '),
    needsRewriting: style === 'helper' && sites.size > 0,
    pageFromErrorDirectory: `${upToRoot}${options.page}`,
    retryAfter: seconds(options.retryAfterMs),
    timeout: seconds(options.timeoutMs),
    cookie: isIcp ? false : (cookie ?? false),
    plain: schemes.size !== 1 || !schemes.has('https'),
    secure: !(schemes.size === 1 && schemes.has('http')),
    mixed: schemes.size > 1 || schemes.has(undefined),
    tls: schemes.size > 1 || schemes.has(undefined) ? ' zf_tls' : '',
    notTls: schemes.size > 1 || schemes.has(undefined) ? ' !zf_tls' : '',
    icpPortOfSquid: 3130,
  })
}

/**
 * With `pools.NAME.site` for each pool that the options do not mention. Only the
 * helper rewrites paths: the other styles use just the URL.
 */
function withConfiguredSites(
  options: SquidConfOptions,
  pools: readonly Pool[],
): SquidConfOptions {
  const { sites, origins } = parseSites(options.site, options.url)
  const configured = pools.flatMap(({ name, site }) => {
    const said = siteOptions(site)
    return said === undefined ? [] : [{ name, ...said }]
  })
  return {
    ...options,
    site: [
      ...options.site,
      ...configured
        .filter(
          ({ name }) =>
            options.style === 'helper' && !sites.has(name) && !sites.has(''),
        )
        .map(({ name, path }) => `${name}=${path === '' ? '/' : path}`),
    ],
    url: [
      ...options.url,
      ...configured.flatMap(({ name, url }) =>
        url === undefined || origins.has(name) || origins.has('')
          ? []
          : [`${name}=${url}`],
      ),
    ],
  }
}

function icpPortsOf({ icp }: Config): ReadonlyMap<string, number> {
  return new Map(icp?.listen.map(({ backend, port }) => [backend, port]))
}

const styleText: Record<SquidStyle, string> = {
  helper: 'asks zope-failover squid-helper about each request',
  'external-acl': 'asks zope-failover squid-helper as an ACL',
  icp: 'asks zope-failover icp on the hosts of the Zopes',
}

/** More levels than any error_directory has; the parent of the root is the root. */
const upToRoot = '../../../../../../../../../../../..'

const seconds = (ms: number): number => Math.ceil(ms / 1_000)

function poolsOf(
  config: Config,
  name: string | undefined,
  problems: string[],
): readonly Pool[] {
  if (name === undefined) return config.pools
  const pools = config.pools.filter(pool => pool.name === name)
  if (pools.length === 0)
    problems.push(
      `--pool must name one of the pools (${config.pools.map(pool => pool.name).join(', ')}), got ${describeValue(name)}`,
    )
  return pools
}

function unknownPools(config: Config, names: readonly string[]): string[] {
  const known = new Set(['', ...config.pools.map(({ name }) => name)])
  return [...new Set(names)]
    .filter(name => !known.has(name))
    .map(
      name =>
        `--site and --url must name pools of the configuration (${config.pools.map(pool => pool.name).join(', ')}), got ${describeValue(name)}`,
    )
}

/** The URL for one pool, else the one for all. */
function originOfPool(
  origins: ReadonlyMap<string, PublicOrigin>,
  pool: string,
): PublicOrigin | undefined {
  return origins.get(pool) ?? origins.get('')
}

function optionProblems(
  config: Config,
  options: SquidConfOptions,
  pools: readonly Pool[],
  backends: readonly Backend[],
  origins: ReadonlyMap<string, PublicOrigin>,
): string[] {
  const { style, cookie } = options
  const problems: string[] = []
  if (cookie !== undefined && !/^[\w-]{1,64}$/.test(cookie))
    problems.push(
      `--cookie must be letters, digits, "_" and "-", at most 64, got ${describeValue(cookie)}`,
    )
  if (!(options.timeoutMs >= 1_000))
    problems.push(`--timeout must be at least 1s, got ${options.timeoutMs}ms`)
  if (style !== 'helper' && options.site.length > 0)
    problems.push(
      `--site must be left out with --style ${style}: only --style helper can rewrite a path. Map the host name to the site in Zope instead, in the Mappings tab of its virtual_hosting object`,
    )
  const unnamed = pools.filter(({ name }) => !origins.has(name))
  if (style !== 'icp' && pools.length > 1 && unnamed.length > 1)
    problems.push(
      `--url must name the host of every pool but one when there are several, such as --url POOL=https://www.example.org; missing: ${unnamed.map(({ name }) => name).join(', ')}. For one pool alone use --pool`,
    )
  if (style === 'icp') {
    if (pools.length > 1)
      problems.push(
        `--pool must name one pool with --style icp (${pools.map(({ name }) => name).join(', ')}): a responder answers for one`,
      )
    const missing = backends.filter(({ name }) => !icpPortsOf(config).has(name))
    if (missing.length > 0)
      problems.push(
        `icp.listen must have the ICP address of each backend for --style icp, missing: ${missing.map(({ name }) => name).join(', ')}`,
      )
  }
  return problems
}

function peerOptions({ tls, probe }: Backend, isIcp: boolean): string {
  return [
    ...(isIcp ? [] : ['no-query']),
    'no-digest',
    'no-netdb-exchange',
    ...(tls ? ['tls', 'tls-default-ca=on'] : []),
    ...(tls && !probe.verify ? ['sslflags=DONT_VERIFY_PEER'] : []),
  ].join(' ')
}

/** For requests without an annotation: only the backends of their own pool. */
function notIn({ name }: Backend, pools: readonly Pool[]): string {
  return pools
    .filter(({ members }) => members.some(member => member.name === name))
    .map(pool => ` !zf_in_${pool.name}`)
    .join('')
}

function ports(
  pools: readonly Pool[],
  origins: ReadonlyMap<string, PublicOrigin>,
): Values[] {
  const lines = new Set(
    pools.map(({ name }) => {
      const origin = originOfPool(origins, name)
      if (origin === undefined)
        return 'http_port 80 accel vhost defaultsite=www.example.org'
      return origin.scheme === 'https'
        ? `https_port ${origin.port} accel vhost defaultsite=${origin.host} tls-cert=/etc/squid/${origin.host}.pem`
        : `http_port ${origin.port} accel vhost defaultsite=${origin.host}`
    }),
  )
  return [...lines].map(port => ({ port }))
}

/** Squid splits at spaces and knows no quotes here. */
function helperCommand(
  config: Config,
  options: SquidConfOptions,
  problems: string[],
): string {
  if (options.style === 'icp') return ''
  const words = [
    options.launcher,
    options.node,
    options.main,
    '--config',
    options.configFile,
    '--directory',
    config.directory,
    ...options.site.flatMap(site => ['--site', site]),
    ...options.url.flatMap(url =>
      options.site.length > 0 ? ['--url', url] : [],
    ),
  ]
  for (const word of [...words, options.page])
    if (!/^[\w./+@:,=~[\]-]+$/.test(word))
      problems.push(
        `squid.conf cannot hold ${describeValue(word)}: it must be of letters, digits and ./+@:,=~_- without spaces`,
      )
  return words.join(' ')
}
