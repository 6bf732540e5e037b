// The parsed file + all defaults -> the configuration that the programs use.
import type { Backend, Heartbeat } from './config.ts'
import { decidesKind } from './light-probe.ts'
import type { FileInput, PoolInput, ProbeInput } from './schema.ts'
import { warmUpPages } from './warm-up.ts'

/** The limit of a whole probe if none is given. */
export const defaultTimeoutMs = 5_000

/** The settings of one run: all that the file says, and all that it leaves out. */
export function fillIn(input: FileInput) {
  const { directory, staleAfter, probe: common, front, ...given } = input
  const entries = Object.entries(input.backends)
  const all = entries.map(([name]) => ({ name, weight: 1 }))
  const pools = Object.entries(input.pools).map(([name, pool]) =>
    poolSettings(name, pool, all),
  )
  const backends = entries.map(([name, { url, probe, warmUp }]): Backend => {
    const pages = warmUpPages(pools, name, warmUp)
    return {
      name,
      ...url,
      probe: {
        ...probeSettings(
          { ...commonFor(probe, common), ...probe },
          autoHeartbeat(url.tls, entries.length),
          entries.length,
        ),
        ...(pages.length > 0 && { warmUp: pages }),
      },
    }
  })
  return {
    ...given,
    /** the sentinel directory, absolute */
    directory: directory.replace(/(?<=.)\/+$/, ''),
    staleAfterMs: staleAfter,
    backends,
    pools,
    ...(front !== undefined && { front: frontSettings(front, input.map) }),
  }
}

/** @param map its URL of httpd on this machine is used without `front.url` */
function frontSettings(
  given: NonNullable<FileInput['front']>,
  map: FileInput['map'],
) {
  const isMapUrl = given.url === undefined || given.url === map?.url
  return {
    ...given,
    url: given.url ?? map?.url ?? 'http://127.0.0.1/.zope-failover/map',
    host: given.host ?? (isMapUrl ? (map?.host ?? null) : null),
  }
}

/** @param all every backend, for a pool that names none */
export function poolSettings(
  name: string,
  { members, ...pool }: PoolInput,
  all: NonNullable<PoolInput['members']>,
) {
  return {
    name,
    ...pool,
    members: (members ?? all).map((member, index) => ({
      name: member.name,
      /** 0 to 256; 0 = only sticky visitors */
      weight: member.weight,
      /** lower is better, from 1 */
      tier: member.tier ?? (pool.policy === 'failover' ? index + 1 : 1),
    })),
  }
}

/**
 * The common settings, without the kind of light probe if the backend has one.
 */
function commonFor(
  own: ProbeInput = {},
  common: ProbeInput = {},
): Omit<ProbeInput, 'tcp' | 'ask' | 'command'> {
  if (!decidesKind(own)) return common
  const { tcp: _tcp, ask: _ask, command: _command, ...rest } = common
  return rest
}

/**
 * Every default of a probe, in one place: the request of a probe, and how its
 * answers are judged.
 */
export function probeSettings(
  given: ProbeInput,
  auto: Heartbeat,
  backends: number,
) {
  const intervalMs = given.interval ?? 1_000
  const timeoutMs = given.timeout ?? defaultTimeoutMs
  const slowMs = given.slow ?? Math.min(1_000, timeoutMs)
  const light = lightProbe(given)
  return {
    light,
    path: given.path ?? '/',
    method: given.method ?? 'GET',
    /** the Host header; null = the backend's own host and port */
    host: given.host ?? null,
    intervalMs,
    /** interval while its answers cost next to nothing (pace.ts) */
    quickIntervalMs:
      given.interval === undefined && light.kind === 'http'
        ? quickIntervalMs(backends)
        : intervalMs,
    /** interval after a failure that has not yet changed the state */
    fastIntervalMs: given.fastInterval ?? Math.max(50, intervalMs / 4),
    /** interval while the backend is down */
    downIntervalMs: given.downInterval ?? intervalMs,
    /** no answer after this long: new visitors go elsewhere */
    slowMs,
    /** the least limit learned from its own answers; slowMs = none is learned */
    leastSlowMs: given.slow ?? Math.min(300, slowMs),
    /** limit for the whole probe */
    timeoutMs,
    connectTimeoutMs: given.connectTimeout ?? Math.min(2_000, timeoutMs),
    firstByteTimeoutMs: given.firstByteTimeout ?? timeoutMs,
    rise: given.rise ?? 2,
    fall: given.fall ?? 3,
    /** status codes that pass, as closed ranges */
    status: given.status ?? [[200, 399]],
    /** what the body must contain; null = anything */
    body: given.body ?? null,
    /** bytes of the body read at most */
    maxBody: given.maxBody ?? 65_536,
    /** the certificate of an https backend is checked */
    verify: given.verify ?? true,
    /** the file of the certificate authorities; null = the system's store */
    ca: given.ca ?? null,
    /** also down when `failures` of the last `of` probes failed; of 0 = off */
    window: given.window ?? { failures: 0, of: 0 },
    /**
     * Closes httpd's connections to a backend that goes down; auto = if the monitor
     * is allowed to, and without an error if it is not.
     */
    dropConnections: given.dropConnections ?? 'auto',
    /** a backend that goes down repeatedly is kept out longer each time */
    isDamped: given.damping ?? true,
    /** warming after down; 0 = off */
    slowStartMs: given.slowStart ?? 30_000,
    heartbeat: heartbeat(given.heartbeat, light, auto),
    /** heart beats but no worker answers: share 0 for so long, down after it */
    busyTimeoutMs: given.busyTimeout ?? Math.max(60_000, timeoutMs),
    /** makes a round trip to the database; null = none */
    deep: given.deep ?? null,
  }
}

/** What a light probe does. */
function lightProbe({ tcp = false, ask, command }: ProbeInput) {
  // runs a program, without a shell: an absolute path, then arguments
  if (command !== undefined) return { kind: 'command' as const, command }
  // sends a line to another port of the backend's host (zc.monitor)
  if (ask !== undefined) return { kind: 'ask' as const, ...ask }
  // only connects, or asks for a page
  return { kind: tcp ? ('tcp' as const) : ('http' as const) }
}

/** Two probes a second per backend for up to 20 backends, one from 40 on. */
function quickIntervalMs(backends: number): number {
  return Math.min(1_000, Math.max(500, 25 * backends))
}

/** Most heartbeats per second that a monitor sends by default. */
const maxBeats = 80

/**
 * Four a second per backend for up to 20 backends, fewer for more of them, down
 * to one a second for 80; none beyond. None with TLS: Zope does not speak TLS,
 * so the answer would come from the proxy in front of it.
 */
function autoHeartbeat(isTls: boolean, backends: number): Heartbeat {
  return isTls || backends > maxBeats
    ? { kind: 'off' }
    : {
        kind: 'on',
        intervalMs: Math.max(250, (1_000 * backends) / maxBeats),
        timeoutMs: 500,
      }
}

function heartbeat(
  given: ProbeInput['heartbeat'],
  light: ReturnType<typeof lightProbe>,
  auto: Heartbeat,
): Heartbeat {
  // a backend with TCP probes may not speak HTTP
  if (given === 'off' || (given === undefined && light.kind === 'tcp'))
    return { kind: 'off' }
  return given === 'auto' || given === undefined ? auto : given
}
