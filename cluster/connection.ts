// The monitor's connection to etcd: the client, which is replaced while etcd cannot be
// used, and what is wrong with it.
import type { Logger } from 'pino'
import type { ClusterSettings } from '../config/config.ts'
import { LogOnce } from '../system/log-once.ts'
import { Engine } from './engine.ts'
import { EngineError } from './engine-error.ts'
import { Keys } from './keys.ts'
import { retryMs } from './presence.ts'

export class Connection {
  readonly settings: ClusterSettings
  /** the name of this machine */
  readonly machine: string
  readonly keys: Keys
  readonly log: Logger
  readonly #onProblem: () => void
  readonly #stop = new AbortController()
  readonly #logged = new LogOnce()
  #engine: Engine | undefined
  #problem: string | null = 'etcd was not reached yet'
  #lastEchoAt = -Infinity
  #awaySince = performance.now()

  constructor(
    settings: ClusterSettings,
    machine: string,
    log: Logger,
    onProblem: () => void,
  ) {
    this.settings = settings
    this.machine = machine
    this.keys = new Keys(settings.prefix)
    this.log = log
    this.#onProblem = onProblem
  }

  /** Undefined while etcd cannot be used. */
  get engine(): Engine | undefined {
    return this.#engine
  }

  get problem(): string | null {
    return this.#problem
  }

  /** When this machine's own sign of life last came back; -Infinity = never. */
  get lastEchoAt(): number {
    return this.#lastEchoAt
  }

  /** Aborted when the monitor no longer uses the connection. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** @throws {EngineError} when a file of the settings cannot be read */
  open(): Engine {
    this.#engine ??= new Engine(this.settings)
    return this.#engine
  }

  /** The next client reads certificates and passwords again. */
  close(): void {
    this.#engine?.close()
    this.#engine = undefined
  }

  /** Ends all loops and timers; the client can still say goodbye. */
  stop(): void {
    this.#stop.abort()
  }

  recordEcho(): void {
    this.#lastEchoAt = performance.now()
    this.#awaySince = this.#lastEchoAt
    this.#problem = null
  }

  /** A frozen member gives no error: its watch is just silent. */
  leaveSilentMember(url: string): void {
    this.#engine?.avoid(url)
    this.#problem = `no sign of life came back through ${url}`
  }

  /** An error must not end the monitor: it still judges the backends. */
  recordError(err: unknown): void {
    // stop() aborts requests in flight
    if (this.signal.aborted && err instanceof EngineError) return
    if (err instanceof EngineError) this.recordProblem(err.message)
    else {
      // the log has it only once: the report shows it, too
      if (this.#problem === null) {
        this.#problem = String(err)
        this.#onProblem()
      }
      if (this.#logged.isNew(String(err)))
        this.log.error({ err }, 'unexpected error in the cluster')
    }
  }

  /** Logs it, unless it is the current problem. */
  recordProblem(problem: string): void {
    if (problem === this.#problem) return
    this.#problem = problem
    this.#onProblem()
    this.log.warn({ problem }, 'etcd cannot be used')
  }

  /** How long to wait before etcd is tried again, in ms. */
  retryMs(): number {
    return retryMs(performance.now() - this.#awaySince, Math.random())
  }
}
