// The monitor's end of the status page. It is served by a thread of its own with
// a limited heap, so that no visitor can delay a probe: one that dies is started
// again, and the monitor goes on.
import { Worker } from 'node:worker_threads'
import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import { errorCode } from '../config/error-code.ts'
import type { Telemetry } from '../monitor/telemetry.ts'
import type { PageCounts, PageNews, PageOrder } from './messages.ts'

const restartMs = 5_000

export class StatusThread {
  readonly #log: Logger
  #order: PageOrder
  #worker: Worker | undefined
  #restart: NodeJS.Timeout | undefined

  constructor(config: Config, log: Logger) {
    this.#log = log
    this.#order = { config, problems: [] }
    this.#start()
  }

  /** A changed configuration; with no `status` in it the thread ends. */
  retune(config: Config): void {
    this.#order = { config, problems: [] }
    this.#pass()
  }

  /** Shows why a changed configuration was refused. */
  tell(problems: readonly string[]): void {
    this.#order = { ...this.#order, problems }
    this.#pass()
  }

  /** To be called about once a second, and once before the monitor starts. */
  count(telemetry: Telemetry): void {
    if (this.#order.config.status === undefined) {
      telemetry.stop()
      return
    }
    const counts: PageCounts = { events: telemetry.drain() }
    this.#worker?.postMessage(counts)
  }

  stop(): void {
    clearTimeout(this.#restart)
    const worker = this.#worker
    this.#worker = undefined
    void worker?.terminate()
  }

  #pass(): void {
    if (this.#order.config.status === undefined) this.stop()
    else if (this.#worker === undefined) this.#start()
    else this.#worker.postMessage(this.#order)
  }

  #start(): void {
    clearTimeout(this.#restart)
    if (this.#order.config.status === undefined) return
    let worker
    try {
      worker = new Worker(workerFile, {
        workerData: this.#order,
        resourceLimits: {
          maxOldGenerationSizeMb: 96,
          maxYoungGenerationSizeMb: 8,
        },
        // as in rewritemap/watching-thread.ts
        stdout: true,
        stderr: true,
      })
    } catch (err) {
      // no memory or no thread to be had: the monitor goes on
      this.#again(errorCode(err))
      return
    }
    this.#worker = worker
    worker.on('message', ({ level, fields, message }: PageNews) => {
      this.#log[level](fields, message)
    })
    let err = ''
    worker.on('error', error => {
      err = error instanceof Error ? error.message : String(error)
    })
    worker.on('exit', () => {
      if (this.#worker !== worker) return
      this.#worker = undefined
      this.#again(err)
    })
    worker.unref()
  }

  #again(err: string): void {
    this.#log.error(
      { err },
      'thread of the status page has died, starting it again',
    )
    this.#restart = setTimeout(() => this.#start(), restartMs).unref()
  }
}

const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js',
  import.meta.url,
)
