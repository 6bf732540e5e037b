// On which machines an order is active, and on which not yet. Pure.
import { formatDuration } from '../text/duration.ts'
import type { ClusterReport } from '../sentinels/reports.ts'
import type { Live } from './keys.ts'
import { hasBackend } from './machines.ts'

export type PendingMachine = {
  readonly name: string
  readonly isLive: boolean
  /** in parentheses, for a person */
  readonly why: string
}

export type Effect = {
  /** the machines on which it is active */
  readonly active: readonly string[]
  readonly pending: readonly PendingMachine[]
  /** machines whose configuration has no such backend */
  readonly notConfigured: readonly string[]
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
  const active: string[] = []
  const pending: PendingMachine[] = []
  const notConfigured: string[] = []
  const own: string[] = []
  const members = new Map(Object.entries(report?.members ?? {}))
  for (const [name, live] of [...machines].toSorted(byName)) {
    if (live === undefined) {
      const ageMs = members.get(name)?.ageMs ?? null
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
    if (!hasBackend(live, backend)) notConfigured.push(name)
    else if (live.applied >= revision) active.push(name)
    else pending.push({ name, isLive: true, why: 'it has not answered yet' })
  }
  return { active, pending, notConfigured, own }
}

/** @param what `drain`, `no longer drain` */
export function effectText(
  what: string,
  { active, pending, notConfigured, own }: Effect,
): string {
  return [
    `${what} on ${active.length === 0 ? 'no machine yet' : active.join(' ')}`,
    ...(pending.length === 0
      ? []
      : [
          `not yet: ${pending.map(({ name, why }) => `${name} (${why})`).join(' ')}`,
        ]),
    ...(notConfigured.length === 0
      ? []
      : [`not configured on: ${notConfigured.join(' ')}`]),
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
