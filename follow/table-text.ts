// The input of the command of `zope-failover follow`: the whole table of one
// pool, as the map program uses it. Pure.
import { choose, candidatesOf, newRoundRobin } from '../choice/choose.ts'
import {
  preferences,
  type Standing,
  type TableMember,
  type TablePool,
} from '../choice/table.ts'
import type { Config } from '../config/config.ts'

export const followFormats = ['lines', 'json'] as const
export type FollowFormat = (typeof followFormats)[number]

/** The current use of a backend. */
type FollowState =
  /** gets its share of new visitors if its tier is the lowest one in service */
  | 'in'
  /** for new visitors only while no backend is in */
  | 'last-resort'
  /** keeps its sticky visitors, gets no new ones */
  | 'bound'
  /** down or in maintenance: gets no traffic */
  | 'out'

type FollowRow = {
  readonly name: string
  /** without brackets */
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly state: FollowState
  /** the reason, see `Standing`: distinguishes down from maint */
  readonly standing: Standing
  /** configured weight times share, e.g. 0.3 for weight 1 and 30 % */
  readonly weight: number
  /** lower is better, from 1 */
  readonly tier: number
  /** current percentage of new visitors */
  readonly newVisitors: number
  /** whether its sticky visitors stay with it now */
  readonly keepsSticky: boolean
}

/**
 * One row for each member of the pool, in the order of the configuration.
 *
 * @param pool from a table built from `config`
 */
export function followRows(config: Config, pool: TablePool): FollowRow[] {
  const takers = candidatesOf(pool.members)
  const sum = takers.reduce((total, { weight }) => total + weight, 0)
  const members = config.pools.find(({ name }) => name === pool.name)?.members
  const weights = new Map(members?.map(({ name, weight }) => [name, weight]))
  return pool.members.flatMap(member => {
    const backend = config.backends[member.backend]
    if (backend === undefined) return []
    const isTaker = takers.includes(member)
    const state = stateOf(member, isTaker)
    const weight = ((weights.get(member.name) ?? 0) * member.share) / 100
    const { host, port, tls } = backend
    return [
      {
        name: member.name,
        host,
        port,
        tls,
        state,
        standing: member.standing,
        weight: state === 'out' ? 0 : rounded(weight),
        tier: member.tier,
        newVisitors: isTaker ? rounded((100 * member.weight) / sum) : 0,
        keepsSticky: keepsSticky(pool, member),
      },
    ]
  })
}

/**
 * The text for the command's standard input; equal texts mean equal tables.
 *
 * @param format lines: `NAME HOST PORT STATE WEIGHT TIER` for each backend;
 *   json: one object on one line
 */
export function followText(
  config: Config,
  pool: TablePool,
  format: FollowFormat,
): string {
  const rows = followRows(config, pool)
  if (format === 'json')
    return `${JSON.stringify({ pool: pool.name, backends: rows })}\n`
  return rows
    .map(
      ({ name, host, port, state, weight, tier }) =>
        `${name} ${host} ${port} ${state} ${weight} ${tier}\n`,
    )
    .join('')
}

function stateOf(member: TableMember, isTaker: boolean): FollowState {
  if (member.preference === preferences.share) return 'in'
  // weight 0 and drain count only where the map program would use them
  if (
    isTaker ||
    (member.preference !== null &&
      member.preference <= preferences.believedDown)
  )
    return 'last-resort'
  return member.keepsSession ? 'bound' : 'out'
}

function keepsSticky(pool: TablePool, member: TableMember): boolean {
  const decision = choose(pool, member.name, null, newRoundRobin)
  return decision.kind === 'backend' && decision.member === member
}

function rounded(value: number): number {
  return Number(value.toFixed(2))
}
