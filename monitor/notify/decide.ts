// When to send a notice and what it says: facts + what was reported + time -> a
// notice or none. Invariant: eventually the last notice matches reality; a change
// that reverts before it was sent is never sent. Pure.
import type { NotifySettings } from '../../config/config.ts'
import { severities, type Fact, type Severity } from './fact.ts'
import {
  keyOf,
  noticeOf,
  type NoticeChange,
  type Item,
  type Notice,
} from './notice.ts'

type Waiting = {
  readonly key: string
  readonly sinceMs: number
  /** the worst severity since then */
  readonly worst: Severity
}

export type Ledger = {
  /** what was reported as bad, by `keyOf` */
  readonly reported: ReadonlyMap<string, Item>
  /** what has changed since, and when */
  readonly waiting: ReadonlyMap<string, Waiting>
  /** when the last notices were created, ms since 1970, oldest first */
  readonly madeMs: readonly number[]
  /** notices created */
  readonly count: number
}

export const emptyLedger: Ledger = {
  reported: new Map(),
  waiting: new Map(),
  madeMs: [],
  count: 0,
}

export type Rules = Pick<
  NotifySettings,
  | 'minSeverity'
  | 'groupWaitMs'
  | 'warningAfterMs'
  | 'repeatIntervalMs'
  | 'limit'
>

/**
 * Called at least once a second.
 *
 * @param nowMs since 1970; a clock that was set back delays nothing longer than
 *   the waiting times themselves
 */
export function decide(
  ledger: Ledger,
  facts: readonly Fact[],
  rules: Rules,
  host: string,
  nowMs: number,
): { readonly ledger: Ledger; readonly notice: Notice | undefined } {
  const items = itemsOf(ledger, facts, rules.minSeverity, nowMs)
  const changed = items.filter(
    item => item.severity !== reportedSeverity(ledger, item),
  )
  const waits = changed.map(item =>
    waitingOf(ledger.waiting.get(keyOf(item)), item, nowMs),
  )
  const waiting = new Map(waits.map(wait => [wait.key, wait]))
  const madeMs = ledger.madeMs
    .map(ms => Math.min(ms, nowMs))
    .slice(-rules.limit.count)
  const next = { ...ledger, waiting, madeMs }
  const isDue = waits.some(({ key, sinceMs, worst }) => {
    const isNewWarning = worst === 'warning' && !ledger.reported.has(key)
    const patienceMs = isNewWarning
      ? Math.max(rules.warningAfterMs, rules.groupWaitMs)
      : rules.groupWaitMs
    return nowMs - sinceMs >= patienceMs
  })
  const isReminderDue =
    rules.repeatIntervalMs > 0 &&
    ledger.reported.size > 0 &&
    nowMs - (madeMs.at(-1) ?? -Infinity) >= rules.repeatIntervalMs
  if (!isDue && !isReminderDue) return { ledger: next, notice: undefined }
  const isFull =
    madeMs.filter(ms => nowMs - ms < rules.limit.perMs).length >=
    rules.limit.count
  if (isFull) return { ledger: next, notice: undefined }

  const reported = new Map(ledger.reported)
  // a reminder alone does not bring forward what is still waiting
  for (const item of items) {
    const isNew = waiting.has(keyOf(item))
    if (isNew && !isDue) continue
    if (item.severity === 'info') reported.delete(keyOf(item))
    else reported.set(keyOf(item), item)
  }
  const changes = isDue
    ? changed.map((item): NoticeChange => ({
        ...item,
        was: ledger.reported.get(keyOf(item))?.state ?? 'well',
      }))
    : []
  const count = ledger.count + 1
  const notice = noticeOf(
    isDue ? 'change' : 'reminder',
    changes,
    [...reported.values()],
    { host, count },
    nowMs,
  )
  return {
    ledger: {
      reported,
      waiting: isDue ? new Map() : waiting,
      madeMs: [...madeMs, nowMs].slice(-rules.limit.count),
      count,
    },
    notice,
  }
}

/** What is known now, and what was reported and no longer exists. */
function itemsOf(
  ledger: Ledger,
  facts: readonly Fact[],
  minSeverity: Severity,
  nowMs: number,
): Item[] {
  const now = new Date(nowMs).toISOString()
  const present = new Set(facts.map(keyOf))
  return [
    ...facts.flatMap(fact => {
      const { severity } = fact
      if (severity === null) return []
      const counted =
        severities.indexOf(severity) < severities.indexOf(minSeverity)
          ? 'info'
          : severity
      const reported = ledger.reported.get(keyOf(fact))
      const since =
        fact.since ??
        (reported?.severity === counted
          ? reported.since
          : sinceOf(ledger.waiting.get(keyOf(fact)), nowMs))
      return [{ ...fact, severity: counted, since }]
    }),
    ...[...ledger.reported.values()]
      .filter(reported => !present.has(keyOf(reported)))
      .map((reported): Item => ({
        ...reported,
        state: 'gone',
        severity: 'info',
        reason: 'removed from the configuration',
        since: now,
      })),
  ]
}

function sinceOf(waiting: Waiting | undefined, nowMs: number): string {
  return new Date(waiting?.sinceMs ?? nowMs).toISOString()
}

function reportedSeverity(ledger: Ledger, item: Item): Severity {
  return ledger.reported.get(keyOf(item))?.severity ?? 'info'
}

/** The wait restarts once, when a warning becomes critical, so that others can join. */
function waitingOf(
  before: Waiting | undefined,
  item: Item,
  nowMs: number,
): Waiting {
  const isWorse =
    before === undefined ||
    severities.indexOf(item.severity) > severities.indexOf(before.worst)
  return isWorse
    ? { key: keyOf(item), sinceMs: nowMs, worst: item.severity }
    : { ...before, sinceMs: Math.min(before.sinceMs, nowMs) }
}
