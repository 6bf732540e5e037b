// What the monitor of one backend shares with the monitors of the others.
import type { Logger } from 'pino'
import type { Transactions } from '../../health/transactions.ts'
import type { Telemetry } from '../../page/telemetry.ts'
import type { ConnectionDropper } from '../../probes/drop-connections.ts'
import type { Resolver } from '../../probes/resolver.ts'
import type { Publisher } from '../directory/publisher.ts'
import type { Starvation } from './starvation.ts'

export type MonitorContext = {
  readonly resolver: Resolver
  readonly starvation: Starvation
  /** resolves when one more probe may start */
  readonly startTurn: () => Promise<void>
  readonly transactions: Transactions
  readonly publisher: Publisher
  readonly dropper: ConnectionDropper
  readonly telemetry: Telemetry
  readonly log: Logger
  /** how long ago httpd got a good answer from a backend; Infinity = unknown */
  readonly lastServedAgoMs: (name: string) => number
  /** its deep probes found something wrong: probe its ZEO server soon */
  readonly doubt: (name: string) => void
  /** whether an operator has taken it out, so its stopping is expected */
  readonly isPlanned: (name: string) => boolean
  /** whether a backend stays in as a last resort whatever its verdict */
  readonly isKept: (name: string) => boolean
  /** whether no backend of one of its pools is in */
  readonly isStranded: (name: string) => boolean
  /** something in the report has changed */
  readonly changed: () => void
}
