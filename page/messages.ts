// The messages between the monitor and the thread that serves the status page.
import type { Config } from '../config/config.ts'
import type { TelemetryEvent } from './telemetry.ts'

/** To the thread: the current configuration. */
export type PageConfig = {
  readonly config: Config
  /** why the configuration file is no longer the one in use */
  readonly problems: readonly string[]
}

/** To the thread, once a second: events to count. */
export type PageCounts = {
  readonly events: readonly TelemetryEvent[]
}

/** From the thread: it has read one of these. */
export const counted = 'counted'

/** From the thread: a line for the log. */
export type PageLog = {
  readonly level: 'info' | 'warn' | 'error'
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}
