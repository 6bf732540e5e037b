// The monitor's end of its ports: the status page and the agent for HAProxy. They
// are served by a thread of its own with a limited heap, so that no visitor can
// delay a probe: one that dies or hangs is started again, and the monitor goes on.
import { Worker } from 'node:worker_threads'
import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import { errorCode } from '../system/error-code.ts'
import type { Telemetry } from './telemetry.ts'
import { counted } from './messages.ts'
import type { PageCounts, PageNews, PageOrder } from './messages.ts'

const restartMs = 5_000

/** Of `count`: what a thread that hangs has not read is kept for it. */
const maxUnread = 30

export class StatusThread {
  readonly #log: Logger
  readonly #file: URL
  #order: PageOrder
  #unread = 0
  #worker: Worker | undefined
  #restart: NodeJS.Timeout | undefined

  /** @param file the thread's program: a test has one of its own */
  constructor(config: Config, log: Logger, file = workerFile) {
    this.#log = log
    this.#file = file
    this.#order = { config, problems: [] }
    this.#start()
  }

  /** A changed configuration; with no port in it the thread ends. */
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
    if (!hasPort(this.#order.config)) {
      telemetry.stop()
      return
    }
    if (this.#unread >= maxUnread) void this.#worker?.terminate()
    if (this.#worker === undefined || this.#unread >= maxUnread) return
    const counts: PageCounts = { events: telemetry.drain() }
    this.#worker.postMessage(counts)
    this.#unread++
  }

  stop(): void {
    clearTimeout(this.#restart)
    const worker = this.#worker
    this.#worker = undefined
    void worker?.terminate()
  }

  #pass(): void {
    if (!hasPort(this.#order.config)) this.stop()
    else if (this.#worker === undefined) this.#start()
    else this.#worker.postMessage(this.#order)
  }

  #start(): void {
    clearTimeout(this.#restart)
    if (!hasPort(this.#order.config)) return
    let worker
    try {
      worker = new Worker(this.#file, {
        workerData: this.#order,
        resourceLimits: {
          maxOldGenerationSizeMb: 96,
          maxYoungGenerationSizeMb: 8,
        },
        // as in rewritemap/thread/watching-thread.ts
        stdout: true,
        stderr: true,
      })
    } catch (err) {
      // no memory or no thread to be had: the monitor goes on
      this.#again(errorCode(err))
      return
    }
    this.#worker = worker
    this.#unread = 0
    worker.on('message', (news: PageNews | typeof counted) => {
      if (news === counted) this.#unread = 0
      else this.#log[news.level](news.fields, news.message)
    })
    let err = ''
    worker.on('error', error => {
      err = error instanceof Error ? error.message : String(error)
    })
    worker.on('exit', () => {
      if (this.#worker !== worker) return
      this.#worker = undefined
      this.#again(
        this.#unread < maxUnread
          ? err
          : `${maxUnread} s without a sign of life`,
      )
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

function hasPort({ status, agent }: Config): boolean {
  return status !== undefined || agent !== undefined
}

const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './page-worker.ts' : './page-worker.js',
  import.meta.url,
)
