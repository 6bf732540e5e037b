// The parsed file + all defaults -> the configuration that the programs use.
import type {
  Backend,
  ClusterSettings,
  Config,
  FrontSettings,
  Heartbeat,
  IcpSettings,
  LightProbe,
  MapSettings,
  NotifySettings,
  Pool,
  ProbeSettings,
  StatusSettings,
} from './config.ts'
import { decidesKind } from './light-probe.ts'
import type {
  ClusterInput,
  FileInput,
  FrontInput,
  IcpInput,
  MapInput,
  NotifyInput,
  PoolInput,
  ProbeInput,
  StatusInput,
} from './schema.ts'
import { warmUpPages } from './warm-up.ts'

/** The limit of a whole probe if none is given. */
export const defaultTimeoutMs = 5_000

export function fillIn(input: FileInput): Config {
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
          { ...commonFor(probe, input.probe), ...probe },
          autoHeartbeat(url.tls, entries.length),
          entries.length,
        ),
        ...(pages.length > 0 && { warmUp: pages }),
      },
    }
  })
  return {
    directory: input.directory.replace(/(?<=.)\/+$/, ''),
    staleAfterMs: input.staleAfter,
    backends,
    pools,
    ...(input.map !== undefined && { map: mapSettings(input.map) }),
    ...(input.httpd !== undefined && {
      httpd: { status: input.httpd.status, host: input.httpd.host ?? null },
    }),
    ...(input.hook !== undefined && {
      hook: { command: input.hook.command, timeoutMs: input.hook.timeout },
    }),
    ...(input.status !== undefined && { status: pageSettings(input.status) }),
    ...(input.icp !== undefined && { icp: icpSettings(input.icp) }),
    ...(input.agent !== undefined && { agent: input.agent }),
    ...(input.notify !== undefined && { notify: notifySettings(input.notify) }),
    ...(input.front !== undefined && {
      front: frontSettings(input.front, input.map),
    }),
    ...(input.cluster !== undefined && {
      cluster: clusterSettings(input.cluster),
    }),
  }
}

function mapSettings(given: MapInput): MapSettings {
  return {
    url: given.url,
    host: given.host ?? null,
    intervalMs: given.interval,
    timeoutMs: given.timeout,
    command: given.command ?? null,
    commandIntervalMs: given.commandInterval,
  }
}

function pageSettings({ tokenFile, ...given }: StatusInput): StatusSettings {
  return { ...given, ...(tokenFile !== undefined && { tokenFile }) }
}

function icpSettings({ listen, ...given }: IcpInput): IcpSettings {
  return {
    ...given,
    listen: Object.entries(listen).map(([backend, address]) => ({
      backend,
      ...address,
    })),
  }
}

function clusterSettings(given: ClusterInput): ClusterSettings {
  return {
    etcd: given.etcd,
    name: given.name ?? null,
    prefix: given.prefix,
    ca: given.ca ?? null,
    cert: given.cert ?? null,
    key: given.key ?? null,
    user: given.user ?? null,
    passwordFile: given.passwordFile ?? null,
    isolatedAfterMs: given.isolatedAfter,
    cache: given.cache,
  }
}

/** @param map its URL of httpd on this machine is used without `front.url` */
function frontSettings(
  given: FrontInput,
  map: MapInput | undefined,
): FrontSettings {
  const isMapUrl = given.url === undefined || given.url === map?.url
  return {
    url: given.url ?? map?.url ?? 'http://127.0.0.1/.zope-failover/map',
    host: given.host ?? (isMapUrl ? (map?.host ?? null) : null),
    intervalMs: given.interval,
    timeoutMs: given.timeout,
    fall: given.fall,
    rise: given.rise,
    pool: given.pool,
    minScore: given.minScore,
  }
}

function notifySettings(given: NotifyInput): NotifySettings {
  const { webhook, headers, command, minSeverity, limit } = given
  return {
    ...(webhook !== undefined && { webhook }),
    headers,
    ...(command !== undefined && { command }),
    minSeverity,
    groupWaitMs: given.groupWait,
    warningAfterMs: given.warningAfter,
    repeatIntervalMs: given.repeatInterval,
    limit,
    timeoutMs: given.timeout,
  }
}

