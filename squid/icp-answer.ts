// What a backend's responder says to one query. Every responder of a pool comes
// to the same winner without talking to the others: the choice is a function of
// the table and of the query alone. Pure.
import { choose, candidatesOf, newRoundRobin } from '../choice/choose.ts'
import type { TablePool } from '../choice/table.ts'
import { opcode, type IcpQuery } from './icp-message.ts'

/** In the order in which they are counted. */
export const icpKinds = ['hit', 'miss', 'missNoFetch', 'silence'] as const
export type IcpKind = (typeof icpKinds)[number]

export const opcodeOf: Record<Exclude<IcpKind, 'silence'>, number> = {
  hit: opcode.hit,
  miss: opcode.miss,
  missNoFetch: opcode.missNoFetch,
}

/**
 * | backend                                         | answer        |
 * | ----------------------------------------------- | ------------- |
 * | the winner for this query                       | HIT           |
 * | as good as the winner                           | MISS          |
 * | a later tier, or last resort when one is better | MISS_NOFETCH |
 * | drained, down, unknown to the pool              | MISS_NOFETCH  |
 * | in maintenance                                  | silence       |
 *
 * @param pool undefined = no such pool
 * @param spread what the winner is drawn by: the number of the query, or the URL
 */
export function icpKind(
  pool: TablePool | undefined,
  backend: string,
  query: IcpQuery,
  spread: 'request' | 'url',
): IcpKind {
  const member = pool?.members.find(({ name }) => name === backend)
  if (pool === undefined || member === undefined) return 'missNoFetch'
  if (member.standing === 'maint') return 'silence'
  if (
    member.standing === 'drain' ||
    !candidatesOf(pool.members).includes(member)
  )
    return 'missNoFetch'
  const key = spread === 'url' ? query.url : numberKey(query.requestNumber)
  const decision = choose(pool, null, key, newRoundRobin)
  return decision.kind === 'backend' && decision.member === member
    ? 'hit'
    : 'miss'
}

/** Four bytes: keys consist of bytes everywhere. */
function numberKey(number: number): string {
  return String.fromCharCode(
    number >>> 24,
    (number >>> 16) & 255,
    (number >>> 8) & 255,
    number & 255,
  )
}
