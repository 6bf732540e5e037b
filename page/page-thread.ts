// The monitor's side of its ports: the status page and the agent for HAProxy. A
// separate thread with a limited heap serves them, so that no visitor can delay a
// probe. A thread that dies or hangs is restarted; the monitor keeps running.
import { Worker } from 'node:worker_threads'
import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import { errorCode } from '../system/error-code.ts'
import type { Telemetry } from './telemetry.ts'
import {
  counted,
  type PageCounts,
  type PageLog,
  type PageConfig,
} from './messages.ts'

const restartMs = 5_000

/** Unread messages of `count` after which the thread is considered hung. */
const maxUnread = 30

export class StatusThread {
  readonly #log: Logger
  readonly #file: URL
  #config: PageConfig
  #unread = 0
  #worker: Worker | undefined
  #restart: NodeJS.Timeout | undefined

  /** @param file the thread's program; a test passes its own */
  constructor(config: Config, log: Logger, file = workerFile) {
    this.#log = log
    this.#file = file
    this.#config = { config, problems: [] }
    this.#start()
  }

  /** Applies a changed configuration; without any port the thread ends. */
  reconfigure(config: Config): void {
    this.#config = { config, problems: [] }
    this.#send()
  }

  /** Shows why a changed configuration was rejected. */
  showProblems(problems: readonly string[]): void {
    this.#config = { ...this.#config, problems }
    this.#send()
  }

  /** Call it once before the monitor starts, then about once a second. */
  count(telemetry: Telemetry): void {
    if (!hasPort(this.#config.config)) {
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

  #send(): void {
    if (!hasPort(this.#config.config)) this.stop()
    else if (this.#worker === undefined) this.#start()
    else this.#worker.postMessage(this.#config)
  }

  #start(): void {
    clearTimeout(this.#restart)
    if (!hasPort(this.#config.config)) return
    let worker
    try {
      worker = new Worker(this.#file, {
        workerData: this.#config,
        resourceLimits: {
          maxOldGenerationSizeMb: 96,
          maxYoungGenerationSizeMb: 8,
        },
        // as in rewritemap/thread/watching-thread.ts
        stdout: true,
        stderr: true,
      })
    } catch (err) {
      // out of memory or threads: the monitor keeps running
      this.#restartLater(errorCode(err))
      return
    }
    this.#worker = worker
    this.#unread = 0
    worker.on('message', (line: PageLog | typeof counted) => {
      if (line === counted) this.#unread = 0
      else this.#log[line.level](line.fields, line.message)
    })
    let err = ''
    worker.on('error', error => {
      err = error instanceof Error ? error.message : String(error)
    })
    worker.on('exit', () => {
      if (this.#worker !== worker) return
      this.#worker = undefined
      this.#restartLater(
        this.#unread < maxUnread ? err : `${maxUnread} s without an answer`,
      )
    })
    worker.unref()
  }

  #restartLater(err: string): void {
    this.#log.error({ err }, 'status page thread has died, restarting it')
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