/** @param all every backend, for a pool that names none */
function poolSettings(
  name: string,
  pool: PoolInput,
  all: NonNullable<PoolInput['members']>,
): Pool {
  const { policy, whenAllDown, stickiness, failback, minAlive } = pool
  return {
    name,
    policy,
    members: (pool.members ?? all).map((member, index) => ({
      name: member.name,
      weight: member.weight,
      tier: member.tier ?? (policy === 'failover' ? index + 1 : 1),
    })),
    whenAllDown,
    stickiness,
    failback,
    minAlive,
    zeo: pool.zeo ?? null,
    ...(pool.site !== undefined && {
      site: { origin: pool.site.url, path: pool.site.path },
    }),
    ...(pool.warmUp !== undefined && { warmUp: pool.warmUp }),
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

/** Every default of a probe, in one place. */
function probeSettings(
  given: ProbeInput,
  auto: Heartbeat,
  backends: number,
): ProbeSettings {
  const intervalMs = given.interval ?? 1_000
  const timeoutMs = given.timeout ?? defaultTimeoutMs
  const slowMs = given.slow ?? Math.min(1_000, timeoutMs)
  const light = lightProbe(given)
  return {
    light,
    path: given.path ?? '/',
    method: given.method ?? 'GET',
    host: given.host ?? null,
    intervalMs,
    quickIntervalMs:
      given.interval === undefined && light.kind === 'http'
        ? quickIntervalMs(backends)
        : intervalMs,
    fastIntervalMs: given.fastInterval ?? Math.max(50, intervalMs / 4),
    downIntervalMs: given.downInterval ?? intervalMs,
    slowMs,
    leastSlowMs: given.slow ?? Math.min(300, slowMs),
    timeoutMs,
    connectTimeoutMs: given.connectTimeout ?? Math.min(2_000, timeoutMs),
    firstByteTimeoutMs: given.firstByteTimeout ?? timeoutMs,
    rise: given.rise ?? 2,
    fall: given.fall ?? 3,
    status: given.status ?? [[200, 399]],
    body: given.body ?? null,
    maxBody: given.maxBody ?? 65_536,
    verify: given.verify ?? true,
    ca: given.ca ?? null,
    window: given.window ?? { failures: 0, of: 0 },
    dropConnections: dropConnections(given.dropConnections),
    isDamped: given.damping ?? true,
    slowStartMs: given.slowStart ?? 30_000,
    // a backend with TCP probes may not speak HTTP
    heartbeat: heartbeat(
      given.heartbeat ?? (light.kind === 'tcp' ? 'off' : 'auto'),
      auto,
    ),
    busyTimeoutMs: given.busyTimeout ?? Math.max(60_000, timeoutMs),
    deep:
      given.deep === undefined
        ? null
        : {
            path: given.deep.path,
            intervalMs: given.deep.interval,
            timeoutMs: given.deep.timeout,
            maxLagMs: given.deep.maxLag,
          },
  }
}

function lightProbe({ tcp = false, ask, command }: ProbeInput): LightProbe {
  if (command !== undefined) return { kind: 'command', command }
  if (ask !== undefined) return { kind: 'ask', ...ask }
  return { kind: tcp ? 'tcp' : 'http' }
}

function dropConnections(
  given: ProbeInput['dropConnections'] = 'auto',
): ProbeSettings['dropConnections'] {
  if (given === 'auto') return given
  return given ? 'on' : 'off'
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
  given: NonNullable<ProbeInput['heartbeat']>,
  auto: Heartbeat,
): Heartbeat {
  if (given === 'off') return { kind: 'off' }
  if (given === 'auto') return auto
  const { interval = 250, timeout = 500 } = given
  return { kind: 'on', intervalMs: interval, timeoutMs: timeout }
}
