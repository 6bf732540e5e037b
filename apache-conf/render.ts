// The checked configuration and a few choices -> the lines to include in
// httpd's. Pure: the caller reads the templates and knows the paths.
import { bracketed } from '../text/host-port.ts'
import {
  originOf,
  systemCaFile,
  type Backend,
  type Config,
  type Pool,
} from '../config/config.ts'
import { parseOrigin } from '../text/origin.ts'
import { ConfigError } from '../config/problem.ts'
import { describeValue } from '../text/describe.ts'
import { siteOptions } from '../config/site.ts'
import { textMapFile } from '../sentinels/names.ts'
import { fill, type Values } from './template.ts'

/** The files of apache-conf/, by their names without `.conf`. */
export type Templates = {
  readonly prg: string
  readonly 'prg-sticky': string
  readonly 'prg-lookup': string
  readonly 'prg-again': string
  readonly sentinel: string
  readonly 'last-resort': string
  readonly turn: string
  readonly txt: string
}

/** How httpd finds the backend; each falls back to those after it. */
export type Style = 'prg' | 'txt' | 'sentinel'

export type Affinity = 'none' | 'address' | 'url'

export type SameSite = 'none' | 'lax' | 'strict'

/** Everything, or the part for the server, or the part for each of its sites. */
export type Part = 'whole' | 'server' | 'site'

export type RenderOptions = {
  /** left out: whole */
  readonly part?: Part
  /** left out: prg */
  readonly style?: Style
  /** undefined: the only pool, or the one called `default` */
  readonly pool: string | undefined
  /** what visitors type; undefined: that of the pool, else httpd's ServerName */
  readonly url: string | undefined
  /** path of the site inside Zope, `/Plone`; empty: Zope's root; undefined: that of the pool */
  readonly site: string | undefined
  /** path of the host that these rules take; omitted: all of it */
  readonly prefix?: string | undefined
  /** the path is rewritten for Zope's VirtualHostMonster */
  readonly isVhm: boolean
  /** name of the route cookie; undefined: visitors are not sticky */
  readonly cookie: string | undefined
  /** the cookie's attribute; left out: lax */
  readonly cookieSameSite?: SameSite
  readonly affinity: Affinity
  /** `USER[:GROUP]` the map program runs as; undefined: as the user that starts httpd */
  readonly mapUser: string | undefined
  /** how long a backend may be silent */
  readonly timeoutMs: number
  /** retry a GET or HEAD on the next backend if one could not answer it */
  readonly isSecondChance: boolean
  /** how long the first backend may be silent then; undefined: timeoutMs */
  readonly failoverAfterMs?: number | undefined
  /** connections to the backends are kept open */
  readonly isReuse?: boolean
  /** connections of one httpd child to one backend; undefined: its threads */
  readonly maxConnections: number | undefined
  /** requests may become WebSockets (mod_proxy_http since 2.4.47) */
  readonly isWebSocket?: boolean
  /** paths httpd serves itself, in addition to its status pages */
  readonly local: readonly string[]
  /** path that shows front.up to balancers; omitted: none */
  readonly up?: string | undefined
  /** HTML of the maintenance page */
  readonly page: string
  /** 502, 503, 504: those for which the site has its own ErrorDocument */
  readonly keptStatuses: readonly string[]
  readonly retryAfterMs: number
  /** absolute paths: the launcher that httpd starts, and what that starts */
  readonly launcher: string
  readonly node: string
  readonly main: string
  /** the observer's main file; left out: no observer */
  readonly observer?: string
  readonly configFile: string
  /** for the head: the command that generates this again */
  readonly command: string
  readonly version: string
}

/**
 * What to include in a `<VirtualHost>`, or at server level, or parts of it.
 *
 * @throws {ConfigError} with everything that httpd's configuration cannot express: an
 *   unknown pool, a path with quotes in it …
 */
