// The checked configuration as both programs use it: plain data, every default
// filled in, every duration in milliseconds. Nothing here reads a file.

/** What a probe sends to a backend, and how its answers are judged. */
export type ProbeSettings = {
  readonly light: LightProbe
  readonly path: string
  readonly method: 'GET' | 'HEAD'
  /** the Host header; null = the backend's own host and port */
  readonly host: string | null
  readonly intervalMs: number
  /** the same while its answers cost next to nothing (pace.ts) */
  readonly quickIntervalMs: number
  /** interval after a failure that has not yet changed the state */
  readonly fastIntervalMs: number
  /** interval while the backend is down */
  readonly downIntervalMs: number
  /** no answer after this long: newcomers go elsewhere */
  readonly slowMs: number
  /** what is learned from its own answers is never shorter; slowMs = nothing is */
  readonly leastSlowMs: number
  /** limit for the whole probe */
  readonly timeoutMs: number
  readonly connectTimeoutMs: number
  readonly firstByteTimeoutMs: number
  readonly rise: number
  readonly fall: number
  /** status codes that pass, as closed ranges */
  readonly status: readonly (readonly [number, number])[]
  /** what the body must hold: a text, or a pattern (RegExp source); null = anything */
  readonly body: BodyRule | null
  /** bytes of the body read at most */
  readonly maxBody: number
  /** the certificate of an https backend is checked */
  readonly verify: boolean
  /** the file of the authorities it is checked with; null = the system's store */
  readonly ca: string | null
  /** down also when `failures` of the last `of` probes failed; of 0 = off */
  readonly window: { readonly failures: number; readonly of: number }
  /**
   * What httpd still holds to a backend that goes down is closed; auto = where the
   * monitor may, and without an error where it may not.
   */
  readonly dropConnections: 'on' | 'off' | 'auto'
  /** one that goes down again and again is kept out longer each time */
  readonly isDamped: boolean
  /** warming after down; 0 = off */
  readonly slowStartMs: number
  readonly heartbeat: Heartbeat
  /** heart beats but no worker answers: share 0 for so long, down after it */
  readonly busyTimeoutMs: number
  readonly deep: DeepProbe | null
  /** what is fetched before new visitors come, after down; left out: nothing */
  readonly warmUp?: readonly WarmUpPage[]
}

/** The sign of life beside the worker queue. */
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
  /** connects, no more */
  | { readonly kind: 'tcp' }
  /** sends a line to another port of the backend's host (zc.monitor) */
  | {
      readonly kind: 'ask'
      readonly port: number
      readonly send: string
      /** what a line of the answer must hold */
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

/** A page that warms a Zope up. */
export type WarmUpPage = {
  /** the path that visitors see */
  readonly shown: string
  /** what Zope is asked for */
  readonly path: string
}

export type Policy = 'failover' | 'balance'

export type Member = {
  readonly name: string
  /** 0 to 256; 0 = only by route */
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
  /** so many members are never taken out together by the monitor's verdict */
  readonly minAlive: number
  /** its ZEO server, asked by itself; null = it is not */
  readonly zeo: { readonly host: string; readonly port: number } | null
  /** where Zope has the site that visitors see; left out: paths are Zope's own */
  readonly site?: {
    /** `https/www.example.org:443`, as VirtualHostMonster takes it */
    readonly origin: string
    /** inside Zope: `/Plone`; empty: Zope's root */
    readonly path: string
  }
  /** what warms those members up that have no pages of their own */
  readonly warmUp?: readonly string[]
}

/** How the map is looked at through httpd. */
export type MapSettings = {
  readonly url: string
  /** the Host header; null = that of the URL */
  readonly host: string | null
  readonly intervalMs: number
  readonly timeoutMs: number
  /** for sh, when the map stays broken; null = none */
  readonly command: string | null
  readonly commandIntervalMs: number
}

/** Where httpd tells how many requests are inside a backend. */
export type HttpdSettings = {
  /** status pages (mod_status), one for each httpd */
  readonly status: readonly string[]
  /** the Host header; null = that of each URL */
  readonly host: string | null
}

/** What is run at each change of state. */
export type HookSettings = {
  /** for sh */
  readonly command: string
  readonly timeoutMs: number
}

/** Where the monitor serves the status page. */
export type StatusSettings = {
  /** host without brackets */
  readonly listen: { readonly host: string; readonly port: number }
  /** what it may be called by, beside addresses and its own host */
  readonly hosts: readonly string[]
  /** whoever knows what is in it may steer there; left out: nobody may */
  readonly tokenFile?: string
}

/** Who is told of what, and when. */
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
  /** so long a warning must last to be told */
  readonly warningAfterMs: number
  /** what is still bad is told again; 0 = never */
  readonly repeatIntervalMs: number
  /** notices at most */
  readonly limit: { readonly count: number; readonly perMs: number }
  /** for one attempt */
  readonly timeoutMs: number
}

/** Where HAProxy's agent-check is answered. */
export type AgentSettings = {
  /** host without brackets */
  readonly listen: { readonly host: string; readonly port: number }
}

/** Who answers Squid's ICP queries for which backend of this host. */
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

/** How this machine is judged as a whole: is it worth sending visitors to? */
export type FrontSettings = {
  /** asked of httpd or Squid on this machine; no Zope must be needed for it */
  readonly url: string
  /** the Host header; null = that of the URL */
  readonly host: string | null
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly fall: number
  readonly rise: number
  /** whose backends count */
  readonly pool: string
  /** the lowest score with which `front.up` is there */
  readonly minScore: 50 | 100
}

export type Config = {
  /** the sentinel directory, absolute */
  readonly directory: string
  readonly staleAfterMs: number
  readonly backends: readonly Backend[]
  readonly pools: readonly Pool[]
  /** left out: nobody looks */
  readonly map?: MapSettings
  /** left out: the kernel counts connections */
  readonly httpd?: HttpdSettings
  /** left out: nothing is run */
  readonly hook?: HookSettings
  /** left out: no page is served */
  readonly status?: StatusSettings
  /** left out: no ICP */
  readonly icp?: IcpSettings
  /** left out: no agent for HAProxy */
  readonly agent?: AgentSettings
  /** left out: nobody is told */
  readonly notify?: NotifySettings
  /** left out: no `front.up` */
  readonly front?: FrontSettings
}

/** What the machine itself is called among the sentinels; no backend has this name. */
export const frontName = 'front'

/**
 * Every name whose sentinels mean something with this configuration: the
 * backends, and `front` where that is configured.
 */
export function sentinelNames({
  backends,
  front,
}: Pick<Config, 'backends' | 'front'>): string[] {
  const names = backends.map(({ name }) => name)
  return front === undefined ? names : [...names, frontName]
}

/** What httpd checks https backends with unless `probe.ca` names another file. */
export const systemCaFile = '/etc/ssl/certs/ca-certificates.crt'

/** What a backend or a pool may be called (contract: sentinel names). */
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

/** The URL of a backend without a path, port always written out. */
export function originOf(backend: Backend): string {
  return `${backend.tls ? 'https' : 'http'}://${addressOf(backend)}`
}
