// The checked configuration as both programs use it: plain data, every default
// filled in, every duration in milliseconds. Nothing here reads a file.

/** The request of a probe and how its answers are judged. */
export type ProbeSettings = {
  readonly light: LightProbe
  readonly path: string
  readonly method: 'GET' | 'HEAD'
  /** the Host header; null = the backend's own host and port */
  readonly host: string | null
  readonly intervalMs: number
  /** interval while its answers cost next to nothing (pace.ts) */
  readonly quickIntervalMs: number
  /** interval after a failure that has not yet changed the state */
  readonly fastIntervalMs: number
  /** interval while the backend is down */
  readonly downIntervalMs: number
  /** no answer after this long: new visitors go elsewhere */
  readonly slowMs: number
  /** the least limit learned from its own answers; slowMs = none is learned */
  readonly leastSlowMs: number
  /** limit for the whole probe */
  readonly timeoutMs: number
  readonly connectTimeoutMs: number
  readonly firstByteTimeoutMs: number
  readonly rise: number
  readonly fall: number
  /** status codes that pass, as closed ranges */
  readonly status: readonly (readonly [number, number])[]
  /**
   * what the body must contain: a text or a pattern (RegExp source); null =
   * anything
   */
  readonly body: BodyRule | null
  /** bytes of the body read at most */
  readonly maxBody: number
  /** the certificate of an https backend is checked */
  readonly verify: boolean
  /** the file of the certificate authorities; null = the system's store */
  readonly ca: string | null
  /** also down when `failures` of the last `of` probes failed; of 0 = off */
  readonly window: { readonly failures: number; readonly of: number }
  /**
   * Closes httpd's connections to a backend that goes down; auto = if the monitor
   * is allowed to, and without an error if it is not.
   */
  readonly dropConnections: 'on' | 'off' | 'auto'
  /** a backend that goes down repeatedly is kept out longer each time */
  readonly isDamped: boolean
  /** warming after down; 0 = off */
  readonly slowStartMs: number
  readonly heartbeat: Heartbeat
  /** heart beats but no worker answers: share 0 for so long, down after it */
  readonly busyTimeoutMs: number
  readonly deep: DeepProbe | null
  /** pages to fetch after down, before new visitors come; omitted: none */
  readonly warmUp?: readonly WarmUpPage[]
}

/** A sign of life that bypasses the worker queue. */
export type Heartbeat =
  | { readonly kind: 'off' }
  | {
      readonly kind: 'on'
      readonly intervalMs: number
      readonly timeoutMs: number
    }

/** A probe that makes a round trip to the database. */
export type DeepProbe = {
  readonly path: string
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly maxLagMs: number
}

/** What a light probe does. */
export type LightProbe =
  /** asks for a page */
  | { readonly kind: 'http' }
  /** only connects */
  | { readonly kind: 'tcp' }
  /** sends a line to another port of the backend's host (zc.monitor) */
  | {
      readonly kind: 'ask'
      readonly port: number
      readonly send: string
      /** what a line of the answer must contain */
      readonly expect: BodyRule
    }
  /** runs a program, without a shell */
  | {
      readonly kind: 'command'
      /** an absolute path, then arguments */
      readonly command: readonly [string, ...string[]]
    }

export type BodyRule =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'pattern'; readonly pattern: string }

export type Backend = {
  readonly name: string
  readonly tls: boolean
  /** host without brackets */
  readonly host: string
  readonly port: number
  readonly probe: ProbeSettings
}

/** A page that warms up a Zope. */
export type WarmUpPage = {
  /** the path that visitors see */
  readonly shown: string
  /** the path that Zope gets */
  readonly path: string
}

export type Policy = 'failover' | 'balance'

export type Member = {
  readonly name: string
  /** 0 to 256; 0 = only sticky visitors */
  readonly weight: number
  /** lower is better, from 1 */
  readonly tier: number
}

export type Pool = {
  readonly name: string
  readonly policy: Policy
  readonly members: readonly Member[]
  readonly whenAllDown: 'maintenance' | 'try-all'
  readonly stickiness: 'strict' | 'relaxed'
  readonly failback: 'newcomers' | 'all'
  /** the monitor's verdicts never leave fewer members in service */
  readonly minAlive: number
  /** its ZEO server, monitored separately; null = it is not monitored */
  readonly zeo: { readonly host: string; readonly port: number } | null
  /** the site inside Zope that visitors see; omitted: paths are Zope's own */
  readonly site?: {
    /** `https/www.example.org:443`, as VirtualHostMonster takes it */
    readonly origin: string
    /** inside Zope: `/Plone`; empty: Zope's root */
    readonly path: string
  }
  /** warms up the members without own pages */
  readonly warmUp?: readonly string[]
}

/** How the monitor checks the map program through httpd. */
export type MapSettings = {
  readonly url: string
  /** the Host header; null = that of the URL */
  readonly host: string | null
  readonly intervalMs: number
  readonly timeoutMs: number
  /** for sh, when the map program stays broken; null = none */
  readonly command: string | null
  readonly commandIntervalMs: number
}

/** Where httpd reports the requests in flight of each backend. */
export type HttpdSettings = {
  /** status pages (mod_status), one for each httpd */
  readonly status: readonly string[]
  /** the Host header; null = that of each URL */
  readonly host: string | null
}

