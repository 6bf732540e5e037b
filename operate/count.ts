// How many requests of httpd are in flight at a backend. Uses httpd's own count if
// the configuration says where to get it (key `httpd`); else the kernel's: the
// connections of this machine to the backend, because httpd opens one per request
// (ARCHITECTURE, "Idle").
import { runProgram } from '../system/run-program.ts'
import { lookup } from 'node:dns/promises'
import { got, HTTPError, RequestError } from 'got'
import {
  originOf,
  type Backend,
  type Config,
  type HttpdSettings,
} from '../config/config.ts'
import { errorCode } from '../system/error-code.ts'
import { findSs, ssFilter } from '../probes/drop-connections.ts'
import { busyCountOf, type BusyCount } from './server-status.ts'

const limitMs = 5_000

/** The requests could not be counted; the message has a remedy. */
export class CountError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CountError'
  }
}

/**
 * @param monitor its process id: its probes are not requests of httpd
 * @throws {CountError} when they cannot be counted
 */
export function countInFlight(
  config: Config,
  backend: Backend,
  monitor: number | undefined,
): Promise<number> {
  return config.httpd === undefined
    ? connectionsTo(backend, monitor)
    : busyInHttpd(config.httpd, backend)
}

async function busyInHttpd(
  httpd: HttpdSettings,
  backend: Backend,
): Promise<number> {
  const answers = await Promise.all(
    httpd.status.map(url => askStatus(url, httpd.host, backend)),
  )
  // counted as 0, its requests would be cut off
  const strangers = httpd.status.filter(
    (_url, index) => answers[index]?.kind === 'stranger',
  )
  if (strangers.length > 0)
    throw new CountError(
      `httpd.status: ${strangers.join(', ')} must know ${originOf(backend)}, but it is not a balancer member there; regenerate the httpd configuration (zope-failover apache-conf), or set httpd.host to the name of its site`,
    )
  return answers.reduce(
    (sum, answer) => sum + (answer.kind === 'count' ? answer.count : 0),
    0,
  )
}

async function askStatus(
  url: string,
  host: string | null,
  backend: Backend,
): Promise<BusyCount> {
  let text
  try {
    text = await got(`${url}?auto`, {
      retry: { limit: 0 },
      followRedirect: false,
      timeout: { request: limitMs },
      ...(host !== null && { headers: { host } }),
    }).text()
  } catch (err) {
    const why =
      err instanceof HTTPError
        ? `status ${err.response.statusCode}`
        : err instanceof RequestError
          ? err.code
          : errorCode(err)
    throw new CountError(
      `httpd.status: ${url}?auto must be httpd's status page, got ${why}; see docs/drain-and-restart.md, or leave the key httpd out`,
      { cause: err },
    )
  }
  const busy = busyCountOf(text, originOf(backend))
  if (busy.kind === 'silent')
    throw new CountError(
      `httpd.status: ${url}?auto lists no balancer member; write "ProxyStatus On" into the virtual host that serves it`,
    )
  return busy
}

async function connectionsTo(
  backend: Backend,
  monitor: number | undefined,
): Promise<number> {
  const ss = findSs()
  if (ss === undefined)
    throw new CountError(
      'ss is needed to count connections; install iproute2 (Debian: apt-get install iproute2), or set httpd.status',
    )
  let addresses
  try {
    addresses = await lookup(backend.host, { all: true })
  } catch (err) {
    throw new CountError(
      `${backend.host} cannot be resolved (${errorCode(err)})`,
      { cause: err },
    )
  }
  const { stdout, stderr, failure } = await runProgram(
    [
      ...[ss, '-H', '-n', '-t', '-p'],
      // not those that the backend has already closed
      ...['state', 'established', 'state', 'syn-sent'],
      ...ssFilter(addresses, backend.port),
    ],
    { LC_ALL: 'C' },
    limitMs,
  )
  if (failure !== '')
    throw new CountError(
      `${ss} failed (${stderr.trim().split('\n')[0] || failure}); set httpd.status instead`,
    )
  const lines = stdout.split('\n')
  // ss shows the pid only to root and the monitor's own user. For others a probe
  // counts as a request, but it is over at the next check
  const isProbe = (line: string): boolean =>
    monitor !== undefined && line.includes(`pid=${monitor},`)
  return lines.filter(line => line !== '' && !isProbe(line)).length
}
