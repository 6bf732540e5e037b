// `zope-failover observe`: reads httpd's piped log. Invariant, whatever is wrong
// with configuration, directory or log: stdin is read to its end. An observer
// that stops reading stops httpd.
import { pino, type Logger } from 'pino'
import { LogOnce } from '../system/log-once.ts'
import { logOptions } from '../system/log-options.ts'
import type { Config } from '../config/config.ts'
import { errorCode } from '../system/error-code.ts'
import { configFileOf, maxConfigBytes } from '../config/file.ts'
import { parseConfig } from '../config/parse.ts'
import { ConfigError } from '../config/problem.ts'
import { version } from '../system/version.ts'
import { directoryRemedy } from '../sentinels/read.ts'
import { readRegularBytesLater } from '../system/regular-file.ts'
import { LineSplitter } from './line-splitter.ts'
import { SuspicionFilter } from './suspicion-filter.ts'
import { parseLine } from './line.ts'
import { SuspicionWriter } from './suspicion-writer.ts'

const tickMs = 1_000
/** drops are logged this often; the first ones at once */
const logDropsMs = 60_000
/** interval of reloads while the configuration is invalid or lacks backends */
const reloadMs = 5_000
/** how often a backend that keeps failing is logged */
const suspicionMs = 10_000
/** how long loading the configuration, and the last writes, may take */
const settleMs = 1_000

type ObserverOptions = {
  readonly configFile: string
}

/**
 * Reads until the end of stdin or until a signal stops it.
 *
 * @returns the exit code: 0
 */
export async function runObserver(options: ObserverOptions): Promise<number> {
  // asynchronous and bounded: stderr may be a pipe that is not being read
  const destination = pino.destination({
    fd: 2,
    sync: false,
    maxLength: 65_536,
  })
  const log = pino(logOptions('observe'), destination)
  // httpd's stderr may be gone before we are
  let isBroken = false
  destination.on('error', () => (isBroken = true))
  // These reach httpd's whole process group and are not meant for us. Handle them
  // first: each one ends a process without a handler (USR1 starts a debugger).
  for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const)
    process.on(signal, () => {})
  const observer = new Observer(options.configFile, log)
  // meanwhile httpd's lines wait in the pipe
  await within(observer.load(), settleMs)
  const ended = untilEnd(chunk => observer.take(chunk))
  const timer = setInterval(() => observer.tick(), tickMs)
  await ended
  clearInterval(timer)
  await observer.end()
  // a broken destination does not even emit "close"
  if (!isBroken) await within(written(destination), settleMs, dieNow)
  return 0
}

/** Resolves when all lines are written, or cannot be. */
function written(destination: ReturnType<typeof pino.destination>) {
  return new Promise<void>(resolve => {
    destination.once('close', () => resolve())
    destination.once('error', () => resolve())
    destination.end()
  })
}

/**
 * A write to a pipe that is not being read cannot be cancelled, and an orderly
 * exit would wait for it forever.
 */
function dieNow(): void {
  process.kill(process.pid, 'SIGKILL')
}

/** Resolves when it is done, or after `ms`, when it calls `late` first. */
function within(
  done: Promise<void>,
  ms: number,
  late: () => void = () => {},
): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(() => {
      late()
      resolve()
    }, ms)
    void done.then(() => clearTimeout(timer)).then(resolve)
  })
}

function untilEnd(take: (chunk: Buffer) => void): Promise<void> {
  return new Promise(resolve => {
    process.stdin.on('data', take)
    process.stdin.once('end', () => resolve())
    process.stdin.once('error', () => resolve())
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => resolve())
  })
}

class Observer {
  readonly #configFile: string
  readonly #log: Logger
  readonly #filter = new SuspicionFilter()
  readonly #splitter: LineSplitter
  #names: ReadonlySet<string> = new Set()
  #writer: SuspicionWriter | undefined
  #directory = ''
  /** lines of another form, for example of another log */
  #unreadable = 0
  /** observations of backends that are not in the configuration */
  #unknown = 0
  readonly #suspicionMs = new Map<string, number>()
  #loggedDrops = 0
  #loggedMs = -Infinity
  #loadedMs = -Infinity
  readonly #logged = new LogOnce()
  #isLoading = false
  #wantsNames = true

