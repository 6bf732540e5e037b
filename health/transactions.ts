// Which transactions a backend should have. The Zopes of a pool share a database.
// Pure: times are arguments. Invariant: one backend alone never proves another one
// wrong. The ZEO server decides if it is probed, else a majority does. A backend that
// is behind its own database server proves itself wrong.
import type { Pool } from '../config/config.ts'
import type { DeepOutcome, Transaction, Consensus } from './deep.ts'

/** The default lifetime of a claim. */
export const claimMs = 60_000
/** Clocks differ. An id further ahead than this is rejected. */
const aheadMs = 60_000

type Claim = {
  readonly transaction: Transaction
  /** monotonic */
  readonly atMs: number
  readonly goodForMs: number
}

export class Transactions {
  /** by backend: its own newest transaction, and that of its server */
  readonly #own = new Map<string, Claim>()
  readonly #servers = new Map<string, Claim>()
  /** by pool: what its ZEO server itself reported */
  readonly #zeos = new Map<string, Claim>()
  #pools: readonly Pool[]

  constructor(pools: readonly Pool[]) {
    this.#pools = pools
  }

  reconfigure(pools: readonly Pool[]): void {
    this.#pools = pools
  }

  /**
   * What a backend claims. Both null: it no longer claims anything.
   *
   * @param own the newest transaction that it knows
   * @param server the newest one of its database server, as this backend reports it
   * @param goodForMs the time until its next probe at the latest
   */
  claim(
    name: string,
    own: Transaction | null,
    server: Transaction | null,
    nowMs: number,
    goodForMs = claimMs,
  ): void {
    setClaim(this.#own, name, own, nowMs, goodForMs)
    setClaim(this.#servers, name, server, nowMs, goodForMs)
  }

  /** What the ZEO server of a pool itself reports; null: nothing any more. */
  recordZeo(pool: string, last: Transaction | null, nowMs: number): void {
    setClaim(this.#zeos, pool, last, nowMs, claimMs)
  }

  /** What a backend should have, and what it claims beyond that. */
  consensusFor(name: string, nowMs: number): Consensus {
    const isFresh = ({ atMs, goodForMs }: Claim): boolean =>
      nowMs - atMs <= goodForMs
    const pools = this.#pools.filter(({ members }) =>
      members.some(member => member.name === name),
    )
    const peers = new Set([
      name,
      ...pools.flatMap(({ members }) => members.map(member => member.name)),
    ])
    const votes = [...peers].flatMap((peer): Vote[] => {
      const claims = [this.#own.get(peer), this.#servers.get(peer)]
      const newest = claims
        .filter(claim => claim !== undefined)
        .filter(isFresh)
        .toSorted(newestFirst)[0]
      return newest === undefined ? [] : [{ ...newest, of: peer }]
    })
    const zeos = pools.flatMap((pool): Vote[] => {
      const reported = this.#zeos.get(pool.name)
      return reported !== undefined && isFresh(reported)
        ? [{ ...reported, of: `the ZEO server of pool ${pool.name}` }]
        : []
    })
    const [own, server] = [this.#own.get(name), this.#servers.get(name)]
    // a backend that is behind its own server needs no other witness
    const witness =
      own !== undefined &&
      server !== undefined &&
      own.transaction.id < server.transaction.id
        ? [server].filter(isFresh)
        : []
    return decide(name, votes, zeos, witness)
  }
}

type Vote = Claim & { readonly of: string }

function decide(
  name: string,
  votes: readonly Vote[],
  zeos: readonly Vote[],
  witness: readonly Claim[],
): Consensus {
  // of several ZEO servers, the one with the oldest transaction
  const zeo = zeos.toSorted(newestFirst).at(-1)
  const decided = zeo ?? majority(name, votes)
  const server = zeo === undefined ? witness : []
  const consensus = [
    ...server.map(claim => ({ ...claim, of: 'its own database server' })),
    ...(decided === undefined ? [] : [decided]),
  ].toSorted(newestFirst)[0]
  return {
    newest: consensus?.transaction ?? null,
    newestOf: consensus?.of ?? '',
    agreedAt: consensus?.atMs ?? -Infinity,
    beyond: beyondOf(
      votes.find(({ of }) => of === name),
      decided,
      zeo === undefined ? votes : [zeo],
    ),
  }
}

/** What a backend claims and the others deny. */
function beyondOf(
  own: Vote | undefined,
  decided: Vote | undefined,
  others: readonly Vote[],
): Consensus['beyond'] {
  const newest = own?.transaction.id ?? ''
  const deniers = others.filter(({ transaction }) => transaction.id < newest)
  return decided !== undefined && newest > decided.transaction.id
    ? {
        id: newest,
        deniedBy: list(deniers.map(({ of }) => of)),
        deniedMs: Math.min(...deniers.map(({ atMs }) => atMs)),
      }
    : null
}

/** The newest transaction that more than half of them know. */
function majority(name: string, votes: readonly Vote[]): Vote | undefined {
  const need = Math.floor(votes.length / 2) + 1
  const decided = votes.toSorted(newestFirst)[need - 1]
  if (decided === undefined) return undefined
  const knowing = votes.filter(
    ({ transaction }) => transaction.id >= decided.transaction.id,
  )
  // when a majority had confirmed it
  const latest = knowing.toSorted((one, other) => other.atMs - one.atMs)
  const lastMs = Math.min(...latest.slice(0, need).map(({ atMs }) => atMs))
  return {
    ...decided,
    atMs: lastMs,
    of: list(knowing.map(({ of }) => of).filter(of => of !== name)),
  }
}

function newestFirst(one: Claim, other: Claim): number {
  return one.transaction.id < other.transaction.id ? 1 : -1
}

function setClaim(
  claims: Map<string, Claim>,
  of: string,
  transaction: Transaction | null,
  atMs: number,
  goodForMs: number,
): void {
  if (transaction === null) claims.delete(of)
  else claims.set(of, { transaction, atMs, goodForMs })
}

const maxListed = 3

/** `zope1, zope2 and 2 more` */
function list(names: readonly string[]): string {
  const shown = names.slice(0, maxListed)
  const more = names.length - shown.length
  if (more > 0) shown.push(`${more} more`)
  const last = shown.pop() ?? ''
  return shown.length === 0 ? last : `${shown.join(', ')} and ${last}`
}

/**
 * An answer without transactions from the future, and by how many seconds the newest
 * of them is ahead (null = there is none).
 *
 * @param wallMs ms since 1970
 */
export function withoutFuture(
  outcome: DeepOutcome,
  wallMs: number,
): { readonly outcome: DeepOutcome; readonly aheadSeconds: number | null } {
  const past = (transaction: Transaction | null): Transaction | null =>
    aheadSeconds(transaction, wallMs) === null ? transaction : null
  switch (outcome.kind) {
    case 'silent':
    case 'none':
      return { outcome, aheadSeconds: null }
    case 'gone':
      return {
        outcome: { ...outcome, own: past(outcome.own) },
        aheadSeconds: aheadSeconds(outcome.own, wallMs),
      }
    case 'fresh': {
      const { own, server } = outcome
      return {
        outcome: { ...outcome, own: past(own), server: past(server) },
        aheadSeconds: aheadSeconds(own, wallMs) ?? aheadSeconds(server, wallMs),
      }
    }
  }
}

/**
 * By how many seconds a transaction is ahead of this machine's clock; null if it is
 * not, or by no more than clocks differ. An id is a time, and no database assigns one
 * in the future.
 *
 * @param wallMs ms since 1970
 */
export function aheadSeconds(
  transaction: Transaction | null,
  wallMs: number,
): number | null {
  if (transaction === null) return null
  const ms = secondsOf(transaction.id) * 1_000 - wallMs
  return ms > aheadMs ? Math.round(ms / 1_000) : null
}

/** Seconds since 1970 in a transaction's id (persistent/TimeStamp). */
export function secondsOf(id: string): number {
  let minutes = Number.parseInt(id.slice(0, 8), 16)
  const part = (size: number): number => {
    const rest = minutes % size
    minutes = Math.floor(minutes / size)
    return rest
  }
  const minute = part(60)
  const hour = part(24)
  const day = part(31) + 1
  const month = part(12)
  const seconds = (Number.parseInt(id.slice(8), 16) * 60) / 2 ** 32
  return Date.UTC(1900 + minutes, month, day, hour, minute) / 1_000 + seconds
}
