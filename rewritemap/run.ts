// The map program: first table, second thread, answer loop, end. Only what the
// first answer needs is loaded here: httpd's requests queue up until then.
import { unlinkSync, writeSync } from 'node:fs'
import {
  MessageChannel,
  receiveMessageOnPort,
  Worker,
} from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import type { Config } from '../config/config.ts'
import { readConfigText } from '../config/file.ts'
import { ConfigError } from '../config/problem.ts'
import { mapReportFile } from '../sentinels/names.ts'
import { readSentinels } from '../sentinels/read.ts'
import { answerLoop } from './answer-loop.ts'
import { Answerer } from './answer.ts'
import { recallConfig } from './last-config.ts'
import type { AnswerStyle } from './lookup.ts'
import { shared } from './messages.ts'
import type { ToAnswering, ToWatching, WatcherStart } from './messages.ts'
import { dropPrivileges } from './privileges.ts'
import { buildTable } from './table.ts'

export type MapOptions = {
  readonly configFile: string
  /** the sentinel directory, when known without the configuration */
  readonly directory: string | undefined
  readonly answer: AnswerStyle
  /** become this user when started as root */
  readonly user: string | undefined
  /** behind launch.sh: only the end of input ends the map */
  readonly isLaunched: boolean
}

/**
 * Answers lookups on stdin until it ends.
 *
 * @returns the exit code: 0
 * @throws {ConfigError} when there is no usable configuration, neither the file
 *   nor what was kept of its last good state
 */
export async function runMap(options: MapOptions): Promise<number> {
  if (options.isLaunched) ignoreSignals()
  const problems = dropPrivileges(options.directory, options.user)
  const started = new Date().toISOString()
  const first = await firstConfig(options, problems)
  const { config } = first
  const snapshot = readSentinels(
    config.directory,
    new Set(config.backends.map(backend => backend.name)),
  )
  const table = buildTable(config, snapshot, Date.now())
  const answerer = new Answerer(options.answer, table)
  const state = new Int32Array(
    new SharedArrayBuffer(shared.length * Int32Array.BYTES_PER_ELEMENT),
  )
  const watcher = new Watcher(state, {
    configFile: options.configFile,
    configText: first.text,
    config,
    table,
    problems,
    started,
  })
  try {
    answerLoop(0, 1, line => {
      watcher.look(answerer)
      return answerer.answer(line)
    })
  } finally {
    watcher.stop(answerer, config.directory)
  }
  return 0
}

/** The configuration and the text it was read from. */
async function firstConfig(
  options: MapOptions,
  problems: string[],
): Promise<{ text: string; config: Config }> {
  const { configFile, directory } = options
  const kept =
    directory === undefined ? undefined : recallConfig(directory, configFile)
  let text = ''
  try {
    text = readConfigText(configFile)
    if (kept?.text === text) return kept
    const { parseConfig } = await import('../config/parse.ts')
    return { text, config: parseConfig(text, configFile) }
  } catch (err) {
    if (!(err instanceof ConfigError) || kept === undefined) throw err
    problems.push(
      ...err.problems,
      'the map runs with the last good configuration',
    )
    // the text that was refused, so that the reload sees when it is mended
    return { text, config: kept.config }
  }
}

/**
 * TERM and HUP go to the launcher or to httpd's whole group; handlers that can
 * never run, for this thread does not return to its event loop, are what makes
 * the system not end the process. USR1 would start an inspector.
 */
function ignoreSignals(): void {
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const)
    process.on(signal, () => {})
}

/** The answering thread's end of the line to the watching thread. */
class Watcher {
  readonly #state: Int32Array
  #start: Omit<WatcherStart, 'state' | 'port'>
  #worker: Worker
  #port: MessagePort
  #seen = 0
  #lookedMs = Date.now()
  #beat = 0
  #missedBeats = 0

  constructor(state: Int32Array, start: Omit<WatcherStart, 'state' | 'port'>) {
    this.#state = state
    this.#start = start
    ;[this.#worker, this.#port] = this.#spawn()
  }

  #spawn(): [Worker, MessagePort] {
    const { port1, port2 } = new MessageChannel()
    const workerData: WatcherStart = {
      ...this.#start,
      state: this.#state,
      port: port2,
    }
    const worker = new Worker(new URL(watcherFile, import.meta.url), {
      workerData,
      transferList: [port2],
      // nobody would read them: this thread's event loop stands still
      stdout: false,
      stderr: false,
    })
    return [worker, port1]
  }

  /** Between two lookups: takes what the other thread has sent, if anything. */
  look(answerer: Answerer): void {
    const sent = Atomics.load(this.#state, shared.sent)
    if (sent !== this.#seen) {
      this.#seen = sent
      for (;;) {
        const received = receiveMessageOnPort(this.#port)
        if (received === undefined) break
        const message: ToAnswering = received.message
        if (message.kind === 'table') {
          this.#start = { ...this.#start, table: message.table }
          answerer.take(message.table)
        } else this.#tell({ kind: 'counts', counts: answerer.counts })
      }
    }
    this.#watchBeat()
  }

  /**
   * Once a second at most: a watching thread that has not beaten during the
   * last ten looks is dead, and another one begins. Looks are counted, not
   * seconds, for the whole process may have been stopped in between.
   */
  #watchBeat(): void {
    const now = Date.now()
    if (Math.abs(now - this.#lookedMs) < 1_000) return
    this.#lookedMs = now
    const beat = Atomics.load(this.#state, shared.beat)
    this.#missedBeats = beat === this.#beat ? this.#missedBeats + 1 : 0
    this.#beat = beat
    if (this.#missedBeats < 10) return
    this.#missedBeats = 0
    void this.#worker.terminate()
    this.#port.close()
    ;[this.#worker, this.#port] = this.#spawn()
  }

  #tell(message: ToWatching): void {
    this.#port.postMessage(message)
  }

  /**
   * Lets the last log lines out. When nobody reads them (httpd's error log as a
   * stalled pipe) the process could not even exit: then it ends itself hard.
   */
  stop(answerer: Answerer, directory: string): void {
    this.#tell({ kind: 'counts', counts: answerer.counts })
    this.#tell({ kind: 'stop' })
    if (Atomics.wait(this.#state, shared.done, 0, 10_000) !== 'timed-out')
      return
    try {
      unlinkSync(`${directory}/${mapReportFile(process.pid)}`)
    } catch {
      // never written, or gone with the directory
    }
    process.kill(process.pid, 'SIGKILL')
  }
}

const watcherFile = import.meta.url.endsWith('.ts')
  ? './watcher.ts'
  : './watcher.js'

/** Problems on stderr, one a line; used before the log is there. */
export function complain(problems: readonly string[]): void {
  try {
    writeSync(2, `${problems.join('\n')}\n`)
  } catch {
    // stderr is closed: there is nobody to tell
  }
}
