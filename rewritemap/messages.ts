// What the two threads of the map program say to each other. The answering
// thread never waits: it looks at a number between two lookups, and takes its
// messages when that has changed.
import type { MessagePort } from 'node:worker_threads'
import type { Config } from '../config/config.ts'
import type { Counts } from './answer.ts'
import type { Table } from './table.ts'

/** From the watching to the answering thread. */
export type ToAnswering =
  { readonly kind: 'table'; readonly table: Table } | { readonly kind: 'count' }

/** From the answering to the watching thread. */
export type ToWatching =
  | { readonly kind: 'counts'; readonly counts: Counts }
  | { readonly kind: 'stop' }

/** The places in the shared Int32Array. */
export const shared = {
  /** messages sent to the answering thread so far */
  sent: 0,
  /** grows once a second while the watching thread is alive */
  beat: 1,
  /** 1 = the watching thread has said everything and may be ended */
  done: 2,
  length: 3,
} as const

export type WatcherStart = {
  readonly configFile: string
  /** what `config` was read from */
  readonly configText: string
  readonly config: Config
  /** the table the answering thread has begun with */
  readonly table: Table
  /** problems known at the start, told once by the watcher */
  readonly problems: readonly string[]
  readonly started: string
  readonly state: Int32Array
  readonly port: MessagePort
}
