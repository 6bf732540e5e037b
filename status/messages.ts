// What the monitor and the thread that serves the status page say to each other.
import type { Config } from '../config/config.ts'

/** To the thread: what holds now. */
export type PageOrder = {
  readonly config: Config
  /** why the configuration file no longer is the one in use */
  readonly problems: readonly string[]
}

/** From the thread: a line for the log. */
export type PageNews = {
  readonly level: 'info' | 'error'
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}
