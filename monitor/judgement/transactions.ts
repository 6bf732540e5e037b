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
    const names = new Set(
      this.#pools
        .map(({ members }) => members.map(member => member.name))
        .filter(members => members.includes(name))
        .flat(),
    )
    let [newest, newestOf]: [Transaction | null, string] = [null, name]
    for (const peer of [name, ...names])
      for (const teller of [serverOf(peer), peer]) {
        const told = this.#told.get(teller)
        if (told === undefined || nowMs - told.atMs > maxAgeMs) continue
        if (newest !== null && told.transaction.id <= newest.id) continue
        newest = told.transaction
        newestOf = teller
      }
    return { newest, newestOf }
  }
}

/** How the database server of a backend is called. */
export function serverOf(name: string): string {
  return `the server of ${name}`
}
