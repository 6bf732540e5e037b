// Bounded load on a loopback port: some clients, each with one keep-alive
// connection, one request after the other. Every request is recorded.
import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

export type Sample = {
  /** sent as X-Request */
  readonly id: string
  readonly client: number
  /** performance.now() */
  readonly startMs: number
  readonly endMs: number
  /** undefined: no answer */
  readonly status: number | undefined
  /** X-Backend of the answer */
  readonly backend: string | undefined
  readonly error: string | undefined
  /** the connection had served another request before */
  readonly isReused: boolean
  /**
   * the first try failed because its connection was closed, see `isRepeating`
   */
  readonly isRepeated: boolean
}

export type Load = {
  /** finished requests, in order of their end */
  readonly samples: readonly Sample[]
  /** starts no more requests; resolves when those in flight have ended */
  readonly stop: () => Promise<readonly Sample[]>
}

export type LoadOptions = {
  readonly port: number
  readonly clients?: number
  readonly path?: string
  /** between two requests of one client */
  readonly pauseMs?: number
  /** every client keeps its cookies */
  readonly hasCookies?: boolean
  readonly isKeepAlive?: boolean
  /**
   * Like browsers (RFC 9112 9.3.1): repeat a GET once if its keep-alive
   * connection was closed before any answer
   */
  readonly isRepeating?: boolean
}

/** Starts at once. */
export function startLoad(options: LoadOptions): Load {
  const { clients = 20, pauseMs = 2 } = options
  const samples: Sample[] = []
  const stopping = new AbortController()
  const client = async (number: number): Promise<void> => {
    const visitor = new Visitor(options, number)
    while (!stopping.signal.aborted) {
      samples.push(await visitor.ask(options.path ?? '/'))
      await pause(pauseMs)
    }
    visitor.leave()
  }
  const running = Promise.all(
    Array.from({ length: clients }, (_, number) => client(number)),
  )
  return {
    samples,
    stop: async () => {
      stopping.abort()
      await running
      return samples
    },
  }
}

/** One browser: a connection, cookies, one request at a time. */
export class Visitor {
  readonly #options: LoadOptions
  readonly #number: number
  readonly #agent: Agent
  readonly cookies = new Map<string, string>()
  #count = 0
  static #visitors = 0

  constructor(options: LoadOptions, number = Visitor.#visitors++) {
    this.#options = options
    this.#number = number
    this.#agent = new Agent({
      keepAlive: options.isKeepAlive ?? true,
      maxSockets: 1,
    })
  }

  /** Never rejects: a failure is recorded in the sample. */
  async ask(path: string): Promise<Sample> {
    const first = await this.#askOnce(path)
    const isClosed = first.status === undefined && first.isReused
    if (this.#options.isRepeating !== true || !isClosed) return first
    const second = await this.#askOnce(path)
    return { ...second, startMs: first.startMs, isRepeated: true }
  }

  #askOnce(path: string): Promise<Sample> {
    const id = `${this.#number}.${++this.#count}`
    const startMs = performance.now()
    return new Promise(done => {
      const outgoing = request({
        host: '127.0.0.1',
        port: this.#options.port,
        path,
        agent: this.#agent,
        headers: { 'X-Request': id, ...this.#cookieHeader() },
      })
      const finish = (
        part: Pick<Sample, 'status' | 'backend' | 'error'>,
      ): void =>
        done({
          id,
          client: this.#number,
          startMs,
          endMs: performance.now(),
          isReused: outgoing.reusedSocket,
          isRepeated: false,
          ...part,
        })
      outgoing.on('response', response => {
        const status = response.statusCode
        const backend = String(response.headers['x-backend'])
        for (const cookie of response.headers['set-cookie'] ?? []) {
          const [name = '', value = ''] = (cookie.split(';')[0] ?? '').split(
            '=',
          )
          if (this.#options.hasCookies === true) this.cookies.set(name, value)
        }
        response.on('error', err => {
          finish({ status, backend, error: err.message })
        })
        response.on('end', () => {
          finish({ status, backend, error: undefined })
        })
        response.resume()
      })
      outgoing.on('error', err => {
        finish({ status: undefined, backend: undefined, error: err.message })
      })
      outgoing.end()
    })
  }

  leave(): void {
    this.#agent.destroy()
  }

  #cookieHeader(): { Cookie?: string } {
    if (this.cookies.size === 0) return {}
    return {
      Cookie: [...this.cookies]
        .map(([name, value]) => `${name}=${value}`)
        .join('; '),
    }
  }
}

/** The failed requests. */
export function failuresOf(samples: readonly Sample[]): Sample[] {
  return samples.filter(({ status }) => status !== 200)
}
