// The answering thread's end of the line to the watching thread: starts it,
// takes what it sends, starts another one when it is dead, ends it.
import { unlinkSync } from 'node:fs'
import {
  MessageChannel,
  receiveMessageOnPort,
  Worker,
} from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { readerReportFile } from '../../sentinels/names.ts'
import type { Table } from '../../choice/table.ts'
import type { Config } from '../../config/config.ts'
import { newBoard, newest, sharedInt32Array } from './board.ts'
import type { Board } from './board.ts'
import { shared } from './messages.ts'
import type { NewConfig, Problems, Stop, WatcherStart } from './messages.ts'

/** Looks, one a second, without a beat until a thread is held dead. */
const patience = 10
/** How long the last log lines may take to get out. */
const farewellMs = 10_000

type Start = Omit<WatcherStart, 'table' | 'board' | 'state' | 'port'>

/** What answers from the table: it gets each new one between two answers. */
export type TableUser = {
  readonly table: Table
  /**
   * @param answers when the configuration is another one: where answers are
   *   counted from now on
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
  #looks = 0
  #lookedMs = performance.now()
  #beat = 0
  #missedBeats = 0
  #patience = patience
  #revivals = 0
  /** called at each change, when the start says `wakes` */
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
      table: this.#answerer.table,
      board: this.#board,
      state: this.#state,
      port: port2,
    }
    const worker = new Worker(watcherFile, {
      workerData,
      transferList: [port2],
      // it leaves little behind, and nobody waits for it
      resourceLimits: { maxYoungGenerationSizeMb: 3 },
      // else Node would open this process's own as streams, which makes the
      // pipes non-blocking: for httpd too, which shares the error log's
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
   * A lookup begins: takes what the other thread has to say, if anything. Never
   * throws, for the lookup must be answered.
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
      // such as no memory left for another thread: the old table lives on
      this.#answerer.noteFault()
    }
  }

  /** The lookup is answered: the other thread sees that none hangs. */
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
   * Once a second at most: a watching thread that has not beaten during the
   * last ten looks is dead, and another one begins. Looks are counted, not
   * seconds, for the whole process may have been stopped in between. A thread
   * that hangs in a dead file server's directory cannot be ended, so the next
   * ones must come ever more rarely.
   */
  #watchBeat(): void {
    // a clock costs a lookup more than all the rest of this
    if ((++this.#looks & 7) !== 0) return
    const now = performance.now()
    if (now - this.#lookedMs < 1_000) return
    this.#lookedMs = now
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
    this.#revive()
  }

  /** Everything anew, so that a thread that is not quite dead cannot meddle. */
  #revive(): void {
    void this.#worker.terminate()
    this.#port.close()
    this.#revivals++
    this.#board = newBoard(this.#answerer.table, this.#start.kinds?.length)
    this.#version = 0
    this.#state = sharedInt32Array(shared.length)
    // this is inside a lookup
    Atomics.store(this.#state, shared.lookup, 1)
    this.#sent = 0
    this.#taken = 0
    this.#beat = 0
    this.#answerer.take(this.#answerer.table, this.#board.answers)
    this.#start = {
      ...this.#start,
      problems: ['the watching thread was dead, another one took over'],
    }
    ;[this.#worker, this.#port] = this.#spawn()
  }

  /** Shows problems of this thread in the report, until the next call. */
  report(problems: readonly string[]): void {
    const message: Problems = { kind: 'problems', problems }
    this.#port.postMessage(message)
  }

  /**
   * Lets the last log lines out. When nobody reads them (httpd's error log as a
   * stalled pipe), or a thread hangs in the system, the process could not even
   * exit: then it ends itself hard.
   */
  stop(): void {
    const stop: Stop = { kind: 'stop' }
    this.#port.postMessage(stop)
    const isDone =
      Atomics.wait(this.#state, shared.done, 0, farewellMs) !== 'timed-out'
    if (isDone && this.#revivals === 0) return
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
