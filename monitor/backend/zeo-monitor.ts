// A pool's ZEO server, asked by itself: when it is gone, that is told once, as the
// cause, and its newest transaction is what every Zope of the pool should have.
import type { Logger } from 'pino'
import type { Pool } from '../../config/config.ts'
import type { Transaction } from '../../health/deep.ts'
import type { ZeoObservation } from '../../sentinels/reports.ts'
import { jittered } from '../../health/interval.ts'
import { aheadSeconds } from '../../health/transactions.ts'
import type { Transactions } from '../../health/transactions.ts'
import { TimedLoop } from './timed-loop.ts'
import type { Resolver } from '../../probes/resolver.ts'
import { askZeo } from '../../probes/zeo.ts'
import type { Starvation } from './starvation.ts'

/** each question is a line in ZEO's log */
const wellMs = 10_000
const everyMs = 2_000
const soonMs = 500
const limitMs = 2_000
/** a restart takes a second or two, and nobody need be told */
const fall = 3

export class ZeoMonitor {
  readonly #pool: Pool
  readonly #log: Logger
  readonly #lookup: Resolver
  readonly #transactions: Transactions
  readonly #starvation: Starvation
  readonly #loop: TimedLoop
  #failures = 0
  #askedMs = -Infinity
  #isAhead = false
  #isStopped = false
  #seen: ZeoObservation = {
    state: 'unknown',
    since: new Date().toISOString(),
    reason: 'not asked yet',
  }

  constructor(
    pool: Pool,
    lookup: Resolver,
    transactions: Transactions,
    starvation: Starvation,
    log: Logger,
  ) {
    this.#pool = pool
    this.#lookup = lookup
    this.#transactions = transactions
    this.#starvation = starvation
    this.#log = log
    this.#loop = new TimedLoop(() => this.#round())
  }

  get seen(): ZeoObservation {
    return this.#seen
  }

  start(): void {
    this.#loop.start(0)
  }

  stop(): void {
    this.#isStopped = true
    this.#loop.stop()
    this.#hear(null)
  }

  /** One of its Zopes has trouble with the database: asks soon. */
  doubt(): void {
    if (performance.now() - this.#askedMs >= everyMs) this.#loop.start(0)
  }

  async #round(): Promise<number> {
    const { zeo } = this.#pool
    if (zeo === null) return everyMs
    const startedMs = performance.now()
    this.#askedMs = startedMs
    const resolved = await this.#lookup.resolve(zeo.host, limitMs)
    // a name that cannot be looked up says nothing of the server
    if (resolved.kind === 'failed' || resolved.kind === 'hanging')
      return jittered(everyMs, Math.random)
    const answer = await askZeo(zeo.host, zeo.port, limitMs, resolved.addresses)
    if (this.#isStopped) return everyMs
    if (answer.kind === 'well') {
      this.#failures = 0
      this.#hear(this.#refuseFuture(answer.last))
      this.#enter('well', 'it answered ruok')
    } else if (this.#starvation.lateSince(startedMs) === 0) {
      this.#failures++
      if (this.#failures >= fall || this.#seen.state === 'unknown')
        this.#enter('gone', answer.why)
    }
    return jittered(this.#waitMs(), Math.random)
  }

  #waitMs(): number {
    if (this.#seen.state !== 'well') return everyMs
    return this.#failures > 0 ? soonMs : wellMs
  }

  #hear(last: Transaction | null): void {
    this.#transactions.hearZeo(this.#pool.name, last, performance.now())
  }

  /** Tells it once, and once when it is over. */
  #refuseFuture(last: Transaction | null): Transaction | null {
    const seconds = aheadSeconds(last, Date.now())
    const isAhead = seconds !== null
    if (isAhead !== this.#isAhead) {
      const { name: pool } = this.#pool
      if (isAhead)
        this.#log.warn(
          { pool, aheadSeconds: seconds },
          "ZEO's newest transaction is ahead of this machine's clock: not counted",
        )
      else this.#log.info({ pool }, "ZEO's transactions are counted again")
    }
    this.#isAhead = isAhead
    return isAhead ? null : last
  }

  #enter(state: ZeoObservation['state'], reason: string): void {
    const was = this.#seen.state
    if (state === was) return
    if (state === 'gone') this.#hear(null)
    this.#seen = { state, since: new Date().toISOString(), reason }
    const { zeo, name } = this.#pool
    this.#log[state === 'well' ? 'info' : 'error'](
      { pool: name, zeo: `${zeo?.host}:${zeo?.port}`, state, was, reason },
      state === 'well' ? 'ZEO answers' : 'ZEO is gone, its Zopes serve caches',
    )
  }
}
