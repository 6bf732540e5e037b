// The content of the sentinels: parse and format.
import { unprintable } from '../text/printable.ts'

/** An administrator's file. */
export type AdminNote = {
  readonly reason: string | null
  readonly by: string | null
  /** milliseconds since 1970; null = without end */
  readonly until: number | null
  /** the order that all machines follow; omitted: this machine alone */
  readonly order?: string
}

export type ParsedNote<Value> = {
  readonly value: Value
  /** sentences about what could not be parsed */
  readonly problems: readonly string[]
}

/** Bytes of a sentinel that are read; the rest is ignored. */
export const maxSentinelBytes = 4_096

/**
 * The share in percent that `NAME.up` grants. Empty = 100. Invalid content
 * counts as 100 and is a problem: the existence of the file is the verdict.
 */
export function parseShare(text: string): ParsedNote<number> {
  const match = /^\s*(\d{1,3})?\s*$/.exec(text)
  const share = match?.[1] === undefined ? 100 : Number(match[1])
  return match !== null && share <= 100
    ? { value: share, problems: [] }
    : {
        value: 100,
        problems: [
          `must hold one integer from 0 to 100, got ${quote(text)}; treated as 100`,
        ],
      }
}

export function formatShare(share: number): string {
  return `${share}\n`
}

/**
 * `reason: TEXT`, `by: WHO`, `until: RFC 3339 time`, `order: ID`, each at most once. What
 * cannot be parsed is a problem; the rest counts.
 */
export function parseAdminNote(text: string): ParsedNote<AdminNote> {
  const problems: string[] = []
  const seen = new Set<string>()
  const found = {
    reason: '',
    by: '',
    order: '',
    until: undefined as number | undefined,
  }
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') continue
    const match = /^\s*(reason|by|until|order)\s*:\s*(.*?)\s*$/.exec(line)
    if (match === null) {
      problems.push(
        `may hold lines "reason: …", "by: …", "until: …" only, got ${quote(line)}`,
      )
      continue
    }
    const [, key = '', value = ''] = match
    if (seen.has(key))
      problems.push(`must have one line "${key}: …" only; the last one counts`)
    seen.add(key)
    if (key === 'until') {
      const until = parseRfc3339(value)
      found.until = until
      if (until === undefined)
        problems.push(
          `until must be a time like 2026-11-22T18:00:00Z, with date, time and offset, got ${quote(value)}; treated as without end`,
        )
    } else if (key === 'reason') found.reason = value
    else if (key === 'order') found.order = value
    else found.by = value
  }
  return {
    value: {
      reason: found.reason || null,
      by: found.by || null,
      until: found.until ?? null,
      ...(found.order !== '' && { order: found.order }),
    },
    problems,
  }
}

/**
 * The text of an administrator's file; the reason, of any length, comes last.
 */
export function formatAdminNote({
  reason,
  by,
  until,
  order,
}: AdminNote): string {
  // whole seconds, rounded up: "--for 500ms" must not end before it begins
  const end = until === null ? null : Math.ceil(until / 1_000) * 1_000
  return (
    adminLine('until', end === null ? null : timeText(end)) +
    adminLine('by', by) +
    adminLine('order', order ?? null) +
    adminLine('reason', reason)
  )
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z')
}

/** One line, whatever the value: it must be safe to `cat` on a terminal. */
function adminLine(key: string, value: string | null): string {
  const text =
    value?.replaceAll(unprintable, ' ').replaceAll(/\s+/g, ' ').trim() ?? ''
  return text === '' ? '' : `${key}: ${text}\n`
}

/** RFC 3339 section 5.6: date, time and offset, all three. */
function parseRfc3339(text: string): number | undefined {
  const match =
    /^(\d{4}-\d\d-\d\d)[Tt ]((?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d+)?)([Zz]|[+-][0-2]\d:\d\d)$/.exec(
      text,
    )
  if (match === null) return undefined
  const ms = Date.parse(`${match[1]}T${match[2]}${match[3]?.toUpperCase()}`)
  if (Number.isNaN(ms)) return undefined
  // Date.parse turns 31 February into 3 March
  const day = Number(match[1]?.slice(8))
  return new Date(`${match[1]}T00:00:00Z`).getUTCDate() === day ? ms : undefined
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text)
}
