// What the monitor and the thread that serves the status page say to each other.
import type { Config } from '../config/config.ts'
import type { TelemetryEvent } from './telemetry.ts'

/** To the thread: what holds now. */
export type PageOrder = {
  readonly config: Config
  /** why the configuration file no longer is the one in use */
  readonly problems: readonly string[]
}

/** To the thread, once a second: what there is to count. */
export type PageCounts = {
  readonly events: readonly TelemetryEvent[]
}

/** From the thread, for each of these: it has read it. */
export const counted = 'counted'

/** From the thread: a line for the log. */
export type PageNews = {
  readonly level: 'info' | 'warn' | 'error'
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}
