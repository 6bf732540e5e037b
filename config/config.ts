// The checked configuration as both programs use it: plain data, every default
// filled in, every duration in milliseconds. Nothing here reads a file. The types
// follow from the schema (schema.ts) and its defaults (defaults.ts).
import { hostPort } from '../text/host-port.ts'
import type { fillIn, poolSettings, probeSettings } from './defaults.ts'
import type { FileInput, ProbeInput } from './schema.ts'

/** The value as the programs see it: they change nothing in it. */
type Fixed<Value> = { readonly [Key in keyof Value]: Fixed<Value[Key]> }

/** A key of the file, when it is there. */
type Setting<Key extends keyof FileInput> = Fixed<NonNullable<FileInput[Key]>>

/** A sign of life that bypasses the worker queue. */
export type Heartbeat =
  | { readonly kind: 'off' }
  | {
      readonly kind: 'on'
      readonly intervalMs: number
      readonly timeoutMs: number
    }

/** The request of a probe and how its answers are judged. */
export type ProbeSettings = Fixed<ReturnType<typeof probeSettings>> & {
  /** pages to fetch after down, before new visitors come; omitted: none */
  readonly warmUp?: readonly WarmUpPage[]
}

/** What a light probe does. */
export type LightProbe = ProbeSettings['light']

/** A probe that makes a round trip to the database. */
export type DeepProbe = NonNullable<ProbeSettings['deep']>

/** What a body or a line must contain. */
export type BodyRule = Fixed<NonNullable<ProbeInput['body']>>

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

export type Pool = Fixed<ReturnType<typeof poolSettings>>
export type Member = Pool['members'][number]

/** How the monitor checks the map program through httpd. */
export type MapSettings = Setting<'map'>
/** Where httpd reports the requests in flight of each backend. */
export type HttpdSettings = Setting<'httpd'>
/** Receivers, contents and timing of notices. */
export type NotifySettings = Setting<'notify'>
/** The addresses that answer Squid's ICP queries, by backend of this host. */
export type IcpSettings = Setting<'icp'>
/** Several machines with one set of orders, on etcd. */
export type ClusterSettings = Setting<'cluster'>
/** How this machine is judged as a whole: should visitors be sent to it? */
export type FrontSettings = NonNullable<Config['front']>

export type Config = Fixed<ReturnType<typeof fillIn>>

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
  return hostPort(backend.host, backend.port)
}

/** The URL of a backend without a path, always with its port. */
export function originOf(backend: Backend): string {
  return `${backend.tls ? 'https' : 'http'}://${addressOf(backend)}`
}
