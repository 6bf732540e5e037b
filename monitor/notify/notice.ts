// A notice: the content of one message, for programs and for people
// (docs/notices.md). Pure.
import { printable, sentence } from '../../text/printable.ts'
import type { Fact, Severity } from './fact.ts'

/** What a notice says about one thing. */
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
  /** the state in the last notice; `well` = nothing bad was reported */
  readonly was: string
}

/** Keys may be added, never changed. */
export type Notice = {
  readonly version: 1
  /** stays the same when it is sent again */
  readonly id: string
  readonly kind: 'change' | 'reminder'
  /** the worst of `bad`; `info` = all is well again */
  readonly severity: Severity
  /** RFC 3339 */
  readonly time: string
  readonly host: string
  readonly title: string
  /** for people: the title, and a line for each item */
  readonly text: string
  readonly changes: readonly NoticeChange[]
  /** everything that is bad now and was reported */
  readonly bad: readonly Item[]
  /** the full counts; the lists hold a hundred entries each at most */
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

/** Half of the length a receiver rejected, and most of what matters. */
const maxShortTitle = 60

/**
 * The same notice for a receiver that rejected it: the title alone, no lists.
 * undefined = it cannot be shortened further.
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

/** Identifies a thing among all. */
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

/** The prefix of a name; none if there is only one of its kind. */
function kindOf({ what }: Item): string {
  return what === 'map' || what === 'front' ? '' : `${what} `
}

/**
 * A reason can contain text that a backend has sent. Reduces it to one line, without
 * the brackets that make a chat alert everyone (`<!channel>`).
 */
function harmless(line: string): string {
  return printable(sentence(line)).replaceAll('<', '‹').replaceAll('>', '›')
}