export function render(
  templates: Templates,
  config: Config,
  options: RenderOptions,
): string {
  const problems: string[] = []
  const {
    cookie,
    style = 'prg',
    part = 'whole',
    cookieSameSite: sameSite = 'lax',
  } = options
  const pool =
    part === 'server'
      ? { ...noPool, name: '' }
      : choosePool(config, options.pool, problems)
  const members = backendsOf(config, pool)
  const configured = siteOptions(pool.site)
  const site = options.site ?? configured?.path ?? ''
  const publicUrl = options.url ?? configured?.url
  const url = publicUrl === undefined ? null : parseUrl(publicUrl, problems)
  checkOptions(options, site, problems)
  if (options.up !== undefined && config.front === undefined)
    problems.push(
      `--up must come with the key "front" in ${options.configFile}, which makes the monitor write front.up; write there: front: {}`,
    )
  if (sameSite === 'none' && url?.scheme === 'http')
    problems.push(
      `--cookie-samesite none must come with an https --url, because browsers refuse such a cookie without Secure, got ${describeValue(publicUrl)}`,
    )
  const isVerified = members.map(backend => backend.tls && backend.probe.verify)
  const isUnverified = members.map(
    backend => backend.tls && !backend.probe.verify,
  )
  if (
    part !== 'server' &&
    isVerified.includes(true) &&
    isUnverified.includes(true)
  )
    problems.push(
      `pool ${pool.name}: probe.verify must be the same for all of its https backends, because httpd verifies the certificates of all or of none`,
    )
  const caFiles = new Set(
    members
      .filter(({ tls, probe }) => tls && probe.verify)
      .map(({ probe }) => probe.ca ?? systemCaFile),
  )
  if (part !== 'server' && caFiles.size > 1)
    problems.push(
      `pool ${pool.name}: probe.ca must be the same for all of its https backends, because httpd has one CA file for them, got ${[...caFiles].join(' and ')}`,
    )
  const isPrg = style === 'prg'
  const program =
    part !== 'site' && (isPrg || options.observer !== undefined)
      ? programLine(config, options, problems)
      : ''
  if (/["%$\\]|[^ -~]/.test(config.directory))
    problems.push(
      `directory must be printable ASCII without quotes, "%", "$" and "\\" to stand in a RewriteCond, got ${describeValue(config.directory)}`,
    )
  const page = pageText(options.page, problems)
  if (problems.length > 0) throw new ConfigError(problems)

  const tiers = tiersOf(pool)
  const fallbackValues: Values = {
    directory: config.directory,
    cookie: cookie !== undefined,
    spread: tiers.some(tier => tier['isShared'] === true),
    tiers,
    turn: templates.turn.trimEnd(),
  }
  const lastResort = fill(templates['last-resort'], fallbackValues)
  const sentinels = fill(templates.sentinel, {
    ...fallbackValues,
    isFallback: style !== 'sentinel',
    lastResort: lastResort.trimEnd(),
    lastResortRules: countRules(lastResort),
  })
  const { prefix = '' } = options
  const vhm = options.isVhm ? vhmPath(url, site, prefix) : ''
  const prefixPattern = escapePattern(prefix)
  const siteId = `${pool.name}${prefix}`
  const isReuse = options.isReuse === true
  const failoverAfterMs = options.isSecondChance
    ? options.failoverAfterMs
    : undefined
  const names = members.map(backend => backend.name).join('|')
  const textMap = `${config.directory}/${textMapFile}`
  const txt = fill(templates.txt, {
    ...fallbackValues,
    pool: pool.name,
    names,
    textMap,
    sentinelRules: countRules(sentinels),
  })
  const fallback = style === 'sentinel' ? sentinels : txt + sentinels
  const lookup = fill(templates['prg-lookup'], {
    pool: pool.name,
    names,
    affinity: options.affinity !== 'none',
    fallbackRules: countRules(fallback),
  })
  const sticky = fill(templates['prg-sticky'], {
    directory: config.directory,
    // httpd's expressions have strings in single quotes
    directoryInExpr: config.directory.replaceAll("'", "\\'"),
    textMap,
    pool: pool.name,
    names,
    relaxed: pool.stickiness === 'relaxed',
    askRules: countRules(lookup) + countRules(fallback),
  })
  const values: Values = {
    directory: config.directory,
    version: options.version,
    command: options.command,
    configFile: options.configFile,
    pool: pool.name,
    server: part !== 'site',
    site: part !== 'server',
    isWhole: part === 'whole',
    isServerPart: part === 'server',
    isSitePart: part === 'site',
    how: styleText[style],
    prg: isPrg,
    txt: style !== 'sentinel',
    textMap,
    modules: modulesOf(
      part === 'server' ? config.backends : members,
      style,
      isReuse,
    ).join(' '),
    preserveHost: options.isVhm ? 'Off' : 'On',
    canonical: options.isVhm && url === null,
    ssl: members.some(backend => backend.tls),
    sslVerified: isVerified.includes(true),
    caFile: [...caFiles].join(' '),
    sslUnverified: isUnverified.includes(true),
    timeout: seconds(options.timeoutMs),
    ttl: idleSeconds,
    max: options.maxConnections !== undefined,
    reuse: isReuse,
    ...balancers(
      part === 'server'
        ? config.pools.map(it => backendsOf(config, it))
        : [members],
    ),
    worker: workerOf(options, options.timeoutMs),
    patience: failoverAfterMs === undefined ? false : seconds(failoverAfterMs),
    workerPatience: workerOf(options, failoverAfterMs ?? options.timeoutMs),
    program,
    mapUser: options.mapUser === undefined ? '' : ` ${options.mapUser}`,
    local: localPaths(prefix, options.local),
    cookie: cookie ?? false,
    names,
    affinity: options.affinity !== 'none',
    affinityUrl: options.affinity === 'url',
    affinityAddress: options.affinity === 'address',
    // affinity and failback: all depend on more than the text map contains
    sticky:
      cookie !== undefined &&
      options.affinity === 'none' &&
      pool.failback !== 'all',
    stickyRules: sticky.trimEnd(),
    lookup: lookup.trimEnd(),
    fallback: fallback.trimEnd(),
    again: options.isSecondChance,
    failed: whenFailed(templates['prg-again'], {
      directory: config.directory,
      tiers,
      again: options.isSecondChance,
    }),
    vhm,
    page,
    pages: ['502', '503', '504']
      .filter(status => !options.keptStatuses.includes(status))
      .map(status => ({ status })),
    pageOf502: !options.keptStatuses.includes('502'),
    retryAfter: seconds(options.retryAfterMs),
    hasUrl: url !== null,
    cookieHeaders: cookieHeaders(
      url,
      sameSite,
      ` && reqenv('ZF_SITE') == '${siteId}'`,
    ),
    observer: options.observer === undefined ? false : observerLine(options),
    // virtual hosts with their own logs do not use the server's CustomLog
    logDirective: part === 'server' ? 'GlobalLog' : 'CustomLog',
    up: options.up ?? false,
    upPattern: escapePattern(options.up ?? ''),
    prefix,
    prefixPattern,
    // without VirtualHostMonster a backend gets the path as visitors type it
    path: `(?s)^${options.isVhm && prefix !== '' ? `${prefixPattern}/?` : '/'}(.*)`,
    cookiePath: prefix === '' ? '/' : prefix,
    siteId,
  }
  // the jump skips all rules except itself and those before it
  const before = options.up === undefined ? 1 : 2
  const siteRules = countRules(
    fill(templates.prg, { ...values, siteRules: 0, alone: [], pairs: [] }),
  )
  return fill(templates.prg, { ...values, siteRules: siteRules - before })
}

/** Less than waitress' channel_timeout (120 s), with a margin for a slow clock. */
const idleSeconds = 60

/** For a host that does not answer SYN at all; a refusal comes at once. */
const connectSeconds = 2

const styleText: Record<Style, string> = {
  prg: 'asks the map program',
  txt: "reads the monitor's text map",
  sentinel: 'reads the sentinels',
}

/** The paths that httpd serves itself, as part of a pattern. */
function localPaths(prefix: string, local: readonly string[]): string {
  const own =
    prefix === '' ? statusPaths : [`${prefix.slice(1)}/.zope-failover`]
  return [...own, ...local.map(path => path.slice(1).replace(/\/+$/, ''))]
    .map(escapePattern)
    .join('|')
}

function escapePattern(path: string): string {
  return path.replace(/[^\w/]/g, '\\$&')
}

const statusPaths = ['server-status', 'balancer-manager', '.zope-failover']

function choosePool(
  config: Config,
  name: string | undefined,
  problems: string[],
): Pool {
  const pool =
    config.pools.find(({ name: it }) => it === (name ?? 'default')) ??
    (name === undefined && config.pools.length === 1
      ? config.pools[0]
      : undefined)
  if (pool !== undefined) return pool
  problems.push(
    `--pool must name one of the pools (${config.pools.map(({ name: it }) => it).join(', ')}), got ${describeValue(name)}`,
  )
  return { ...noPool, name: name ?? '' }
}

const noPool: Omit<Pool, 'name'> = {
  policy: 'failover',
  members: [],
  whenAllDown: 'maintenance',
  stickiness: 'strict',
  failback: 'newcomers',
  minAlive: 0,
  zeo: null,
}

/** The pool's backends in the order of the configuration's member list. */
function backendsOf(config: Config, pool: Pool): Backend[] {
  return pool.members.flatMap(member =>
    config.backends.filter(({ name }) => name === member.name),
  )
}

type PublicUrl = {
  readonly scheme: string
  readonly host: string
  readonly port: string
}

function parseUrl(text: string, problems: string[]): PublicUrl | null {
  const origin = parseOrigin(text)
  if (typeof origin !== 'object' || !/^[\w.-]+$|:/.test(origin.host)) {
    problems.push(
      `--url must be what visitors type, http://HOST or https://HOST with a port if needed, without a path, got ${describeValue(text)}`,
    )
    return null
  }
  const { tls, host, port } = origin
  return {
    scheme: tls ? 'https' : 'http',
    host: bracketed(host),
    port: String(port),
  }
}

/**
 * The cookie's attributes for https and for http visitors; the scheme comes from `--url`, else
 * from ServerName.
 *
 * @param onlyIf a further condition, as the end of an httpd expression
 */
function cookieHeaders(
  url: PublicUrl | null,
  sameSite: SameSite,
  onlyIf: string,
): Values[] {
  const named = { none: 'None', lax: 'Lax', strict: 'Strict' }[sameSite]
  const secure = { sameSite: named, secure: '; Secure', onlyIf }
  // browsers refuse None without Secure
  const plain = {
    sameSite: sameSite === 'none' ? 'Lax' : named,
    secure: '',
    onlyIf,
  }
  if (url !== null) return [url.scheme === 'https' ? secure : plain]
  return [
    { ...secure, onlyIf: `${onlyIf} && %{REQUEST_SCHEME} == 'https'` },
    { ...plain, onlyIf: `${onlyIf} && %{REQUEST_SCHEME} != 'https'` },
  ]
}

function checkOptions(
  options: RenderOptions,
  site: string,
  problems: string[],
): void {
  const check = (name: string, text: string, rule: RegExp, words: string) => {
    if (!rule.test(text))
      problems.push(`${name} must be ${words}, got ${describeValue(text)}`)
  }
  const zopeWord =
    /(?:^|\/)(?:VirtualHost(?:Base|Root)|_vh_[^/]*|\.{1,2})(?:\/|$)/
  if (!/^(?:\/[^/%\\\p{C}]+)*$/u.test(site) || zopeWord.test(site))
    problems.push(
      `--site must be a path inside Zope such as /Plone or "/my site", as Zope shows it (not escaped), without "/" at its end, got ${describeValue(site)}`,
    )
  const { prefix = '' } = options
  if (
    !/^(?:(?:\/(?!\+\+)[\w.~@+-]+)*(?:\/\+\+[\w.~@-]+\+\+[\w.~@-]*)*)?$/.test(
      prefix,
    ) ||
    zopeWord.test(prefix) ||
    /^\/\.zope-failover(?:\/|$)/.test(prefix)
  )
    problems.push(
      `--prefix must be a path such as /api or /++api++ (a name in "++" at the end only), of letters, digits and .~@+_-, without "/" at its end, got ${describeValue(prefix)}`,
    )
  check(
    '--cookie',
    options.cookie ?? 'x',
    /^[\w-]{1,64}$/,
    'letters, digits, "_" and "-", at most 64',
  )
  check(
    '--map-user',
    options.mapUser ?? 'x',
    /^[\w.-]+(:[\w.-]+)?$/,
    'USER or USER:GROUP',
  )
  for (const path of options.local)
    check(
      '--exclude',
      path,
      /^\/[\w.~-][\w.~/-]*$/,
      'a path such as /.well-known/acme-challenge',
    )
  check(
    '--up',
    options.up ?? '/up',
    /^\/(?!\.zope-failover(?:\/|$))[\w.~-]+(?:\/[\w.~-]+)*$/,
    'a path such as /up, without "/" at its end',
  )
  for (const status of options.keptStatuses)
    check('--keep-error-document', status, /^50[234]$/, '502, 503 or 504')
  const misplaced = Object.entries({
    '--pool': options.part === 'server' && options.pool !== undefined,
    '--url': options.part === 'server' && options.url !== undefined,
    '--site': options.part === 'server' && site !== '',
    '--prefix': options.part === 'server' && options.prefix !== undefined,
    '--up': options.part === 'server' && options.up !== undefined,
    '--map-user': options.part === 'site' && options.mapUser !== undefined,
    '--max-connections':
      options.part === 'site' && options.maxConnections !== undefined,
    '--websocket': options.part === 'site' && options.isWebSocket === true,
    '--observe': options.part === 'site' && options.observer !== undefined,
  })
  for (const [name, isMisplaced] of misplaced)
    if (isMisplaced)
      problems.push(
        `${name} must be left out with --part ${options.part}; it belongs to --part ${options.part === 'site' ? 'server' : 'site'}`,
      )
  if ((options.style ?? 'prg') !== 'prg' && options.affinity !== 'none')
    problems.push(
      `--affinity must be none with --style ${options.style}, got ${describeValue(options.affinity)}; only the map program supports affinity: --style prg`,
    )
  const { timeoutMs, failoverAfterMs } = options
  if (!(timeoutMs >= 1_000))
    problems.push(`--timeout must be at least 1s, got ${timeoutMs}ms`)
  if (failoverAfterMs !== undefined && !(failoverAfterMs >= 1_000))
    problems.push(
      `--failover-after must be at least 1s, got ${failoverAfterMs}ms`,
    )
}

/**
 * The command line of the map program. httpd splits it
 * with apr_tokenize_to_argv, which handles quotes but no other shell syntax, and starts the program with an empty environment in the launcher's directory, so every path is absolute.
 */
function programLine(
  config: Config,
  options: RenderOptions,
  problems: string[],
): string {
  const paths = {
    launcher: options.launcher,
    node: options.node,
    'map program': options.main,
    '--config': options.configFile,
    directory: config.directory,
  }
  for (const [what, path] of Object.entries(paths))
    if (!/^\/[\w ./+@:,=~-]*$/.test(path))
      problems.push(
        `${what} must be an absolute path of letters, digits, spaces and ./+@:,=~_- so that httpd can start the map program with it, got ${describeValue(path)}`,
      )
  return [
    options.launcher,
    options.node,
    options.main,
    '--config',
    options.configFile,
    '--directory',
    config.directory,
    '--answer',
    'pair',
  ]
    .map(quoted)
    .join(' ')
}

function quoted(word: string): string {
  return word.includes(' ') ? `'${word}'` : word
}

/** For a shell: the words contain only what `programLine` allows. */
function observerLine({ node, observer = '', configFile }: RenderOptions) {
  return [node, observer, 'observe', '--config', configFile]
    .map(quoted)
    .join(' ')
}

/**
 * The page as one line of ErrorDocument. httpd sends it as ISO-8859-1 and expands
 * %{…} in it.
 */
function pageText(html: string, problems: string[]): string {
  if (html.includes('${'))
    problems.push(
      '--maintenance-page must not contain "${": httpd would expand it as a variable',
    )
  if (!/^\s*</.test(html))
    problems.push('--maintenance-page must be an HTML page, beginning with "<"')
  return html
    .replace(/[^\0-~]/gu, character => `&#${character.codePointAt(0)};`)
    .replace(/\s+/g, ' ')
    .trim()
    .replaceAll('%{', '% {')
    .replace(/["\\]/g, '\\$&')
}

/** For the backends of each pool: each one, and each ordered pair. */
function balancers(pools: readonly (readonly Backend[])[]): {
  alone: Values[]
  pairs: Values[]
} {
  const alone = new Map<string, Values>()
  const pairs = new Map<string, Values>()
  for (const members of pools) {
    const all = members.map(it => ({ name: it.name, url: originOf(it) }))
    for (const { name: lead, url: leadUrl } of all) {
      alone.set(lead, { lead, leadUrl })
      for (const { name: next, url: nextUrl } of all)
        if (next !== lead)
          pairs.set(`${lead} ${next}`, { lead, leadUrl, next, nextUrl })
    }
  }
  return { alone: [...alone.values()], pairs: [...pairs.values()] }
}

function modulesOf(
  members: readonly Backend[],
  style: Style,
  isReuse: boolean,
): string[] {
  const ssl = members.some(backend => backend.tls) ? ['ssl'] : []
  return [
    'rewrite',
    'proxy',
    'proxy_http',
    'proxy_balancer',
    'lbmethod_byrequests',
    'slotmem_shm',
    'headers',
    ...(style === 'prg' ? ['unique_id'] : []),
    ...(isReuse ? [] : ['filter', 'sed']),
    ...ssl,
  ]
}

/**
 * The members new visitors may get without the map program, tier by tier. A tier
 * with one member goes into the list directly, a shared one through turn.conf.
 */
function tiersOf(pool: Pool): Values[] {
  const members = pool.members.filter(member => member.weight > 0)
  const tiers = [...new Set(members.map(member => member.tier))].sort(
    (one, other) => one - other,
  )
  return tiers.map(tier => {
    const names = members.filter(member => member.tier === tier)
    const isShared = names.length > 1
    return {
      isShared,
      list: isShared ? 'ZF_TIER' : 'ZF_LIST',
      members: names.map(({ name }) => ({ name })),
    }
  })
}

/** The rules for a failed backend, after a jump over all of them. */
function whenFailed(template: string, values: Values): string {
  const againRules =
    countRules(fill(template, { ...values, againRules: 0 })) - 1
  return fill(template, { ...values, againRules }).trimEnd()
}

/** The parameters of every BalancerMember. */
function workerOf(options: RenderOptions, timeoutMs: number): string {
  const { maxConnections: max, isReuse, isWebSocket } = options
  const reuse =
    isReuse === true ? `ttl=${idleSeconds} smax=0` : 'disablereuse=On'
  return `retry=1 connectiontimeout=${connectSeconds} timeout=${seconds(timeoutMs)} ${reuse}${max === undefined ? '' : ` max=${max}`}${isWebSocket === true ? ' upgrade=websocket' : ''}`
}

const seconds = (ms: number): number => Math.ceil(ms / 1_000)

/** As [S=N] counts them: every RewriteRule, whatever its conditions. */
function countRules(text: string): number {
  return text.split(/^RewriteRule /m).length - 1
}

/**
 * The prefix of the path for VirtualHostMonster. A namespace such as
 * ++api++ at the end of the prefix is traversed inside Zope and left out of links,
 * as in Volto's setup; what comes before it is part of the links (_vh_).
 */
function vhmPath(url: PublicUrl | null, site: string, prefix: string): string {
  const base =
    url === null
      ? '%{REQUEST_SCHEME}/%{SERVER_NAME}:%{SERVER_PORT}'
      : `${url.scheme}/${url.host}:${url.port}`
  const inside = prefix.replace(/^.*?((?:\/\+\+[^/]*)*)$/, '$1')
  const outside = prefix
    .slice(0, prefix.length - inside.length)
    .replaceAll(/\/([^/]+)/g, '_vh_$1/')
  return `VirtualHostBase/${base}${escapePath(site)}${inside}/VirtualHostRoot/${outside}`
}

/** Escaped for a substitution, where % and $ are special. */
function escapePath(path: string): string {
  return encodeURIComponent(path)
    .replaceAll(/%(?:2F|2B|40)/g, escape => decodeURIComponent(escape))
    .replaceAll(
      /[!'()*]/g,
      character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    )
    .replaceAll('%', '\\%')
}
