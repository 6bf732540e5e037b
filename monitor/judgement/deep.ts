// What the deep probes say of a backend's way to its database. Pure. What must
// hold: one bad answer cuts nobody off, and a client that lags behind is found
// by what it has not got for too long, not by the age of its last transaction,
// for on a quiet site that may be a day.
import type { DeepProbe, ProbeSettings } from '../../config/config.ts'

/** A transaction: 16 hexadecimal digits, which sort by time. */
export type Transaction = { readonly id: string; readonly seconds: number }

export type DeepOutcome =
  | {
      readonly kind: 'fresh'
      readonly ms: number
      /** the newest that this Zope knows; null = it does not tell */
      readonly own: Transaction | null
      /** the newest of its database server */
      readonly server: Transaction | null
    }
  /** Zope answered that its database does not, or with an error */
  | {
      readonly kind: 'gone'
      readonly why: string
      readonly own: Transaction | null
    }
  /** unanswered so far */
  | { readonly kind: 'silent'; readonly ms: number }
  /** says nothing of the database */
  | { readonly kind: 'none'; readonly why: string }

export type DeepEvent = {
  readonly kind: 'deep'
  readonly outcome: DeepOutcome
  /** the newest that anybody who shares the database knows */
  readonly newest: Transaction | null
  /** whose it is, for people */
  readonly newestOf: string
}

export type Deep = {
  /** bad answers (negative) or good ones in a row */
  readonly streak: number
  /** cut off, and why */
  readonly cutReason: string | null
  /** late answers in a row: one is what a restart of its server looks like */
  readonly late: number
  /** the database is slow, and why */
  readonly slowReason: string | null
  /** a transaction it should have, and since when that is known */
  readonly missing: { readonly id: string; readonly sinceMs: number } | null
}

export type DeepSettings = Pick<ProbeSettings, 'rise' | 'fall' | 'slowMs'> & {
  readonly deep: DeepProbe | null
}

export const noDeep: Deep = {
  streak: 0,
  cutReason: null,
  late: 0,
  slowReason: null,
  missing: null,
}

const lateFall = 2

export function stepDeep(
  deep: Deep,
  event: DeepEvent,
  settings: DeepSettings,
  nowMs: number,
): Deep {
  const { outcome } = event
  switch (outcome.kind) {
    case 'none':
      return deep
    case 'gone': {
      const inRow = Math.max(1, 1 - deep.streak)
      const missing = missingOf(deep, outcome.own, event.newest, nowMs)
      const stale =
        missing === null
          ? ''
          : `, and it serves old pages: it has not got a transaction that ${event.newestOf} knows; ${lagText(outcome.own, event.newest)}`
      const why = `its database: ${outcome.why}${stale}`
      return bad({ ...deep, missing }, inRow, settings, why)
    }
    case 'silent': {
      const limitMs = settings.deep?.timeoutMs ?? Infinity
      return bad(
        deep,
        Math.floor(outcome.ms / limitMs),
        settings,
        `what must read from its database is unanswered after ${Math.round(outcome.ms)} ms`,
      )
    }
    case 'fresh': {
      const missing = missingOf(deep, outcome.own, event.newest, nowMs)
      const lagMs = missing === null ? 0 : nowMs - missing.sinceMs
      const maxLagMs = settings.deep?.maxLagMs ?? Infinity
      if (lagMs > maxLagMs)
        return {
          ...deep,
          streak: Math.min(deep.streak, 0) - 1,
          missing,
          cutReason: `serves old pages: it has not got a transaction that ${event.newestOf} knows for ${Math.round(lagMs / 1_000)} s (maxLag ${maxLagMs / 1_000} s); ${lagText(outcome.own, event.newest)}`,
        }
      const streak = Math.max(0, deep.streak) + 1
      const late = outcome.ms > settings.slowMs ? deep.late + 1 : 0
      return {
        streak,
        late,
        missing,
        cutReason:
          deep.cutReason !== null && streak < settings.rise
            ? deep.cutReason
            : null,
        slowReason:
          late >= lateFall
            ? `its database answered after ${Math.round(outcome.ms)} ms (${late} late in a row, the limit of slow is ${settings.slowMs} ms)`
            : null,
      }
    }
  }
}

/** About to change, or out: look again soon. */
export function isDeepInDoubt(deep: Deep): boolean {
  return (
    deep.cutReason !== null ||
    deep.streak < 0 ||
    deep.late > 0 ||
    deep.missing !== null
  )
}

function bad(
  deep: Deep,
  inRow: number,
  settings: DeepSettings,
  why: string,
): Deep {
  const streak = inRow === 0 ? deep.streak : Math.min(deep.streak, -inRow)
  return {
    ...deep,
    streak: inRow === 0 ? streak : Math.min(streak, 0),
    cutReason:
      -streak >= settings.fall
        ? `${why} (${-streak} in a row, fall ${settings.fall})`
        : deep.cutReason,
  }
}

/** The transaction it is waited for, and since when. */
function missingOf(
  { missing }: Deep,
  own: Transaction | null,
  newest: Transaction | null,
  nowMs: number,
): Deep['missing'] {
  if (own === null) return null
  if (missing !== null && own.id < missing.id) return missing
  return newest !== null && own.id < newest.id
    ? { id: newest.id, sinceMs: nowMs }
    : null
}

function lagText(own: Transaction | null, newest: Transaction | null): string {
  return own === null || newest === null
    ? 'by how much is not known'
    : `its last transaction is ${Math.round(newest.seconds - own.seconds)} s older`
}
