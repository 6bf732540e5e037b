// Frees visitors who wait for a hanging backend: when it goes down, the connections
// of this machine to it are closed with `ss -K` (iproute2), and httpd's readers get
// ECONNABORTED at once. Invariant: only on the change to down, and only if the backend
// gives no answer. A slow or busy one is working on its requests, and one that answers
// with errors does not hang.
import { runProgram } from '../system/run-program.ts'
import { LogOnce } from '../system/log-once.ts'
import { hostPort } from '../text/host-port.ts'
import { existsSync, readFileSync } from 'node:fs'
import type { LookupAddress } from 'node:dns'
import type { Logger } from 'pino'
import { addressOf, type Backend, type LightProbe } from '../config/config.ts'
import { sentinelFile } from '../sentinels/names.ts'
import type { MonitorLimit } from '../sentinels/reports.ts'
import type { Resolver } from './resolver.ts'
import type { Outcome } from '../health/outcome.ts'

/**
 * When to drop connections, in ms after the verdict. httpd reads the verdict a moment
 * later: a later sweep frees requests that were sent there meanwhile.
 */
const sweepsMs = [0, 250, 1_000]
const limitMs = 2_000
/** output of ss: a line of a hundred bytes per connection */
const maxOutput = 16 * 1024 * 1024

const missing = 'ss is not installed'
const installIt =
  'install iproute2 (Debian: apt-get install iproute2), or set probe.dropConnections to false'
const forbidden = 'CAP_NET_ADMIN is missing'
const allowIt =
  'give the monitor the capability: AmbientCapabilities=CAP_NET_ADMIN in its unit, or set probe.dropConnections to false'

/** Outcomes of a backend that answers, however badly. */
const answers: ReadonlySet<string> = new Set<Outcome['kind']>([
  'pass',
  // busy is not dead
  'stuck',
  'status',
  'content',
  'protocol',
  'tls',
])

/**
 * Whether a backend that went down with this outcome leaves visitors waiting.
 *
 * @param kind of its light probe: another port or a command says nothing about them
 */
export function leavesWaiting(
  outcome: string,
  kind: LightProbe['kind'],
): boolean {
  return kind === 'ask' || kind === 'command'
    ? outcome === 'heartbeat'
    : !answers.has(outcome)
}

/** The path of ss; undefined = not installed. */
export function findSs(
  path: string = process.env['PATH'] ?? '',
): string | undefined {
  return [...path.split(':'), '/usr/bin', '/bin', '/usr/sbin', '/sbin']
    .filter(directory => directory.startsWith('/'))
    .map(directory => `${directory}/ss`)
    .find(file => existsSync(file))
}

export class ConnectionDropper {
  readonly #directory: string
  readonly #resolver: Resolver
  readonly #log: Logger
  /** its path; empty = not installed */
  readonly #ss: string
  readonly #running = new Set<string>()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #logged = new LogOnce()
  #mode: 'on' | 'off' | 'auto' = 'on'
  #limit: MonitorLimit | undefined

  constructor(
    directory: string,
    resolver: Resolver,
    log: Logger,
    ss: string = findSs() ?? '',
  ) {
    this.#directory = directory
    this.#resolver = resolver
    this.#log = log
    this.#ss = ss
  }

  /** Why no connection can be dropped here; undefined = they can. */
  get limit(): MonitorLimit | undefined {
    return this.#limit
  }

  /**
   * Checks whether it can work here. `auto` is off where it cannot: that is logged
   * once, and `status` and `check` report it.
   *
   * @param wanted on = some backend has it set
   */
  check(wanted: 'on' | 'off' | 'auto'): void {
    this.#mode = wanted
    const [err, remedy] =
      this.#ss === ''
        ? [missing, installIt]
        : hasCapability()
          ? []
          : [forbidden, allowIt]
    this.#limit =
      wanted === 'off' || err === undefined || remedy === undefined
        ? undefined
        : {
            severity: wanted === 'on' ? 'warning' : 'info',
            what: `connections to a hanging backend are not dropped: ${err}`,
            why: 'requests in a frozen Zope wait for their timeout before they get a second chance',
            remedy,
          }
    if (this.#limit !== undefined) this.#logOnce(String(err), String(remedy))
  }

  /** Not awaited; never rejects. */
  drop(backend: Backend, isStillDown: () => boolean): void {
    for (const ms of sweepsMs) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer)
        if (isStillDown()) void this.#sweep(backend)
      }, ms)
      this.#timers.add(timer)
    }
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }

  async #sweep(backend: Backend): Promise<void> {
    const { name } = backend
    if (this.#ss === '') {
      this.#logOnce(missing, installIt)
      return
    }
    if (this.#limit !== undefined) return
    // `force` by an administrator overrides the verdict
    if (existsSync(`${this.#directory}/${sentinelFile(name, 'force')}`)) return
    if (this.#running.has(name)) return
    this.#running.add(name)
    const startedMs = performance.now()
    const resolved = await this.#resolver.resolve(backend.host, limitMs)
    const addresses = 'addresses' in resolved ? resolved.addresses : []
    const result =
      addresses.length === 0
        ? { connections: 0, error: 'its address is unknown' }
        : await closeAll(this.#ss, addresses, backend.port)
    this.#running.delete(name)
    if (/not permitted/i.test(result.error))
      this.#logOnce(result.error, allowIt)
    else if (result.error !== '')
      this.#log.warn(
        { backend: name, err: result.error },
        'connections could not be dropped',
      )
    if (result.connections > 0)
      this.#log.warn(
        {
          backend: name,
          address: addressOf(backend),
          connections: result.connections,
          ms: Math.round(performance.now() - startedMs),
        },
        'connections dropped',
      )
  }

  #logOnce(err: string, remedy: string): void {
    if (!this.#logged.isNew(remedy)) return
    this.#log[this.#mode === 'auto' ? 'info' : 'error'](
      { err, remedy },
      'hanging connections cannot be dropped',
    )
  }
}

async function closeAll(
  ss: string,
  addresses: readonly LookupAddress[],
  port: number,
): Promise<{ connections: number; error: string }> {
  const { stdout, stderr, failure } = await runProgram(
    [
      ...[ss, '-K', '-H', '-n', '-t'],
      // not half-closed connections, such as those of our own former probes
      ...['state', 'established', 'state', 'syn-sent'],
      ...ssFilter(addresses, port),
    ],
    { LC_ALL: 'C' },
    limitMs,
    maxOutput,
  )
  // ss exits with 0 even if it was not permitted
  const error = stderr.trim().split('\n')[0] ?? ''
  return {
    connections: stdout.split('\n').length - 1,
    error: error !== '' || failure === '' ? error : `ss ${failure}`,
  }
}

/** Connections to one of these addresses, in the words of ss. */
export function ssFilter(
  addresses: readonly LookupAddress[],
  port: number,
): string[] {
  return addresses.flatMap(({ address }, index) => [
    ...(index === 0 ? [] : ['or']),
    'dst',
    hostPort(address, port),
  ])
}

/** linux/capability.h: CAP_NET_ADMIN is 12. */
function hasCapability(): boolean {
  try {
    const status = readFileSync('/proc/self/status', 'latin1')
    const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1]
    return ((BigInt(`0x${effective ?? '0'}`) >> 12n) & 1n) === 1n
  } catch {
    // no /proc: the first attempt will tell
    return true
  }
}
