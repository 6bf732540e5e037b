// The schema of the YAML file, key by key. The message of a rule states the
// rule; the value found is added where the message is printed.
import { isIP, isLoopback } from '../text/ip.ts'
import * as z from 'zod'
import { namePattern } from './config.ts'
import { hostPort } from '../text/host-port.ts'
import { parseDuration } from '../text/duration.ts'
import { parseOrigin } from '../text/origin.ts'
import { parseUrl } from '../text/url.ts'
import { compilePattern, patternRules } from './pattern.ts'
import { isEncoded, noSiteUrl } from './site.ts'

export const nameRule =
  'must be a name: a lowercase letter, then up to 31 lowercase letters, digits or "-"'

const name = z
  .string({ error: nameRule })
  .regex(namePattern, { error: nameRule })

/** A duration from `min` to `max`, both in the notation of the file. */
function duration(min: string, max: string) {
  const rule = `must be a duration from ${min} to ${max}, written like 250ms, 2s, 5m or 1h`
  const least = Number(parseDuration(min))
  const most = Number(parseDuration(max))
  return z.string({ error: rule }).transform((text, context) => {
    const ms = parseDuration(text)
    if (ms !== undefined && ms >= least && ms <= most) return ms
    context.issues.push({ code: 'custom', message: rule, input: text })
    return z.NEVER
  })
}

function integer(min: number, max: number) {
  const rule = `must be a whole number from ${min} to ${max}`
  return z
    .int({ error: rule })
    .min(min, { error: rule })
    .max(max, { error: rule })
}

function oneOf<const Words extends readonly [string, ...string[]]>(
  ...words: Words
) {
  return z.enum(words, { error: `must be ${words.join(' or ')}` })
}

function mapping<Shape extends z.ZodRawShape>(what: string, shape: Shape) {
  return z.strictObject(shape, {
    error: issue =>
      issue.code === 'invalid_type' ? `must be ${what}` : undefined,
  })
}

/** A key that may be left out: null then. */
function orNull<Value extends z.ZodType>(value: Value) {
  return value.optional().transform(given => given ?? null)
}

const pathRule =
  'must be a path: "/", then printable characters without space or "#"'
