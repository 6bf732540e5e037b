// The content of the sentinel directory at one moment, as plain values.
import type { AdminNote } from './content.ts'

export type BackendSentinels = {
  /** the share in `NAME.up`; null = no such file */
  readonly share: number | null
  readonly maint: AdminNote | null
  readonly drain: AdminNote | null
  readonly force: AdminNote | null
}

/** A problem for the administrator; logged once per `key`. */
export type DirectoryProblem = { readonly key: string; readonly text: string }

export type Snapshot = {
  readonly backends: ReadonlyMap<string, BackendSentinels>
  /** monitor.json: its time in ms since 1970 and the backends it has judged */
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
}

/** An empty directory. */
export const emptySnapshot: Snapshot = {
  backends: new Map(),
  monitor: null,
  problems: [],
}
