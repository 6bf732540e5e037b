// Probes a pool's ZEO server directly. When it is gone, that is reported once, as
// the cause. Its newest transaction is what every Zope of the pool should have.
import type { Logger } from 'pino'
import type { Pool } from '../../config/config.ts'
import type { Transaction } from '../../health/deep.ts'
import type { ZeoObservation } from '../../sentinels/reports.ts'
import { jittered } from '../../health/interval.ts'
import { aheadSeconds, type Transactions } from '../../health/transactions.ts'
import { TimedLoop } from './timed-loop.ts'
import { LogOnce } from '../../system/log-once.ts'
import { hostPort } from '../../text/host-port.ts'
import type { Resolver } from '../../probes/resolver.ts'
import { askZeo } from '../../probes/zeo.ts'
import type { Starvation } from './starvation.ts'

/** each probe writes a line to ZEO's log */
const idleMs = 10_000
const troubleMs = 2_000
const doubtMs = 500
const limitMs = 2_000
/** a restart takes a second or two and needs no report */
const fall = 3

export class ZeoMonitor {
  readonly #pool: Pool
  readonly #log: Logger
  readonly #resolver: Resolver
  readonly #transactions: Transactions
  readonly #starvation: Starvation
  readonly #loop: TimedLoop
  readonly #logged = new LogOnce()
  #failures = 0
  #askedMs = -Infinity
  #isStopped = false
  #observation: ZeoObservation = {
    state: 'unknown',
    since: new Date().toISOString(),
    reason: 'not asked yet',
  }

  constructor(
    pool: Pool,
    resolver: Resolver,
    transactions: Transactions,
    starvation: Starvation,
    log: Logger,
  ) {
    this.#pool = pool
    this.#resolver = resolver
    this.#transactions = transactions
    this.#starvation = starvation
    this.#log = log
    this.#loop = new TimedLoop(() => this.#round())
  }

  get seen(): ZeoObservation {
    return this.#observation
  }

  start(): void {
    this.#loop.start(0)
  }

  stop(): void {
    this.#isStopped = true
    this.#loop.stop()
    this.#recordNewest(null)
  }

  /** One of its Zopes has database trouble: probe soon. */
  doubt(): void {
    if (performance.now() - this.#askedMs >= troubleMs) this.#loop.start(0)
  }

  async #round(): Promise<number> {
    const { zeo } = this.#pool
    if (zeo === null) return troubleMs
    const startedMs = performance.now()
    this.#askedMs = startedMs
    const resolved = await this.#resolver.resolve(zeo.host, limitMs)
    // a name that cannot be resolved says nothing about the server
    if (resolved.kind === 'failed' || resolved.kind === 'hanging')
      return jittered(troubleMs, Math.random)
    const answer = await askZeo(zeo.host, zeo.port, limitMs, resolved.addresses)
    if (this.#isStopped) return troubleMs
    if (answer.kind === 'well') {
      this.#failures = 0
      this.#recordNewest(this.#withoutFuture(answer.last))
      this.#enter('well', 'it answered ruok')
    } else if (this.#starvation.lateSince(startedMs) === 0) {
      this.#failures++
      if (this.#failures >= fall || this.#observation.state === 'unknown')
        this.#enter('gone', answer.why)
    }
    return jittered(this.#waitMs(), Math.random)
  }

  #waitMs(): number {
    if (this.#observation.state !== 'well') return troubleMs
    return this.#failures > 0 ? doubtMs : idleMs
  }

  #recordNewest(last: Transaction | null): void {
    this.#transactions.recordZeo(this.#pool.name, last, performance.now())
  }

  /** Drops a transaction from the future; logs the start and the end of it. */
  #withoutFuture(last: Transaction | null): Transaction | null {
    const seconds = aheadSeconds(last, Date.now())
    const { name: pool } = this.#pool
    if (seconds === null) {
      if (this.#logged.end('ahead'))
        this.#log.info({ pool }, "ZEO's transactions are counted again")
      return last
    }
    if (this.#logged.isNew('ahead'))
      this.#log.warn(
        { pool, aheadSeconds: seconds },
        "ZEO's newest transaction is ahead of this machine's clock: ignored",
      )
    return null
  }

  #enter(state: ZeoObservation['state'], reason: string): void {
    const was = this.#observation.state
    if (state === was) return
    if (state === 'gone') this.#recordNewest(null)
    this.#observation = { state, since: new Date().toISOString(), reason }
    const { zeo, name } = this.#pool
    this.#log[state === 'well' ? 'info' : 'error'](
      {
        pool: name,
        zeo: zeo && hostPort(zeo.host, zeo.port),
        state,
        was,
        reason,
      },
      state === 'well'
        ? 'ZEO answers'
        : 'ZEO is gone, its Zopes serve from their caches',
    )
  }
}
