// Everything the sentinel directory says at one moment, as plain values.
import type { AdminNote } from './content.ts'

export type BackendSentinels = {
  /** the share in `NAME.up`; null = no such file */
  readonly share: number | null
  readonly maint: AdminNote | null
  readonly drain: AdminNote | null
  readonly force: AdminNote | null
  readonly isSuspect: boolean
}

/** Something an administrator should know; told once per `key`. */
export type DirectoryProblem = { readonly key: string; readonly text: string }

export type Snapshot = {
  readonly backends: ReadonlyMap<string, BackendSentinels>
  /** monitor.json: its time in ms since 1970 and whom it has judged */
  readonly monitor: {
    readonly writtenMs: number
    readonly judged: ReadonlySet<string>
  } | null
  readonly problems: readonly DirectoryProblem[]
}

export const noSentinels: BackendSentinels = {
  share: null,
  maint: null,
  drain: null,
  force: null,
  isSuspect: false,
}

/** The directory that says nothing at all. */
export const emptySnapshot: Snapshot = {
  backends: new Map(),
  monitor: null,
  problems: [],
}
