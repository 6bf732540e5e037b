// Removes orders that have expired from etcd; whichever machine is first removes one.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from './connection.ts'
import type { SharedOrders } from './orders.ts'

/** Not all machines at once. */
const maxDelayMs = 2_000

export class ExpiredOrders {
  readonly #connection: Connection
  readonly #orders: SharedOrders
  /** keys whose removal has begun */
  readonly #removals = new Set<string>()

  constructor(connection: Connection, orders: SharedOrders) {
    this.#connection = connection
    this.#orders = orders
  }

  /** Never rejects. @param nowMs since 1970 */
  async remove(nowMs: number): Promise<void> {
    const { keys, signal } = this.#connection
    for (const { backend, kind, revision } of this.#orders.expired(nowMs)) {
      const key = keys.order(backend, kind)
      if (this.#removals.has(key)) continue
      this.#removals.add(key)
      try {
        await sleep(Math.random() * maxDelayMs, undefined, {
          ref: false,
          signal,
        })
        const current = this.#orders.present.get(`${backend}.${kind}`)
        if (current?.revision === revision)
          // etcd may have gone away meanwhile
          await this.#connection.engine?.transaction(
            [{ key, is: revision }],
            [{ remove: key }],
          )
      } catch (err) {
        if (signal.aborted) return
        this.#connection.recordError(err)
      }
      this.#removals.delete(key)
    }
  }
}
