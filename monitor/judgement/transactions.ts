// What the Zopes of a pool, which share a database, know of its transactions.
import type { Pool } from '../../config/config.ts'
import type { Transaction } from './deep.ts'

/** what was told longer ago is of no use: the database may be another one */
const maxAgeMs = 60_000

type Told = { readonly transaction: Transaction; readonly atMs: number }

export class Transactions {
  readonly #told = new Map<string, Told>()
  #pools: readonly Pool[]

  constructor(pools: readonly Pool[]) {
    this.#pools = pools
  }

  retune(pools: readonly Pool[]): void {
    this.#pools = pools
  }

  /** @param name the backend, or its server: `NAME's server` */
  tell(name: string, transaction: Transaction | null, nowMs: number): void {
    if (transaction === null) this.#told.delete(name)
    else this.#told.set(name, { transaction, atMs: nowMs })
  }

  /** The newest that a backend, its server or its peers in a pool know. */
  newestFor(
    name: string,
    nowMs: number,
  ): { readonly newest: Transaction | null; readonly newestOf: string } {
    const pools = this.#pools.filter(({ members }) =>
      members.some(member => member.name === name),
    )
    const peers = new Set(
      pools.flatMap(({ members }) => members.map(member => member.name)),
    )
    let [newest, newestOf]: [Transaction | null, string] = [null, name]
    for (const teller of [
      name,
      ...pools.map(pool => zeoOf(pool.name)),
      ...[...peers].flatMap(peer => [serverOf(peer), peer]),
    ]) {
      const told = this.#told.get(teller)
      if (told === undefined || nowMs - told.atMs > maxAgeMs) continue
      if (newest !== null && told.transaction.id <= newest.id) continue
      newest = told.transaction
      newestOf = teller
    }
    return { newest, newestOf }
  }
}

/** How the ZEO server of a pool is called. */
export function zeoOf(pool: string): string {
  return `the ZEO server of pool ${pool}`
}

/** How the database server of a backend is called. */
export function serverOf(name: string): string {
  return `the server of ${name}`
}