  constructor(configFile: string, log: Logger) {
    this.#configFile = configFile
    this.#log = log
    this.#splitter = new LineSplitter(
      line => this.#onLine(line),
      () => performance.now(),
    )
  }

  take(chunk: Buffer): void {
    this.#splitter.take(chunk)
    if (this.#wantsNames) void this.load()
  }

  /** Once a second: logs what was dropped. */
  tick(): void {
    if (this.#wantsNames) void this.load()
    const nowMs = performance.now()
    if (nowMs - this.#loggedMs < logDropsMs) return
    const drops = this.#drops()
    if (drops === this.#loggedDrops) return
    this.#log.warn(
      { dropped: drops - this.#loggedDrops, ...this.#counts() },
      'dropped lines or suspicions',
    )
    this.#loggedDrops = drops
    this.#loggedMs = nowMs
  }

  async end(): Promise<void> {
    if (this.#writer !== undefined)
      await within(this.#writer.settled(), settleMs)
    this.#log.info(
      { dropped: this.#drops(), ...this.#counts() },
      'observer ended',
    )
  }

  #drops(): number {
    const { tooLong, skipped } = this.#splitter
    const unwritten = this.#writer?.unwritten ?? 0
    return tooLong + skipped + this.#unreadable + this.#unknown + unwritten
  }

  #counts(): Readonly<Record<string, number>> {
    const { lines, tooLong, skipped } = this.#splitter
    return {
      lines,
      tooLong,
      skipped,
      unreadable: this.#unreadable,
      unknown: this.#unknown,
      unwritten: this.#writer?.unwritten ?? 0,
    }
  }

  #onLine(line: string): void {
    const request = parseLine(line)
    if (request === undefined) {
      this.#unreadable++
      return
    }
    for (const observation of request.observations) {
      const { backend, signal } = observation
      if (this.#writer === undefined || !this.#names.has(backend)) {
        this.#unknown++
        this.#wantsNames = true
        continue
      }
      switch (this.#filter.actionFor(observation, request.atMs, Date.now())) {
        case 'suspect':
          this.#writer.suspect(backend, signal)
          break
        case 'served':
          this.#writer.served(backend, request.atMs)
          break
        case 'nothing':
          break
      }
    }
  }

  #logSuspicion(backend: string, outcome: string): void {
    const nowMs = performance.now()
    const isNews =
      nowMs - (this.#suspicionMs.get(backend) ?? -Infinity) >= suspicionMs
    if (isNews) this.#suspicionMs.set(backend, nowMs)
    this.#log[isNews ? 'info' : 'debug'](
      { backend, outcome },
      'backend suspected',
    )
  }

  /** At startup, and when httpd uses a backend that we do not know. */
  async load(): Promise<void> {
    const nowMs = performance.now()
    if (this.#isLoading || nowMs - this.#loadedMs < reloadMs) return
    this.#isLoading = true
    this.#loadedMs = nowMs
    const read = await this.#read()
    this.#isLoading = false
    if (read.kind === 'config') this.#useConfig(read.config)
    else this.#logProblems(read.problems)
  }

  /** Never rejects; not loadConfig, which waits for the disk. */
  async #read(): Promise<
    | { readonly kind: 'config'; readonly config: Config }
    | { readonly kind: 'refused'; readonly problems: readonly string[] }
  > {
    const file = this.#configFile
    try {
      const read = await readRegularBytesLater(file, maxConfigBytes, 'followed')
      const { text } = configFileOf(file, read)
      return { kind: 'config', config: parseConfig(text, file) }
    } catch (err) {
      return {
        kind: 'refused',
        problems:
          err instanceof ConfigError
            ? err.problems
            : [`${file}: cannot be used (${errorCode(err)})`],
      }
    }
  }

  #logProblems(problems: readonly string[]): void {
    if (!this.#logged.isNew('configuration', problems.join('\n'))) return
    this.#log.error(
      { problems },
      'configuration rejected, dropping lines about backends that were not known before',
    )
  }

  #useConfig({ directory, backends }: Config): void {
    this.#logged.end('configuration')
    this.#wantsNames = false
    this.#names = new Set(backends.map(backend => backend.name))
    if (directory === this.#directory) return
    this.#directory = directory
    const log = this.#log
    this.#writer = new SuspicionWriter(directory, {
      trouble: (file, err) => {
        log.error(
          { file, err, remedy: directoryRemedy(err) },
          'cannot write to the directory, dropping suspicions',
        )
      },
      rooted: () => {
        log.warn(
          { directory },
          'the observer runs as root because the directory belongs to root',
        )
      },
      suspected: (backend, outcome) => this.#logSuspicion(backend, outcome),
    })
    log.info(
      {
        version,
        config: this.#configFile,
        directory,
        backends: backends.length,
      },
      'observer started',
    )
  }
}