const urlPath = z
  .string({ error: pathRule })
  .regex(/^\/[!-"$-~]*$/, { error: pathRule })

const statusRule =
  'must be status codes from 100 to 599 that pass, like 200-399 or "200, 301-303"'
const status = z
  .union([z.int(), z.string()], { error: statusRule })
  .transform((value, context) => {
    const ranges = parseStatusRanges(String(value))
    if (ranges !== undefined) return ranges
    context.issues.push({ code: 'custom', message: statusRule, input: value })
    return z.NEVER
  })

function parseStatusRanges(text: string): [number, number][] | undefined {
  const ranges: [number, number][] = []
  for (const part of text.split(',')) {
    const match = /^\s*([1-5]\d\d)(?:\s*-\s*([1-5]\d\d))?\s*$/.exec(part)
    if (match === null) return undefined
    const from = Number(match[1])
    const to = Number(match[2] ?? from)
    if (to < from) return undefined
    ranges.push([from, to])
  }
  return ranges
}

const bodyRule =
  'must be a text that the body holds, or a pattern between slashes like /OK|ready/'
const expectRule =
  'must be a text that a line of the answer holds, or a pattern between slashes like /^OK$/'

/** A text, or a pattern between slashes. */
function textOrPattern(rule: string, form: RegExp) {
  return z
    .string({ error: rule })
    .regex(form, { error: rule })
    .transform((text, context) => {
      const pattern = /^\/(.+)\/$/s.exec(text)?.[1]
      if (pattern === undefined) return { kind: 'text' as const, text }
      const compiled = compilePattern(pattern)
      if (typeof compiled === 'object')
        return { kind: 'pattern' as const, pattern }
      const message = { unreadable: rule, ...patternRules }[compiled]
      context.issues.push({ code: 'custom', message, input: text })
      return z.NEVER
    })
}

const windowRule =
  'must be FAILURES/OF, FAILURES from 1 to OF, OF at most 64 (3/10), or 0/0 for off'
const probeWindow = z
  .string({ error: windowRule })
  .transform((text, context) => {
    const match = /^(\d{1,2})\/(\d{1,2})$/.exec(text)
    const failures = Number(match?.[1])
    const of = Number(match?.[2])
    const isOff = failures === 0 && of === 0
    if (isOff || (failures >= 1 && failures <= of && of <= 64))
      return { failures, of }
    context.issues.push({ code: 'custom', message: windowRule, input: text })
    return z.NEVER
  })

const hostRule =
  'must be a host name, with a port if needed, such as www.example.org'
const hostName = z
  .string({ error: hostRule })
  .regex(/^[\w.:[\]-]+$/, { error: hostRule })

const sendRule = 'must be one line of text without control characters'
const ask = mapping('a mapping with port, send, expect', {
  port: integer(1, 65_535),
  send: z
    .string({ error: sendRule })
    .regex(/^\P{Cc}{1,1000}$/u, { error: sendRule }),
  // "^OK" is probably meant as a pattern
  expect: textOrPattern(expectRule, /^[^^]/),
})

const programRule =
  'must be a list: the absolute path of a program, then its arguments, such as [/usr/local/bin/check-zope, quick]'
const argumentRule =
  'must be a text without NUL, in quotes if it looks like a number'
const program = z.tuple(
  [
    z
      .string({ error: programRule })
      .regex(/^\/\P{Cc}+$/u, { error: programRule }),
  ],
  z
    .string({ error: argumentRule })
    // a NUL would end the argument
    .regex(/^[^\0]*$/, { error: argumentRule }),
  { error: programRule },
)

// it is also written into httpd's configuration
const caRule =
  'must be the absolute path of a file of PEM certificates, such as /etc/ssl/certs/our-ca.pem, without spaces, quotes, "%" and "\\"'

const probe = mapping('a mapping of probe settings', {
  tcp: z.boolean({ error: 'must be true or false' }),
  ask,
  command: program,
  path: urlPath,
  method: oneOf('GET', 'HEAD'),
  host: hostName,
  interval: duration('100ms', '1h'),
  fastInterval: duration('50ms', '1h'),
  downInterval: duration('100ms', '1h'),
  slow: duration('1ms', '1h'),
  timeout: duration('10ms', '10m'),
  connectTimeout: duration('10ms', '10m'),
  firstByteTimeout: duration('10ms', '10m'),
  rise: integer(1, 100),
  fall: integer(1, 100),
  status,
  body: textOrPattern(bodyRule, /./s),
  maxBody: integer(1, 1_048_576),
  verify: z.boolean({ error: 'must be true or false' }),
  ca: z
    .string({ error: caRule })
    .regex(/^\/[!#-$&-[\]-~]+$/, { error: caRule }),
  window: probeWindow,
  dropConnections: z
    .union([z.boolean(), z.literal('auto')], {
      error: 'must be true, false or auto',
    })
    .transform(given => {
      if (given === 'auto') return given
      return given ? 'on' : 'off'
    }),
  damping: z.boolean({ error: 'must be true or false' }),
  slowStart: duration('0s', '1h'),
  heartbeat: z.union(
    [
      z.literal(['auto', 'off']),
      mapping('a mapping', {
        interval: duration('50ms', '1m').default(250),
        timeout: duration('10ms', '1m').default(500),
      }).transform(({ interval, timeout }) => ({
        kind: 'on' as const,
        intervalMs: interval,
        timeoutMs: timeout,
      })),
    ],
    {
      error:
        'must be auto, off, or { interval: 250ms, timeout: 500ms } (50ms and 10ms at least, 1m at most)',
    },
  ),
  busyTimeout: duration('1s', '24h'),
  deep: mapping('a mapping with path, interval, timeout, maxLag', {
    path: urlPath,
    interval: duration('1s', '1h').default(10_000),
    timeout: duration('100ms', '10m').default(3_000),
    maxLag: duration('1s', '24h').default(10_000),
  }).transform(({ path, interval, timeout, maxLag }) => ({
    path,
    intervalMs: interval,
    timeoutMs: timeout,
    maxLagMs: maxLag,
  })),
}).partial()

const urlRule =
  'must be http://HOST:PORT or https://HOST:PORT, PORT from 1 to 65535, without user, path or query'
const addressRule =
  'must have its IPv4 address as four numbers without leading zeros'
const url = z.string({ error: urlRule }).transform((text, context) => {
  const origin = parseOrigin(text)
  if (typeof origin === 'object') return origin
  const message = origin === 'address' ? addressRule : urlRule
  context.issues.push({ code: 'custom', message, input: text })
  return z.NEVER
})

const warmUp = z.array(urlPath, {
  error: 'must be a list of paths, such as [/, /news]',
})

const backend = z.preprocess(
  value => (typeof value === 'string' ? { url: value } : value),
  mapping('a URL or a mapping with url', {
    url,
    probe: probe.optional(),
    warmUp: warmUp.optional(),
  }),
)

const member = z.preprocess(
  value => (typeof value === 'string' ? { name: value } : value),
  mapping('a backend name or a mapping with name', {
    // parse.ts checks that the backend exists
    name: z.string({ error: 'must be the name of a backend' }),
    weight: integer(0, 256).default(1),
    tier: integer(1, 1000).optional(),
  }),
)

/** HOST:PORT, an IPv6 address in brackets. */
function hostAndPort(rule: string) {
  return z.string({ error: rule }).transform((text, context) => {
    const port = Number(/(?<=:)[1-9]\d{0,4}$/.exec(text)?.[0])
    const host = text.replace(/:\d+$/, '')
    if (port <= 65_535 && /^(\[[\da-f:.]+\]|[\w.-]+)$/i.test(host))
      return { host: host.replaceAll(/[[\]]/g, ''), port }
    context.issues.push({ code: 'custom', message: rule, input: text })
    return z.NEVER
  })
}

const zeo = hostAndPort(
  'must be HOST:PORT of a ZEO server, an IPv6 address in brackets',
)

const sitePathRule =
  'must be the path of the site inside Zope, such as /Plone or /my%20site, percent-encoded, without "?", space or "#"'
const sitePath = z
  .string({ error: sitePathRule })
  .regex(/^\/[!-"$->@-~]*$/, { error: sitePathRule })
  .refine(isEncoded, { error: sitePathRule })
  .transform(text => text.replace(/\/+$/, ''))
const siteUrlRule =
  'must be what visitors type: http://HOST or https://HOST, with a port if needed'
const siteUrl = z.string({ error: siteUrlRule }).transform((text, context) => {
  const origin = parseOrigin(text)
  if (typeof origin !== 'string') {
    const { tls, host, port } = origin
    return `${tls ? 'https' : 'http'}/${hostPort(host, port)}`
  }
  context.issues.push({ code: 'custom', message: siteUrlRule, input: text })
  return z.NEVER
})
const site = z.preprocess(
  value => (typeof value === 'string' ? { path: value } : value),
  mapping('a path such as /Plone, or a mapping with path and url', {
    path: sitePath,
    url: siteUrl.default(noSiteUrl),
  }).transform(({ path, url: origin }) => ({ origin, path })),
)

const membersRule = 'must be a list of at least one backend name'
const pool = mapping('a mapping of pool settings', {
  policy: oneOf('failover', 'balance').default('failover'),
  members: z
    .array(member, { error: membersRule })
    .min(1, { error: membersRule })
    .optional(),
  whenAllDown: oneOf('maintenance', 'try-all').default('maintenance'),
  stickiness: oneOf('strict', 'relaxed').default('strict'),
  failback: oneOf('newcomers', 'all').default('newcomers'),
  minAlive: integer(0, 1000).default(1),
  zeo: orNull(zeo),
  site: site.optional(),
  warmUp: warmUp.optional(),
})

const mapUrlRule =
  'must be the address of httpd on this machine, such as http://127.0.0.1/.zope-failover/map'
const statusPageRule =
  "must be the address of httpd's status page, such as http://127.0.0.1/server-status, or a list of them"
const statusPage = z
  .string({ error: statusPageRule })
  .regex(/^https?:\/\/[^\s/?#@]+\/[!"$->@-~]+$/, { error: statusPageRule })
const httpd = mapping('a mapping with status', {
  status: z.preprocess(
    value => (typeof value === 'string' ? [value] : value),
    z
      .array(statusPage, { error: statusPageRule })
      .min(1, { error: statusPageRule }),
  ),
  host: orNull(hostName),
})

const commandRule =
  'must be a command line for sh, such as "systemctl reload apache2"'
const commandLine = z
  .string({ error: commandRule })
  .regex(/^\P{Cc}+$/u, { error: commandRule })
const webhookRule = 'must be an http or https URL'
const headersRule =
  'must be a mapping of HTTP header names to texts without control characters'
const limitRule = 'must be NUMBER/s, NUMBER/m or NUMBER/h, NUMBER from 1 to 100'
const notify = mapping('a mapping with webhook or command', {
  webhook: z
    .string({ error: webhookRule })
    .refine(
      text =>
        /^https?:\/\/[^/\s]\P{Cc}*$/iu.test(text) &&
        parseUrl(text) !== undefined,
      { error: webhookRule },
    )
    .optional(),
  headers: z
    .record(
      z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, { error: headersRule }),
      z
        .string({ error: headersRule })
        .regex(/^[\t\x20-\x7e]*$/, { error: headersRule }),
      { error: headersRule },
    )
    .default({}),
  command: commandLine.optional(),
  minSeverity: oneOf('warning', 'critical').default('warning'),
  groupWait: duration('1s', '1h').default(5_000),
  warningAfter: duration('0s', '24h').default(60_000),
  repeatInterval: duration('0s', '8760h').default(3_600_000),
  limit: z
    .string({ error: limitRule })
    .transform((text, context) => {
      const [, digits, unit = ''] = /^([1-9]\d{0,2})\/([smh])$/.exec(text) ?? []
      const count = Number(digits)
      const perMs = parseDuration(`1${unit}`)
      if (count <= 100 && perMs !== undefined) return { count, perMs }
      context.issues.push({ code: 'custom', message: limitRule, input: text })
      return z.NEVER
    })
    .default({ count: 6, perMs: 60_000 }),
  timeout: duration('100ms', '10m').default(10_000),
})
  .refine(
    ({ webhook, command }) => webhook !== undefined || command !== undefined,
    { error: 'must have webhook or command' },
  )
  .transform(
    ({ groupWait, warningAfter, repeatInterval, timeout, ...given }) => ({
      ...given,
      groupWaitMs: groupWait,
      warningAfterMs: warningAfter,
      repeatIntervalMs: repeatInterval,
      timeoutMs: timeout,
    }),
  )
const map = mapping('a mapping with url', {
  url: z
    .string({ error: mapUrlRule })
    .regex(
      /^https?:\/\/(?:127\.\d+\.\d+\.\d+|\[::1\]|localhost)(?::[1-9]\d{0,4})?(?:\/[\w.~@+-]+)*\/\.zope-failover\/map$/,
      { error: mapUrlRule },
    ),
  host: orNull(hostName),
  interval: duration('1s', '1h').default(5_000),
  timeout: duration('100ms', '1m').default(2_000),
  command: orNull(commandLine),
  commandInterval: duration('1m', '24h').default(600_000),
}).transform(({ interval, timeout, commandInterval, ...given }) => ({
  ...given,
  intervalMs: interval,
  timeoutMs: timeout,
  commandIntervalMs: commandInterval,
}))

const frontUrlRule =
  'must be a URL of httpd or Squid on this machine, with an IP address or localhost, such as http://127.0.0.1/.zope-failover/map'
const minScoreRule = 'must be 50 or 100'
const front = mapping('a mapping of settings for front.up', {
  url: z
    .string({ error: frontUrlRule })
    .regex(/^https?:\/\/[^/?#@\s]+\/[!-"$-~]*$/, { error: frontUrlRule })
    .refine(isLocalUrl, { error: frontUrlRule })
    .optional(),
  host: hostName.optional(),
  interval: duration('100ms', '1m').default(250),
  timeout: duration('50ms', '1m').default(300),
  fall: integer(1, 100).default(2),
  rise: integer(1, 100).default(1),
  pool: z.string({ error: 'must be the name of a pool' }).default('default'),
  minScore: z.literal([50, 100], { error: minScoreRule }).default(50),
}).transform(({ interval, timeout, ...given }) => ({
  ...given,
  intervalMs: interval,
  timeoutMs: timeout,
}))

/** With a host name, each check would wait for a name server. */
function isLocalUrl(text: string): boolean {
  const parsed = parseUrl(text)
  if (parsed === undefined) return false
  const { hostname, username, password } = parsed
  const host = hostname.replaceAll(/[[\]]/g, '')
  return (
    username + password === '' && (host === 'localhost' || isIP(host) !== 0)
  )
}

const icpListenRule =
  'must be a mapping of backends to the UDP address to listen on for each, such as { zope1: 10.0.0.11:3131 }'
const icpAllowRule =
  'must be a list of addresses and networks that may ask, such as [10.0.0.1, 10.0.0.0/24]'
const icp = mapping('a mapping with listen', {
  listen: z
    .record(
      name,
      hostAndPort(
        'must be ADDRESS:PORT to listen on, such as 10.0.0.11:3131, an IPv6 address in brackets',
      ).refine(({ host }) => isIP(host) !== 0, {
        error:
          'must be ADDRESS:PORT with an IP address, such as 10.0.0.11:3131, an IPv6 address in brackets',
      }),
      {
        error: issue =>
          issue.code === 'invalid_type' ? icpListenRule : undefined,
      },
    )
    .refine(entries => Object.keys(entries).length > 0, {
      error: icpListenRule,
    }),
  allow: z
    .array(
      z.string({ error: icpAllowRule }).refine(isNetwork, {
        error: icpAllowRule,
      }),
      { error: icpAllowRule },
    )
    .default([]),
  pool: z.string({ error: 'must be the name of a pool' }).default('default'),
  spread: oneOf('request', 'url').default('request'),
}).transform(({ listen, ...given }) => ({
  listen: Object.entries(listen).map(([zope, socket]) => ({
    backend: zope,
    ...socket,
  })),
  ...given,
}))

/** An address, or ADDRESS/BITS. */
function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || more.length > 0) return false
  return (
    bits === undefined ||
    (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
  )
}

/** The absolute path of a file. */
function filePath(rule: string) {
  return z.string({ error: rule }).regex(/^\/\P{Cc}+$/u, { error: rule })
}

const hostsRule =
  'must be a list of host names without port, such as [status.example.org]'
const tokenFileRule =
  'must be the absolute path of a file that holds a token, such as /etc/zope-failover.token'
const page = mapping('a mapping with listen, hosts, tokenFile', {
  listen: hostAndPort(
    'must be HOST:PORT to listen on, such as 127.0.0.1:8009, an IPv6 address in brackets',
  ).default({ host: '127.0.0.1', port: 8009 }),
  hosts: z
    .array(
      z.string({ error: hostsRule }).regex(/^[\w.-]+$/, { error: hostsRule }),
      { error: hostsRule },
    )
    .default([]),
  tokenFile: filePath(tokenFileRule).optional(),
})

const agent = mapping('a mapping with listen', {
  listen: hostAndPort(
    'must be HOST:PORT to listen on, such as 127.0.0.1:8010, an IPv6 address in brackets',
  ).default({ host: '127.0.0.1', port: 8010 }),
})

const etcdRule =
  'must be a list of client addresses of etcd, such as [https://10.0.0.1:2379]'
const plainEtcdRule =
  'must be https:// beyond loopback: the password steers every machine'
const etcdUrl = z
  .string({ error: etcdRule })
  .refine(text => typeof parseOrigin(text) === 'object', { error: etcdRule })
  .refine(isSafeEtcd, { error: plainEtcdRule })
  .transform(text => text.replace(/\/$/, ''))

/** Plain HTTP would show the password to the network. */
function isSafeEtcd(text: string): boolean {
  const origin = parseOrigin(text)
  return (
    typeof origin !== 'object' ||
    origin.tls ||
    origin.host === 'localhost' ||
    (isIP(origin.host) !== 0 && isLoopback(origin.host))
  )
}

const prefixRule =
  'must be a path of letters, digits, ".", "_" and "-", such as /zope-failover/www, at most 200 characters'
const userRule = 'must be the name of a user of etcd, without spaces'

const cluster = mapping('a mapping with etcd', {
  etcd: z
    .array(etcdUrl, { error: etcdRule })
    .min(1, { error: etcdRule })
    .max(9, { error: 'must be at most 9 addresses' })
    .refine(urls => new Set(urls).size === urls.length, {
      error: 'must not name an address twice',
    }),
  /** this machine; null = the first label of its host name */
  name: orNull(name),
  prefix: z
    .string({ error: prefixRule })
    .regex(/^(?:\/[\w-][\w.-]*)+$/, { error: prefixRule })
    .max(200, { error: prefixRule })
    .default('/zope-failover/default'),
  ca: orNull(
    filePath(
      'must be the absolute path of a file of PEM certificates, such as /etc/zope-failover/ca.pem',
    ),
  ),
  cert: orNull(
    filePath(
      'must be the absolute path of a client certificate as PEM, such as /etc/zope-failover/client.pem',
    ),
  ),
  key: orNull(
    filePath(
      "must be the absolute path of the client certificate's key as PEM, such as /etc/zope-failover/client.key",
    ),
  ),
  user: orNull(
    z.string({ error: userRule }).regex(/^[!-~]{1,100}$/, { error: userRule }),
  ),
  passwordFile: orNull(
    filePath(
      'must be the absolute path of a file that holds the password, such as /etc/zope-failover/etcd.password',
    ),
  ),
  isolatedAfter: duration('3s', '1m').default(5_000),
  cache: filePath(
    'must be the absolute path of a file, such as /var/lib/zope-failover/cluster.json',
  ).default('/var/lib/zope-failover/cluster.json'),
}).transform(({ isolatedAfter, ...given }) => ({
  ...given,
  isolatedAfterMs: isolatedAfter,
}))

function named<Value extends z.ZodType>(what: string, value: Value) {
  const rule = `must be a mapping with at least one ${what}`
  return z
    .record(name, value, {
      error: issue => (issue.code === 'invalid_type' ? rule : undefined),
    })
    .refine(entries => Object.keys(entries).length > 0, { error: rule })
}

const directoryRule = 'must be an absolute path without control characters'

export const fileSchema = mapping(
  'a mapping with at least the key "backends"',
  {
    directory: z
      .string({ error: directoryRule })
      .regex(/^\/\P{Cc}*$/u, { error: directoryRule })
      .default('/run/zope-failover'),
    staleAfter: duration('2s', '1h').default(15_000),
    backends: named('backend', backend),
    pools: named('pool', pool).default({ default: pool.parse({}) }),
    probe: probe.optional(),
    map: map.optional(),
    httpd: httpd.optional(),
    status: page.optional(),
    notify: notify.optional(),
    icp: icp.optional(),
    front: front.optional(),
    agent: agent.optional(),
    cluster: cluster.optional(),
  },
)

export type ProbeInput = z.output<typeof probe>
export type PoolInput = z.output<typeof pool>
export type FileInput = z.output<typeof fileSchema>

/** Keys that have another name now. */
export const renamedKeys: ReadonlyMap<string, string> = new Map([
  ['cutLoose', 'dropConnections'],
  ['busyFor', 'busyTimeout'],
  ['commandEvery', 'commandInterval'],
  ['least', 'minSeverity'],
  ['group', 'groupWait'],
  ['repeat', 'repeatInterval'],
])

/** Keys of the file that are gone, and what to use in place of them. */
export const removedKeys: ReadonlyMap<string, string> = new Map([
  [
    'hook',
    'is gone: notify.command reports to people, and "zope-failover follow" runs a command at each change; remove it',
  ],
])

/** Every key that is allowed at a path of the file; [] = none. */
export function knownKeys(path: readonly (string | number)[]): string[] {
  return keysAt(fileSchema, path)
}

function keysAt(schema: unknown, path: readonly (string | number)[]): string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return keysAt(schema.def.innerType, path)
  if (schema instanceof z.ZodUnion)
    return schema.def.options.flatMap(option => keysAt(option, path))
  // z.preprocess begins with a transform, the others end with one
  if (schema instanceof z.ZodPipe)
    return keysAt(
      schema.in instanceof z.ZodTransform ? schema.out : schema.in,
      path,
    )
  const [key, ...rest] = path
  if (schema instanceof z.ZodObject) {
    const { shape } = schema
    if (key === undefined) return Object.keys(shape)
    return Object.hasOwn(shape, key) ? keysAt(shape[key], rest) : []
  }
  if (key === undefined) return []
  if (schema instanceof z.ZodRecord) return keysAt(schema.valueType, rest)
  return schema instanceof z.ZodArray ? keysAt(schema.element, rest) : []
}
