// A notice: what is told in one message, in a form for programs and for people
// (docs/notices.md). Pure.
import { printable, sentence } from '../../text/printable.ts'
import type { Fact, Severity } from './fact.ts'

/** What was told, or is told now, of one thing. */
export type Item = {
  readonly what: Fact['what']
  readonly name: string
  readonly state: string
  readonly severity: Severity
  readonly reason: string
  /** RFC 3339 */
  readonly since: string
}

export type NoticeChange = Item & {
  /** the state that was told last; `well` = nothing bad was told */
  readonly was: string
}

/** Keys are added, never changed. */
export type Notice = {
  readonly version: 1
  /** the same when it is sent again */
  readonly id: string
  readonly kind: 'change' | 'reminder'
  /** of the worst that is bad now; `info` = all is well again */
  readonly severity: Severity
  /** RFC 3339 */
  readonly time: string
  readonly host: string
  readonly title: string
  /** for people: the title, and a line for each item */
  readonly text: string
  readonly changes: readonly NoticeChange[]
  /** all that is bad now, as far as it was told */
  readonly bad: readonly Item[]
  /** how many there are; the lists hold a hundred of each at most */
  readonly total: { readonly changes: number; readonly bad: number }
}

const maxItems = 100
const maxLines = 20
const maxTitle = 120

export function noticeOf(
  kind: Notice['kind'],
  changes: readonly NoticeChange[],
  bad: readonly Item[],
  from: { readonly host: string; readonly count: number },
  nowMs: number,
): Notice {
  const severity = worstOf(bad)
  const title = titleOf(kind, severity, kind === 'change' ? changes : bad)
  const changed = new Set(changes.map(keyOf))
  const still = bad.filter(item => !changed.has(keyOf(item)))
  const lines = [
    ...changes.map(change => `${lineOf(change)} (was ${change.was})`),
    ...still.map(item => `still ${lineOf(item)}, since ${item.since}`),
  ]
  const more = lines.length - maxLines
  return {
    version: 1,
    id: `${from.host}-${nowMs}-${from.count}`,
    kind,
    severity,
    time: new Date(nowMs).toISOString(),
    host: from.host,
    title,
    text: [
      `${title} (zope-failover on ${from.host})`,
      ...lines.slice(0, maxLines).map(harmless),
      ...(more > 0 ? [`and ${more} more`] : []),
    ].join('\n'),
    changes: changes.slice(0, maxItems),
    bad: bad.slice(0, maxItems),
    total: { changes: changes.length, bad: bad.length },
  }
}

/** Less than half of what a receiver refused, and most of what matters. */
const maxShortTitle = 60

/**
 * The same notice for a receiver that did not take it: the title alone, no lists.
 * undefined = it is as short as can be.
 */
export function shortened(notice: Notice): Notice | undefined {
  const { title, changes, bad, host } = notice
  if (changes.length === 0 && bad.length === 0) return undefined
  const short =
    title.length > maxShortTitle
      ? `${title.slice(0, maxShortTitle - 1)}…`
      : title
  return {
    ...notice,
    title: short,
    text: `${short} (zope-failover on ${host}; shortened, see zope-failover status)`,
    changes: [],
    bad: [],
  }
}

/** What a thing goes by among all. */
export function keyOf({ what, name }: Pick<Item, 'what' | 'name'>): string {
  return `${what} ${name}`
}

function worstOf(bad: readonly Item[]): Severity {
  if (bad.length === 0) return 'info'
  return bad.some(({ severity }) => severity === 'critical')
    ? 'critical'
    : 'warning'
}

function titleOf(
  kind: Notice['kind'],
  severity: Severity,
  items: readonly Item[],
): string {
  const word = severity === 'info' ? 'RESOLVED' : severity.toUpperCase()
  const names = items.map(item => `${kindOf(item)}${item.name} ${item.state}`)
  const title = `${kind === 'reminder' ? 'STILL ' : ''}${word}: ${names.join(', ')}`
  return title.length > maxTitle ? `${title.slice(0, maxTitle - 1)}…` : title
}

function lineOf(item: Item): string {
  const { name, state, reason } = item
  return `${kindOf(item)}${name}: ${state}, ${reason}`
}

/** What stands before a name, unless there is only one of its kind. */
function kindOf({ what }: Item): string {
  return what === 'map' || what === 'front' ? '' : `${what} `
}

/**
 * A reason can hold what a backend has sent: one line, and none of the brackets
 * that make a chat call everybody (`<!channel>`).
 */
function harmless(line: string): string {
  return printable(sentence(line)).replaceAll('<', '‹').replaceAll('>', '›')
}