/** The command to run at each change of state. */
export type HookSettings = {
  /** for sh */
  readonly command: string
  readonly timeoutMs: number
}

/** Where the monitor serves the status page. */
export type StatusSettings = {
  /** host without brackets */
  readonly listen: { readonly host: string; readonly port: number }
  /** host names it accepts, in addition to addresses and its own host */
  readonly hosts: readonly string[]
  /** holds the token that allows admin actions; omitted: none are allowed */
  readonly tokenFile?: string
}

/** Receivers, contents and timing of notices. */
export type NotifySettings = {
  /** gets a POST with JSON; may be a secret */
  readonly webhook?: string
  /** sent with it; may be secrets */
  readonly headers: Readonly<Record<string, string>>
  /** for sh */
  readonly command?: string
  /** what is less than that is not told */
  readonly minSeverity: 'warning' | 'critical'
  /** from a change to its notice: all that changes meanwhile is in it */
  readonly groupWaitMs: number
  /** how long a warning must last before it is sent */
  readonly warningAfterMs: number
  /** what is still bad is told again; 0 = never */
  readonly repeatIntervalMs: number
  /** the most notices per time */
  readonly limit: { readonly count: number; readonly perMs: number }
  /** for one attempt */
  readonly timeoutMs: number
}

/** Where HAProxy's agent-check is answered. */
export type AgentSettings = {
  /** host without brackets */
  readonly listen: { readonly host: string; readonly port: number }
}

/** The addresses that answer Squid's ICP queries, by backend of this host. */
export type IcpSettings = {
  /** the UDP address for each backend of this host; host without brackets */
  readonly listen: readonly {
    readonly backend: string
    readonly host: string
    readonly port: number
  }[]
  /** addresses and networks that may ask; empty = loopback only */
  readonly allow: readonly string[]
  readonly pool: string
  /** request: each query by itself | url: the same URL to the same backend */
  readonly spread: 'request' | 'url'
}

/** How this machine is judged as a whole: should visitors be sent to it? */
export type FrontSettings = {
  /** a URL of httpd or Squid on this machine; it must not depend on a Zope */
  readonly url: string
  /** the Host header; null = that of the URL */
  readonly host: string | null
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly fall: number
  readonly rise: number
  /** whose backends count */
  readonly pool: string
  /** the lowest score with which `front.up` exists */
  readonly minScore: 50 | 100
}

/** Several machines with one set of orders, on etcd. */
export type ClusterSettings = {
  /** the client addresses of etcd's members, without a path */
  readonly etcd: readonly string[]
  /** this machine; null = the first label of its host name */
  readonly name: string | null
  /** the keys of this site in etcd begin with it */
  readonly prefix: string
  /** certificate authorities of etcd; null = the system's store */
  readonly ca: string | null
  /** the client certificate and its key; null = none */
  readonly cert: string | null
  readonly key: string | null
  readonly user: string | null
  readonly passwordFile: string | null
  /** without a sign of life through etcd for this long, the machine is alone */
  readonly isolatedAfterMs: number
  /** the last known orders, for a start without etcd */
  readonly cache: string
}

export type Config = {
  /** the sentinel directory, absolute */
  readonly directory: string
  readonly staleAfterMs: number
  readonly backends: readonly Backend[]
  readonly pools: readonly Pool[]
  /** omitted: the map program is not checked */
  readonly map?: MapSettings
  /** omitted: the kernel counts connections */
  readonly httpd?: HttpdSettings
  /** omitted: nothing is run */
  readonly hook?: HookSettings
  /** omitted: no status page */
  readonly status?: StatusSettings
  /** omitted: no ICP */
  readonly icp?: IcpSettings
  /** omitted: no agent for HAProxy */
  readonly agent?: AgentSettings
  /** omitted: no notices */
  readonly notify?: NotifySettings
  /** omitted: no `front.up` */
  readonly front?: FrontSettings
  /** omitted: one machine */
  readonly cluster?: ClusterSettings
}

/** The machine's own name among the sentinels; no backend has this name. */
export const frontName = 'front'

/**
 * Every name that has sentinels with this configuration: the backends, and
 * `front` if it is configured.
 */
export function sentinelNames({
  backends,
  front,
}: Pick<Config, 'backends' | 'front'>): string[] {
  const names = backends.map(({ name }) => name)
  return front === undefined ? names : [...names, frontName]
}

/** httpd's certificate authorities for https backends without `probe.ca`. */
export const systemCaFile = '/etc/ssl/certs/ca-certificates.crt'

/** The name of a backend or a pool; it must be usable in a file name. */
export const namePattern = /^[a-z][a-z0-9-]{0,31}$/

/**
 * `HOST:PORT` of a backend, an IPv6 host in brackets.
 *
 * @example addressOf(backend) // '10.0.0.11:8080' or '[::1]:8080'
 */
export function addressOf(backend: Backend): string {
  const host = backend.host.includes(':') ? `[${backend.host}]` : backend.host
  return `${host}:${backend.port}`
}

/** The URL of a backend without a path, always with its port. */
export function originOf(backend: Backend): string {
  return `${backend.tls ? 'https' : 'http'}://${addressOf(backend)}`
}
