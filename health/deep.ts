// What the deep probes say about a backend's connection to its database. Pure.
// Invariant: one failed answer does not cut a backend off. A client that lags is
// detected by a transaction it has lacked for too long, not by the age of its last
// one: on a quiet site that may be a day. A missing transaction counts only while
// others still claim it: a database may be restored from a backup.
import type { DeepProbe, ProbeSettings } from '../config/config.ts'

/** A transaction: 16 hexadecimal digits, which sort by time. */
export type Transaction = { readonly id: string; readonly seconds: number }

export type DeepOutcome =
  | {
      readonly kind: 'fresh'
      readonly ms: number
      /** the newest that this Zope knows; null = it does not say */
      readonly own: Transaction | null
      /** the newest of its database server */
      readonly server: Transaction | null
    }
  /** Zope answered that its database does not answer, or with an error */
  | {
      readonly kind: 'gone'
      readonly why: string
      readonly own: Transaction | null
    }
  /** unanswered so far */
  | { readonly kind: 'silent'; readonly ms: number }
  /** says nothing about the database */
  | { readonly kind: 'none'; readonly why: string }

/** What the backends that share the database agree on. */
export type Consensus = {
  /** the newest transaction that a backend should have; null = not known */
  readonly newest: Transaction | null
  /** who has it, for people */
  readonly newestOf: string
  /** when that was last confirmed, by the monotonic clock; -Infinity = never */
  readonly agreedAt: number
  /** what this backend claims and the others deny; null = nothing */
  readonly beyond: {
    readonly id: string
    readonly deniedBy: string
    /** by this time all of them had denied it */
    readonly deniedMs: number
  } | null
}

export type DeepEvent = Consensus & {
  readonly kind: 'deep'
  readonly outcome: DeepOutcome
  /** how far its own transactions are in the future; null = they are not */
  readonly aheadSeconds: number | null
}

export type Deep = {
  /** failed answers (negative) or good ones in a row */
  readonly streak: number
  /** cut off, and why */
  readonly cutReason: string | null
  /** late answers in a row; a single one may be a restart of its server */
  readonly late: number
  /** the database is slow, and why */
  readonly slowReason: string | null
  /** a transaction it should have, and since when it is missing */
  readonly missing:
    (KnownTransaction & { readonly behindSeconds: number }) | null
  /** a transaction that it alone claims, and since when */
  readonly beyond: KnownTransaction | null
  /** what an operator should check; it has no other effect; null = nothing */
  readonly remark: string | null
}

type KnownTransaction = { readonly id: string; readonly sinceMs: number }

type DeepSettings = Pick<ProbeSettings, 'rise' | 'fall' | 'slowMs'> & {
  readonly deep: DeepProbe | null
}

export const noDeep: Deep = {
  streak: 0,
  cutReason: null,
  late: 0,
  slowReason: null,
  missing: null,
  beyond: null,
  remark: null,
}

const lateFall = 2

export function nextDeep(
  before: Deep,
  event: DeepEvent,
  settings: DeepSettings,
  nowMs: number,
): Deep {
  const { outcome } = event
  const deep = { ...before, ...dispute(before, event, settings, nowMs) }
  switch (outcome.kind) {
    case 'none':
      return before
    case 'gone': {
      const failures = Math.max(1, 1 - deep.streak)
      const missing = missingOf(deep, outcome.own, event.newest, nowMs)
      const stale =
        missing === null
          ? ''
          : `, and it serves stale pages: it lacks a transaction known to ${event.newestOf}; ${lagText(missing)}`
      const why = `its database: ${outcome.why}${stale}`
      return failed({ ...deep, missing }, failures, settings, why)
    }
    case 'silent': {
      const limitMs = settings.deep?.timeoutMs ?? Infinity
      return failed(
        deep,
        Math.floor(outcome.ms / limitMs),
        settings,
        `a page that reads from its database is unanswered after ${Math.round(outcome.ms)} ms`,
      )
    }
    case 'fresh': {
      const missing = missingOf(deep, outcome.own, event.newest, nowMs)
      const lagMs = missing === null ? 0 : nowMs - missing.sinceMs
      const maxLagMs = settings.deep?.maxLagMs ?? Infinity
      // confirmed again since: an unconfirmed claim may be outdated
      if (
        missing !== null &&
        lagMs > maxLagMs &&
        event.agreedAt >= missing.sinceMs
      )
        return {
          ...deep,
          streak: Math.min(deep.streak, 0) - 1,
          missing,
          cutReason: `serves stale pages: for ${Math.round(lagMs / 1_000)} s it has lacked a transaction known to ${event.newestOf} (maxLag ${maxLagMs / 1_000} s); ${lagText(missing)}`,
        }
      const streak = Math.max(0, deep.streak) + 1
      const late = outcome.ms > settings.slowMs ? deep.late + 1 : 0
      return {
        ...deep,
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

/** About to change, or cut off: probe again soon. */
export function isDeepInDoubt(deep: Deep): boolean {
  return (
    deep.cutReason !== null ||
    deep.streak < 0 ||
    deep.late > 0 ||
    deep.missing !== null
  )
}

function failed(
  deep: Deep,
  failures: number,
  settings: DeepSettings,
  why: string,
): Deep {
  const streak = failures === 0 ? deep.streak : Math.min(deep.streak, -failures)
  return {
    ...deep,
    streak: failures === 0 ? streak : Math.min(streak, 0),
    cutReason:
      -streak >= settings.fall
        ? `${why} (${-streak} in a row, fall ${settings.fall})`
        : deep.cutReason,
  }
}

/** The transaction it still lacks, as long as others claim it. */
function missingOf(
  { missing }: Deep,
  own: Transaction | null,
  newest: Transaction | null,
  nowMs: number,
): Deep['missing'] {
  if (own === null || newest === null || own.id >= newest.id) return null
  const behindSeconds = Math.round(newest.seconds - own.seconds)
  return missing !== null && own.id < missing.id && missing.id <= newest.id
    ? { ...missing, behindSeconds }
    : { id: newest.id, sinceMs: nowMs, behindSeconds }
}

function lagText({ behindSeconds }: NonNullable<Deep['missing']>): string {
  return `its newest transaction is ${behindSeconds} s behind`
}

/** A claim that the others deny: reported, with no other effect. */
function dispute(
  { beyond: noted }: Deep,
  { outcome, newest, beyond, aheadSeconds }: DeepEvent,
  settings: DeepSettings,
  nowMs: number,
): Pick<Deep, 'beyond' | 'remark'> {
  if (outcome.kind !== 'fresh' && outcome.kind !== 'gone')
    return { beyond: null, remark: null }
  if (aheadSeconds !== null)
    return {
      beyond: null,
      remark: `its transactions are ignored: the newest is ${aheadSeconds} s ahead of this machine's clock`,
    }
  if (beyond === null) return { beyond: null, remark: null }
  const isKnownNow = newest !== null && newest.id >= (noted?.id ?? '')
  const since =
    noted !== null && noted.id <= beyond.id && !isKnownNow
      ? noted
      : { id: beyond.id, sinceMs: nowMs }
  const isLasting =
    nowMs - since.sinceMs > (settings.deep?.maxLagMs ?? Infinity) &&
    beyond.deniedMs >= since.sinceMs
  return {
    beyond: since,
    remark: isLasting
      ? `it claims a transaction unknown to ${beyond.deniedBy}: check which database each of them uses`
      : null,
  }
}
