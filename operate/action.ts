// What an administrator may order, from a shell or on the status page: one set
// of rules for both. Pure.
import { parseDuration } from '../text/duration.ts'
import type { AdminKind } from '../sentinels/names.ts'

export type Action = AdminKind | 'ready'

/** In the order in which they are offered, with what they mean. */
export const meanings: Readonly<Record<Action, string>> = {
  drain: 'no new visitors; those already bound to it still go there',
  maint: 'no traffic at all, at once',
  force: 'treat as up whatever the probes say',
  ready: "take the administrator's files of a backend away again",
}

/** A verb, for a sentence that begins with what it is about. */
export const termRule =
  'is written like 30s, 5m or 2h, and at most 8760h (a year)'

const yearMs = 8_760 * 3_600_000

/** For how long, in ms; undefined when `termRule` does not hold. */
export function parseTerm(text: string): number | undefined {
  const ms = parseDuration(text)
  return ms !== undefined && ms > 0 && ms <= yearMs ? ms : undefined
}

/** Of a longer file, what is behind the limit would not be read. */
const maxReason = 1_000
export const reasonRule = `has at most ${maxReason} characters`

export function isReason(text: string): boolean {
  return text.length <= maxReason
}
