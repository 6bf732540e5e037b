// The answer to HAProxy's agent-check for one backend: the map program's choice
// in HAProxy's words. Always complete (`ready|drain|maint up|down N%`), because
// HAProxy keeps the old value of every part that an answer omits. Pure.
import { candidatesOf } from '../choice/choose.ts'
import {
  preferences,
  type Table,
  type TableMember,
  type TablePool,
} from '../choice/table.ts'
import type { Config } from '../config/config.ts'

/**
 * | backend                                   | answer                        |
 * | ----------------------------------------- | ----------------------------- |
 * | gets new visitors                         | `ready up N%`                 |
 * | last resort, and a better one exists      | `ready up 1%`                 |
 * | later tier, or weight 0                   | `ready up 0%`: sticky only    |
 * | in drain                                  | `drain up N%`, `drain down 0%` |
 * | in maintenance                            | `maint up 100%`               |
 * | down                                      | `ready down 0%`               |
 *
 * N is its share and its weight, in percent of the greatest weight in its tier,
 * so that servers with the same `weight` in haproxy.cfg divide visitors as the
 * map program does.
 *
 * @param asked the line without its newline: `NAME`, or `POOL/NAME`
 * @returns null = no answer: unknown backend, or no valid verdict
 */
export function agentAnswer(
  config: Config,
  table: Table,
  asked: string,
): string | null {
  const found = memberOf(table, asked)
  if (found === undefined) return null
  const { pool, member } = found
  // the administrator's files count without a monitor
  if (member.standing === 'maint') return 'maint up 100% # in maintenance\n'
  const isForced = member.standing === 'force'
  if (!isForced && (!table.isFresh || member.standing === 'unknown'))
    return null
  const part = partOf(config, pool, member)
  if (member.standing === 'drain')
    return member.keepsSession
      ? `drain up ${part}% # drained\n`
      : 'drain down 0% # drained, and down\n'
  const takers = candidatesOf(pool.members)
  if (takers.includes(member))
    return member.preference === preferences.share
      ? `ready up ${part}%\n`
      : `ready up ${part}% # nothing better is left\n`
  if (!member.keepsSession) return 'ready down 0% # down\n'
  const tier = takers[0]?.tier ?? member.tier
  if (member.tier > tier)
    return `ready up 0% # tier ${member.tier}, while tier ${tier} serves\n`
  return member.isLastResort && member.preference !== null
    ? 'ready up 1% # last resort\n'
    : 'ready up 0% # weight 0: sticky visitors only\n'
}

/** Without a pool: in the pool `default`, or the first that has it. */
function memberOf(
  { pools }: Table,
  asked: string,
): { readonly pool: TablePool; readonly member: TableMember } | undefined {
  const [, poolName, name] = /^(?:([^/]*)\/)?([^/]*)$/.exec(asked) ?? []
  const candidates =
    poolName === undefined
      ? [pools.get('default'), ...pools.values()]
      : [pools.get(poolName)]
  for (const pool of candidates) {
    const member = pool?.members.find(one => one.name === name)
    if (pool !== undefined && member !== undefined) return { pool, member }
  }
  return undefined
}

/** At least 1: HAProxy sends no visitors to weight 0. */
function partOf(config: Config, pool: TablePool, member: TableMember): number {
  const weights = new Map(
    config.pools
      .find(({ name }) => name === pool.name)
      ?.members.map(({ name, weight }) => [name, weight]),
  )
  const weightOf = ({ name }: TableMember) => weights.get(name) ?? 0
  const most = Math.max(
    1,
    ...pool.members
      .filter(({ tier }) => tier === member.tier)
      .map(one => weightOf(one)),
  )
  // shares count for backends in service; last resorts divide by weight alone
  const share = member.share === 0 ? 100 : member.share
  return Math.max(1, Math.round((share * weightOf(member)) / most))
}
