// The answering thread's side of the watching thread: starts it, takes what it
// sends, replaces it when it is dead, stops it.
import { unlinkSync } from 'node:fs'
import {
  MessageChannel,
  receiveMessageOnPort,
  Worker,
  type MessagePort,
} from 'node:worker_threads'
import { readerReportFile } from '../../sentinels/names.ts'
import type { Table } from '../../choice/table.ts'
import type { Config } from '../../config/config.ts'
import { newBoard, newest, sharedInt32Array, type Board } from './board.ts'
import {
  shared,
  type NewConfig,
  type Problems,
  type Stop,
  type WatcherStart,
} from './messages.ts'

/** Checks, one a second, without a heartbeat until a thread counts as dead. */
const patience = 10
/** How long flushing the last log lines may take. */
const flushMs = 10_000

type Start = Omit<WatcherStart, 'board' | 'state' | 'port'>

/** The consumer of the table: it gets each new one between two answers. */
type TableUser = {
  readonly table: Table
  /**
   * @param answers only when the configuration has changed: the new counters
   * @param config that configuration
   */
  take: (table: Table, answers?: Float64Array, config?: Config) => void
  /** a bug was caught */
  noteFault: () => void
}

export class WatchingThread {
  readonly #answerer: TableUser
  #start: Start
  #board: Board
  #state: Int32Array
  #worker: Worker
  #port: MessagePort
  #sent = 0
  #taken = 0
  #version = 0
  #checks = 0
  #checkedMs = performance.now()
  #beat = 0
  #missedBeats = 0
  #patience = patience
  #replacements = 0
  /** called at each change if the start options have `wakes` */
  onNews: () => void = () => {}

  constructor(answerer: TableUser, board: Board, start: Start) {
    this.#answerer = answerer
    this.#start = start
    this.#board = board
    this.#state = sharedInt32Array(shared.length)
    ;[this.#worker, this.#port] = this.#spawn()
  }

  #spawn(): [Worker, MessagePort] {
    const { port1, port2 } = new MessageChannel()
    const workerData: WatcherStart = {
      ...this.#start,
      board: this.#board,
      state: this.#state,
      port: port2,
    }
    const worker = new Worker(watcherFile, {
      workerData,
      transferList: [port2],
      // it produces little garbage, and nothing waits for it
      resourceLimits: { maxYoungGenerationSizeMb: 3 },
      // otherwise Node opens this process's own as streams, which makes the
      // pipes non-blocking, also for httpd, which shares the error log's
      stdout: true,
      stderr: true,
    })
    if (this.#start.wakes === true)
      worker.on('message', () => {
        this.onNews()
      })
    return [worker, port1]
  }

  /**
   * A lookup begins: takes the other thread's news, if any. Never throws,
   * because the lookup must be answered.
   */
  begin(): void {
    Atomics.add(this.#state, shared.lookup, 1)
    try {
      this.#takeConfig()
      const news = newest(this.#board, this.#answerer.table, this.#version)
      if (news !== undefined) {
        this.#version = news.version
        this.#answerer.take(news.table)
      }
      this.#watchBeat()
    } catch {
      // for example no memory for another thread: keep the current table
      this.#answerer.noteFault()
    }
  }

  /** The lookup is answered: shows the other thread that none hangs. */
  end(): void {
    Atomics.add(this.#state, shared.lookup, 1)
  }

  #takeConfig(): void {
    const sent = Atomics.load(this.#state, shared.sent)
    if (sent === this.#sent) return
    this.#sent = sent
    let last: NewConfig | undefined
    for (;;) {
      const received = receiveMessageOnPort(this.#port)
      if (received === undefined) break
      last = received.message
      this.#taken++
    }
    if (last === undefined) return
    const { good, table, board } = last
    this.#start = { ...this.#start, good, seenText: good.text }
    this.#board = board
    this.#version = 0
    this.#answerer.take(table, board.answers, good.config)
    Atomics.store(this.#state, shared.taken, this.#taken)
  }

  /**
   * At most once a second: replaces a watching thread without a heartbeat
   * during the last ten checks. It counts checks, not seconds, because the
   * whole process may have been stopped in between. A thread that hangs in the
   * directory of a dead file server cannot be ended, so the interval between
   * replacements doubles.
   */
  #watchBeat(): void {
    // reading a clock costs more than the rest of a lookup's bookkeeping
    if ((++this.#checks & 7) !== 0) return
    const now = performance.now()
    if (now - this.#checkedMs < 1_000) return
    this.#checkedMs = now
    const beat = Atomics.load(this.#state, shared.beat)
    if (beat !== this.#beat) {
      this.#beat = beat
      this.#missedBeats = 0
      this.#patience = patience
      return
    }
    if (++this.#missedBeats < this.#patience) return
    this.#missedBeats = 0
    this.#patience *= 2
    this.#replaceWorker()
  }

  /**
   * Shares nothing with the old thread, so that a late one cannot interfere.
   */
  #replaceWorker(): void {
    void this.#worker.terminate()
    this.#port.close()
    this.#replacements++
    this.#board = newBoard(this.#answerer.table, this.#start.kinds?.length)
    this.#version = 0
    this.#state = sharedInt32Array(shared.length)
    // a lookup is in progress
    Atomics.store(this.#state, shared.lookup, 1)
    this.#sent = 0
    this.#taken = 0
    this.#beat = 0
    this.#answerer.take(this.#answerer.table, this.#board.answers)
    this.#start = {
      ...this.#start,
      problems: ['the watching thread was dead, a new one has replaced it'],
    }
    ;[this.#worker, this.#port] = this.#spawn()
  }

  /** Shows problems of this thread in the report, until the next call. */
  report(problems: readonly string[]): void {
    const message: Problems = { kind: 'problems', problems }
    this.#port.postMessage(message)
  }

  /**
   * Flushes the last log lines. If stderr is not being read (httpd's error log
   * as a stalled pipe), or a thread hangs in a system call, the process could
   * not exit: then it kills itself.
   */
  stop(): void {
    const stop: Stop = { kind: 'stop' }
    this.#port.postMessage(stop)
    const isDone =
      Atomics.wait(this.#state, shared.done, 0, flushMs) !== 'timed-out'
    if (isDone && this.#replacements === 0) return
    const { directory } = this.#start.good.config
    try {
      unlinkSync(
        `${directory}/${readerReportFile(this.#start.program, process.pid)}`,
      )
    } catch {
      // never written, or gone with the directory
    }
    process.kill(process.pid, 'SIGKILL')
  }
}

const watcherFile = new URL(
  import.meta.url.endsWith('.ts') ? './watcher.ts' : './watcher.js',
  import.meta.url,
)
