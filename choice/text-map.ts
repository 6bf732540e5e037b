// The decision as a file that httpd reads by itself (RewriteMap rnd:), for when
// no map program is running. Pure.
import type { Config } from '../config/config.ts'
import { adminKinds } from '../sentinels/names.ts'
import { noSentinels, type Snapshot } from '../sentinels/snapshot.ts'
import { choose, candidatesOf, newRoundRobin, standbysOf } from './choose.ts'
import { buildTable, type TableMember, type TablePool } from './table.ts'

/** mod_rewrite cuts a line at 1,024 bytes (REWRITE_MAX_TXT_MAP_LINE). */
const maxLineBytes = 1_000

/** Most names on one line: repetition expresses weights in steps of 1 %. */
const maxParts = 100

const head = `# Written by zope-failover's monitor on each change, for httpd to read.
# POOL: the backends for new visitors, by weight. POOL/BACKEND: sticky visitors
# of BACKEND stay there; the value is the next backend if it refuses.
`

/**
 * The text of `zope-failover.map`. httpd cannot see the age of a file, so a pool
 * is never left empty: when the verdicts leave no backend, the text lists the
 * backends that would be used if the verdicts were stale.
 *
 * @param now ms since 1970, the clock of the files
 */
export function textMap(
  config: Config,
  snapshot: Snapshot,
  now: number,
): string {
  const trusted = buildTable(config, snapshot, now)
  const open = buildTable(config, { ...snapshot, monitor: null }, now)
  const pools = new Map([
    ...open.pools,
    ...[...trusted.pools].filter(
      ([, pool]) => candidatesOf(pool.members).length > 0,
    ),
  ])
  return head + [...pools.values()].map(linesOf).join('')
}

/**
 * Whether httpd finds a sticky visitor's answer in the text map and does not ask
 * the map program. These are the conditions of apache-conf/prg-sticky.conf.
 * They are true only where the map program would keep the visitor too, however
 * old the text is.
 *
 * @param route null = a new visitor
 * @param affinity null = none
 * @param text what `zope-failover.map` says; may be older than the snapshot
 */
export function isInTextMap(
  pool: TablePool,
  route: string | null,
  affinity: string | null,
  snapshot: Snapshot,
  text: string,
): boolean {
  if (route === null || affinity !== null || pool.failback === 'all')
    return false
  const of = (name: string) => snapshot.backends.get(name) ?? noSentinels
  const { share, maint } = of(route)
  if (share === null || maint !== null) return false
  if (pool.stickiness === 'relaxed' && share === 0) return false
  const next = standbysIn(text, pool.name, route)
  // httpd takes one of them at random
  return (
    next.length > 0 &&
    next.every(name => of(name).drain === null && of(name).maint === null)
  )
}

/**
 * The backends of the line `POOL/BACKEND` (`-` when there is no standby); empty
 * without such a line.
 */
export function standbysIn(
  text: string,
  pool: string,
  backend: string,
): string[] {
  const key = `${pool}/${backend} `
  const found = text.split('\n').find(it => it.startsWith(key))
  return found === undefined ? [] : found.slice(key.length).split('|')
}

/** When the text changes although no file does; Infinity = never. */
export function nextExpiry(snapshot: Snapshot, now: number): number {
  const ends = [...snapshot.backends.values()].flatMap(sentinels =>
    adminKinds.map(kind => sentinels[kind]?.until ?? Infinity),
  )
  return Math.min(Infinity, ...ends.filter(end => end > now))
}

function linesOf(pool: TablePool): string {
  const newVisitors = candidatesOf(pool.members)
  if (newVisitors.length === 0) return ''
  const keeping = pool.members.filter(member => {
    const decision = choose(pool, member.name, null, newRoundRobin)
    return decision.kind === 'backend' && decision.member === member
  })
  return (
    line(pool.name, newVisitors) +
    keeping
      .map(member =>
        line(
          `${pool.name}/${member.name}`,
          candidatesOf(standbysOf(pool, member)),
        ),
      )
      .join('')
  )
}

function line(key: string, members: readonly TableMember[]): string {
  const value =
    members.length === 0 ? '-' : repeated(members, maxLineBytes - key.length)
  return `${key} ${value}\n`
}

/**
 * `a|b|b`: repeats each name in proportion to its weight, as exactly as the
 * room allows. If one line cannot hold all names, it holds the heaviest ones.
 */
function repeated(members: readonly TableMember[], room: number): string {
  const longest = Math.max(...members.map(({ name }) => name.length))
  const parts = Math.min(maxParts, Math.floor(room / (longest + 1)))
  const heaviest =
    members.length > parts
      ? members
          .toSorted((one, other) => other.weight - one.weight)
          .slice(0, parts)
      : members
  return apportion(heaviest, parts)
    .flatMap(({ name, count }) => Array<string>(count).fill(name))
    .join('|')
}

/**
 * Whole numbers in proportion to the weights, none 0, together at most `parts`.
 */
function apportion(
  members: readonly TableMember[],
  parts: number,
): { readonly name: string; readonly count: number }[] {
  const counted = members.map(({ name, weight }) => ({
    name,
    // shares are whole percents
    weight: Math.max(1, Math.round(weight * 100)),
    count: 1,
  }))
  const divisor = counted.reduce(
    (common, { weight }) => greatestCommonDivisor(common, weight),
    0,
  )
  const sum = counted.reduce((total, { weight }) => total + weight, 0)
  if (sum / divisor <= parts)
    return counted.map(({ name, weight }) => ({
      name,
      count: weight / divisor,
    }))
  // Sainte-Laguë: the next part goes to the member furthest below its weight
  for (let given = counted.length; given < parts; given++)
    counted.reduce((one, other) => (need(other) > need(one) ? other : one))
      .count++
  return counted
}

function need(part: { weight: number; count: number }): number {
  return part.weight / (part.count + 0.5)
}

function greatestCommonDivisor(one: number, other: number): number {
  return other === 0 ? one : greatestCommonDivisor(other, one % other)
}
