// One port of the thread: listens where the configuration wants it, and tries again
// where it cannot.
import type { Server } from 'node:net'
import { errorCode } from '../system/error-code.ts'
import type { PageNews } from './messages.ts'

const retryMs = 3_000

/** Where a port is; host without brackets. */
export type Address = { readonly host: string; readonly port: number }

export type Running = { readonly server: Server; readonly close: () => void }

export class Listener {
  readonly #what: string
  readonly #key: string
  readonly #start: () => Running
  readonly #tell: (news: PageNews) => void
  #listening: { readonly at: string; readonly running: Running } | undefined
  #wanted: Address | undefined
  #retry: NodeJS.Timeout | undefined
  #told = ''

  /**
   * @param what for the log, such as `status page`
   * @param key of the configuration
   * @param start makes a server that does not listen yet
   */
  constructor(
    what: string,
    key: string,
    start: () => Running,
    tell: (news: PageNews) => void,
  ) {
    this.#what = what
    this.#key = key
    this.#start = start
    this.#tell = tell
  }

  /** @param address where it is wanted; undefined = nowhere */
  listen(address: Address | undefined): void {
    this.#wanted = address
    const at = address === undefined ? '' : addressText(address)
    if (this.#listening?.at === at) return
    clearTimeout(this.#retry)
    this.#listening?.running.close()
    this.#listening = undefined
    if (address === undefined) return
    const running = this.#start()
    this.#listening = { at, running }
    running.server.on('error', err => {
      const code = errorCode(err)
      // it may be listening, and only have no descriptor left for one more
      if (running.server.listening) return
      // the configuration has named another place meanwhile
      if (this.#listening?.running !== running) return
      running.close()
      this.#listening = undefined
      this.#say('error', at, `${this.#what} cannot be served, trying again`, {
        err: code,
        remedy: remedies.get(code) ?? `correct ${this.#key}`,
      })
      this.#retry = setTimeout(() => {
        this.listen(this.#wanted)
      }, retryMs)
    })
    running.server.listen(address.port, address.host, () => {
      this.#say('info', at, `${this.#what} is served`, {})
    })
  }

  /** The same trouble at the same place once. */
  #say(
    level: PageNews['level'],
    at: string,
    message: string,
    more: Readonly<Record<string, unknown>>,
  ): void {
    const news: PageNews = { level, fields: { listen: at, ...more }, message }
    const text = JSON.stringify(news)
    if (text === this.#told) return
    this.#told = text
    this.#tell(news)
  }
}

const remedies = new Map([
  ['EADDRINUSE', 'another program has the port: choose another one'],
  ['EACCES', 'ports below 1024 are for root: choose another one'],
  ['EADDRNOTAVAIL', 'this machine has no such address: choose another one'],
])

function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
