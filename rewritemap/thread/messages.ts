// The messages between the two threads of the map program. The answering thread
// never waits: it reads a few numbers between two lookups. State that changes
// from second to second is on the board; messages are for rare events.
import type { MessagePort } from 'node:worker_threads'
import type { Config } from '../../config/config.ts'
import type { ReaderProgram } from '../../sentinels/names.ts'
import type { Board } from './board.ts'
import type { Table } from '../../choice/table.ts'

/** A checked configuration and the text it was made from. */
export type GoodConfig = { readonly text: string; readonly config: Config }

/** From the watching to the answering thread: the configuration has changed. */
export type NewConfig = {
  readonly good: GoodConfig
  readonly table: Table
  /** made for this configuration */
  readonly board: Board
}

/** From the answering to the watching thread: the last message. */
export type Stop = { readonly kind: 'stop' }

/** Likewise: the answering thread's current problems, for the report. */
export type Problems = {
  readonly kind: 'problems'
  readonly problems: readonly string[]
}

/**
 * The indexes in the shared Int32Array; each watching thread gets a new one.
 */
export const shared = {
  /** configurations sent to the answering thread so far */
  sent: 0,
  /** configurations that it has taken */
  taken: 1,
  /** grows once a second while the watching thread is alive */
  beat: 2,
  /** 1 = the watching thread has flushed its log and may be ended */
  done: 3,
  /** grows when a lookup begins and when it ends; odd = one is in progress */
  lookup: 4,
  length: 5,
} as const

export type WatcherStart = {
  readonly configFile: string
  /** the text that was last read: `good.text`, or a rejected one */
  readonly seenText: string
  readonly good: GoodConfig
  readonly board: Board
  /** the answering thread's counts, see `total` */
  readonly totals: Float64Array
  readonly state: Int32Array
  /** problems known at startup, logged once by the watcher */
  readonly problems: readonly string[]
  readonly started: string
  readonly program: ReaderProgram
  /** kinds of answers to count separately; omitted: one, without a name */
  readonly kinds?: readonly string[]
  /** the other thread has an event loop; a message wakes it at each change */
  readonly wakes?: boolean
  readonly port: MessagePort
}
