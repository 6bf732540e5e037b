// One port of the thread: listens at the configured address and retries if it
// cannot.
import { LogOnce } from '../system/log-once.ts'
import { hostPort } from '../text/host-port.ts'
import type { Server } from 'node:net'
import { errorCode } from '../system/error-code.ts'
import type { PageLog } from './messages.ts'

const retryMs = 3_000

/** The host is without brackets. */
type Address = { readonly host: string; readonly port: number }

type Running = { readonly server: Server; readonly close: () => void }

export class Listener {
  readonly #what: string
  readonly #key: string
  readonly #start: () => Running
  readonly #log: (line: PageLog) => void
  #listening: { readonly at: string; readonly running: Running } | undefined
  #address: Address | undefined
  #retry: NodeJS.Timeout | undefined
  readonly #logged = new LogOnce()

  /**
   * @param what for the log, such as `status page`
   * @param key of the configuration
   * @param start creates a server that does not listen yet
   */
  constructor(
    what: string,
    key: string,
    start: () => Running,
    log: (line: PageLog) => void,
  ) {
    this.#what = what
    this.#key = key
    this.#start = start
    this.#log = log
  }

  /** @param address where to listen; undefined = nowhere */
  listen(address: Address | undefined): void {
    this.#address = address
    const at = address === undefined ? '' : hostPort(address.host, address.port)
    if (this.#listening?.at === at) return
    clearTimeout(this.#retry)
    this.#listening?.running.close()
    this.#listening = undefined
    if (address === undefined) return
    const running = this.#start()
    this.#listening = { at, running }
    running.server.on('error', err => {
      const code = errorCode(err)
      // it may be listening and only lack a descriptor for one more connection
      if (running.server.listening) return
      // the configuration has changed the address meanwhile
      if (this.#listening?.running !== running) return
      running.close()
      this.#listening = undefined
      this.#logOnce('error', at, `${this.#what} cannot be served, retrying`, {
        err: code,
        remedy: remedies.get(code) ?? `correct ${this.#key}`,
      })
      this.#retry = setTimeout(() => {
        this.listen(this.#address)
      }, retryMs)
    })
    running.server.listen(address.port, address.host, () => {
      this.#logOnce('info', at, `${this.#what} is served`, {})
    })
  }

  /** Logs the same problem at the same address once. */
  #logOnce(
    level: PageLog['level'],
    at: string,
    message: string,
    more: Readonly<Record<string, unknown>>,
  ): void {
    const line: PageLog = { level, fields: { listen: at, ...more }, message }
    if (this.#logged.isNew('listening', JSON.stringify(line))) this.#log(line)
  }
}

const remedies = new Map([
  ['EADDRINUSE', 'another program has the port: choose another one'],
  ['EACCES', 'ports below 1024 are for root: choose another one'],
  ['EADDRNOTAVAIL', 'this machine has no such address: choose another one'],
])
