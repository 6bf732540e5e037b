// A pool's ZEO server, asked by itself: when it is gone, that is told once, as the
// cause, and its newest transaction is what every Zope of the pool should have.
import type { Logger } from 'pino'
import type { Pool } from '../config/config.ts'
import type { ZeoSeen } from '../sentinels/reports.ts'
import { jittered } from './judgement/interval.ts'
import { zeoOf } from './judgement/transactions.ts'
import type { Transactions } from './judgement/transactions.ts'
import { Loop } from './loop.ts'
import { askZeo } from './probes/zeo.ts'
import type { Starvation } from './starvation.ts'

const everyMs = 2_000
const soonMs = 500
const limitMs = 2_000
/** a restart takes a second or two, and nobody need be told */
const fall = 3

export class ZeoWatch {
  readonly #pool: Pool
  readonly #log: Logger
  readonly #transactions: Transactions
  readonly #starvation: Starvation
  readonly #loop: Loop
  #failures = 0
  #seen: ZeoSeen = {
    state: 'unknown',
    since: new Date().toISOString(),
    reason: 'not asked yet',
  }

  constructor(
    pool: Pool,
    transactions: Transactions,
    starvation: Starvation,
    log: Logger,
  ) {
    this.#pool = pool
    this.#transactions = transactions
    this.#starvation = starvation
    this.#log = log
    this.#loop = new Loop(() => this.#round())
  }

  get seen(): ZeoSeen {
    return this.#seen
  }

  start(): void {
    this.#loop.start(0)
  }

  stop(): void {
    this.#loop.stop()
  }

  async #round(): Promise<number> {
    const { zeo, name } = this.#pool
    if (zeo === null) return everyMs
    const startedMs = performance.now()
    const answer = await askZeo(zeo.host, zeo.port, limitMs)
    if (answer.kind === 'well') {
      this.#failures = 0
      this.#transactions.tell(zeoOf(name), answer.last, performance.now())
      this.#enter('well', 'it answered ruok')
    } else if (this.#starvation.lateSince(startedMs) === 0) {
      this.#failures++
      if (this.#failures >= fall || this.#seen.state === 'unknown')
        this.#enter('gone', answer.why)
    }
    const isInDoubt = this.#failures > 0 && this.#seen.state !== 'gone'
    return jittered(isInDoubt ? soonMs : everyMs, Math.random)
  }

  #enter(state: ZeoSeen['state'], reason: string): void {
    const was = this.#seen.state
    if (state === was) return
    this.#seen = { state, since: new Date().toISOString(), reason }
    const { zeo, name } = this.#pool
    this.#log[state === 'well' ? 'info' : 'error'](
      { pool: name, zeo: `${zeo?.host}:${zeo?.port}`, state, was, reason },
      state === 'well' ? 'ZEO answers' : 'ZEO is gone, its Zopes serve caches',
    )
  }
}
