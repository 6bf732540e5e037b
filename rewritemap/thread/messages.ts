// What the two threads of the map program say to each other. The answering
// thread never waits: it looks at numbers between two lookups. What changes
// from second to second is on the board; messages are for what is rare.
import type { MessagePort } from 'node:worker_threads'
import type { Config } from '../../config/config.ts'
import type { ReaderProgram } from '../../sentinels/names.ts'
import type { Board } from './board.ts'
import type { Table } from '../../choice/table.ts'

/** A checked configuration and the text it was made from. */
export type GoodConfig = { readonly text: string; readonly config: Config }

/** From the watching to the answering thread: another configuration counts. */
export type NewConfig = {
  readonly good: GoodConfig
  readonly table: Table
  /** made for this configuration */
  readonly board: Board
}

/** From the answering to the watching thread: the last there is. */
export type Stop = { readonly kind: 'stop' }

/** Likewise: what is wrong in its eyes now, for the report. */
export type Problems = {
  readonly kind: 'problems'
  readonly problems: readonly string[]
}

/** The places in the shared Int32Array, which each watching thread has its own of. */
export const shared = {
  /** configurations sent to the answering thread so far */
  sent: 0,
  /** configurations it has taken over */
  taken: 1,
  /** grows once a second while the watching thread is alive */
  beat: 2,
  /** 1 = the watching thread has said everything and may be ended */
  done: 3,
  /** changes when a lookup begins and when it ends; odd = inside one */
  lookup: 4,
  length: 5,
} as const

export type WatcherStart = {
  readonly configFile: string
  /** the text that was last read; `good.text`, or one that was refused */
  readonly seenText: string
  readonly good: GoodConfig
  /** the table the answering thread has now */
  readonly table: Table
  readonly board: Board
  /** the answering thread's counts, see `total` */
  readonly totals: Float64Array
  readonly state: Int32Array
  /** problems known at the start, told once by the watcher */
  readonly problems: readonly string[]
  readonly started: string
  readonly program: ReaderProgram
  /** kinds of answers that are counted apart; left out: one, without a name */
  readonly kinds?: readonly string[]
  /** the other thread has an event loop, and a message wakes it at each change */
  readonly wakes?: boolean
  readonly port: MessagePort
}
