// Where an order took effect, and where not yet. Pure.
import { formatDuration } from '../text/duration.ts'
import type { ClusterReport } from '../sentinels/reports.ts'
import type { Live } from './keys.ts'
import { has } from './machines.ts'

export type Pending = {
  readonly name: string
  readonly isLive: boolean
  /** in parentheses, for a person */
  readonly why: string
}

export type Effect = {
  /** the machines on which it is in force */
  readonly done: readonly string[]
  readonly pending: readonly Pending[]
  /** machines whose configuration has no such backend */
  readonly without: readonly string[]
  /** machines on which a person's file about the backend stays: `fe2 (zope1.drain)` */
  readonly own: readonly string[]
}

/**
 * @param revision of the order
 * @param machines all members; undefined: no sign of life
 * @param report of the monitor here: it knows when a machine was last seen
 */
export function effectOf(
  backend: string,
  revision: number,
  machines: ReadonlyMap<string, Live | undefined>,
  report: ClusterReport | undefined,
): Effect {
  const done: string[] = []
  const pending: Pending[] = []
  const without: string[] = []
  const own: string[] = []
  const seen = new Map(Object.entries(report?.members ?? {}))
  for (const [name, live] of [...machines].toSorted(byName)) {
    if (live === undefined) {
      const ageMs = seen.get(name)?.ageMs ?? null
      pending.push({
        name,
        isLive: false,
        why:
          ageMs === null
            ? 'no sign of life'
            : `last seen ${inSeconds(ageMs)} ago`,
      })
      continue
    }
    const files = live.own.filter(file => file.startsWith(`${backend}.`))
    if (files.length > 0) own.push(`${name} (${files.join(', ')})`)
    if (!has(live, backend)) without.push(name)
    else if (live.applied >= revision) done.push(name)
    else pending.push({ name, isLive: true, why: 'it has not answered yet' })
  }
  return { done, pending, without, own }
}

/** @param what `drain`, `no longer drain` */
export function effectText(
  what: string,
  { done, pending, without, own }: Effect,
): string {
  return [
    `${what} on ${done.length === 0 ? 'no machine yet' : done.join(' ')}`,
    ...(pending.length === 0
      ? []
      : [
          `not yet: ${pending.map(({ name, why }) => `${name} (${why})`).join(' ')}`,
        ]),
    ...(without.length === 0
      ? []
      : [`not configured on: ${without.join(' ')}`]),
    ...(own.length === 0
      ? []
      : [`files made by hand stay on: ${own.join(', ')}`]),
  ].join('; ')
}

function inSeconds(ms: number): string {
  const unit = [3_600_000, 60_000, 1_000].find(size => ms >= size) ?? 1_000
  const count = Math.max(1, Math.floor(ms / unit))
  return formatDuration(count * unit).replace(
    /^(\d+)(\D+)$/,
    (_, number: string, letter: string) => `${number} ${letter}`,
  )
}

function byName(
  [one]: readonly [string, unknown],
  [other]: readonly [string, unknown],
): number {
  return one < other ? -1 : 1
}
