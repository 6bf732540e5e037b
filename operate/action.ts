// The actions of an administrator, from a shell or the status page: one set of rules
// for both. Pure.
import { parseDuration } from '../text/duration.ts'
import type { AdminKind } from '../sentinels/names.ts'

export type Action = AdminKind | 'ready'

/** In the order in which they are offered, with their descriptions. */
export const meanings: Readonly<Record<Action, string>> = {
  drain: 'no new visitors; sticky visitors still go there',
  maint: 'no traffic at all, at once',
  force: 'treat as up whatever the probes say',
  ready: "remove the administrator's files of a backend",
}

/** Starts with a verb: the caller puts the subject in front. */
export const termRule = 'must look like 30s, 5m or 2h, at most 8760h (a year)'

const yearMs = 8_760 * 3_600_000

/** The duration in ms; undefined if it violates `termRule`. */
export function parseTerm(text: string): number | undefined {
  const ms = parseDuration(text)
  return ms !== undefined && ms > 0 && ms <= yearMs ? ms : undefined
}

/** Readers of the file ignore everything beyond this limit. */
const maxReason = 1_000
export const reasonRule = `must have at most ${maxReason} characters`

export function isReason(text: string): boolean {
  return text.length <= maxReason
}
