// The other machines in words, for `status`, the page and the notices. Pure.
import type { ClusterReport } from '../sentinels/reports.ts'
import { printable } from '../text/printable.ts'

/** With a larger difference of the clocks the ends of orders are inexact. */
const clockLimitMs = 2_000

const words: Readonly<Record<ClusterReport['state'], string>> = {
  together: 'together with the others',
  alone: 'ALONE: the last known orders stay in effect',
  duplicate: 'ALONE: another machine has this name',
  'older-data':
    'together, but etcd has OLDER DATA: the orders that it lost stay in effect',
}

/** Whether this machine is together with the others. */
export function clusterSentence({
  name,
  state,
  engine,
}: ClusterReport): string {
  const problem = engine.problem === null ? '' : ` (${engine.problem})`
  return printable(`cluster: ${name} is ${words[state]}${problem}`)
}

/** What to type about each order that etcd has lost. */
export function lostOrders({ orders }: ClusterReport): string[] {
  return Object.entries(orders).flatMap(([file, { isLost }]) => {
    const backend = file.replace(/\.[^.]*$/, '')
    return isLost
      ? [
          printable(
            `order lost by etcd, still in effect: ${file}; to write it to etcd again: zope-failover cluster adopt; to end it: zope-failover ready ${backend}`,
          ),
        ]
      : []
  })
}

/** `+0.3s`; `-` when it is not known. */
export function clockText(ms: number | null): string {
  if (ms === null) return '-'
  return `${ms < 0 ? '-' : '+'}${(Math.abs(ms) / 1_000).toFixed(1)}s`
}

/**
 * A line for this machine's place among the others, for each lost order, and for each
 * machine: bad = an administrator has to do something.
 */
export function clusterList(
  cluster: ClusterReport,
): { readonly text: string; readonly tone: 'good' | 'warn' | 'bad' }[] {
  return [
    {
      text: clusterSentence(cluster),
      tone: cluster.state === 'together' ? 'good' : 'bad',
    },
    ...lostOrders(cluster).map(text => ({ text, tone: 'bad' as const })),
    ...Object.entries(cluster.members).map(([name, { state, version }]) => {
      const notes = machineNotes(name, cluster)
      return {
        text: printable(
          [`machine ${name}: ${state}`, version ?? 'no version', ...notes].join(
            ', ',
          ),
        ),
        tone:
          state === 'live' && notes.length === 0
            ? ('good' as const)
            : ('warn' as const),
      }
    }),
  ]
}

/**
 * What is unusual about a machine.
 *
 * @param withStates also the backends that it sees in another state than this one
 */
export function machineNotes(
  machine: string,
  { members, differs }: ClusterReport,
  withStates = true,
): string[] {
  const seen = members[machine]
  if (seen === undefined) return []
  const states = Object.entries(withStates ? differs : {}).flatMap(
    ([backend, by]) =>
      Object.hasOwn(by, machine) ? [`${backend} is ${by[machine]} there`] : [],
  )
  const differing = seen.differing.map(one => (one === '*' ? 'pools' : one))
  return [
    ...states,
    ...(seen.settingsDiffer
      ? [`settings differ: ${differing.join(', ')}`]
      : []),
    ...(Math.abs(seen.clockMs ?? 0) > clockLimitMs
      ? [`its clock differs by ${clockText(seen.clockMs)}`]
      : []),
    ...(withStates && seen.own.length > 0
      ? [`files made by hand: ${seen.own.join(', ')}`]
      : []),
  ].map(printable)
}
