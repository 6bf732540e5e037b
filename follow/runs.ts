// When the command of `zope-failover follow` runs: at the start, whenever the table
// says something else, and again after a failure. Never two at once, always with
// the newest table. Pure: times are ms of a monotonic clock.

/** Changes that come together (one file for each backend) are one. */
const settleMs = 20
/** From the start of one run to the next: a table that flaps costs so much. */
const spacingMs = 100
/** After the first failure; doubled by each further one, up to the longest. */
const shortestRetryMs = 1_000
const longestRetryMs = 30_000

export type Runs = {
  /** the newest table's text; null = none yet */
  readonly wanted: string | null
  readonly changedMs: number
  /** what the command has taken over; null = not known */
  readonly done: string | null
  /** what it is working on; null = it does not run */
  readonly running: string | null
  readonly startedMs: number
  /** failures in a row, and the last of them; null = none */
  readonly failed: {
    readonly text: string
    readonly count: number
    readonly endedMs: number
  } | null
}

export const noRuns: Runs = {
  wanted: null,
  changedMs: -Infinity,
  done: null,
  running: null,
  startedMs: -Infinity,
  failed: null,
}

/** The table has been read; `text` is what it says. */
export function tableRead(runs: Runs, text: string, nowMs: number): Runs {
  if (text === runs.wanted) return runs
  // the first one has nothing to wait for
  const changedMs = runs.wanted === null ? -Infinity : nowMs
  return { ...runs, wanted: text, changedMs }
}

/** The command starts, with what is wanted. */
export function runBegun(runs: Runs, nowMs: number): Runs {
  return { ...runs, running: runs.wanted, startedMs: nowMs }
}

/**
 * The command has ended.
 *
 * @param isDone with exit code 0; else it may have done any part of its work
 */
export function runEnded(runs: Runs, isDone: boolean, nowMs: number): Runs {
  const text = runs.running ?? ''
  return isDone
    ? { ...runs, running: null, done: text, failed: null }
    : {
        ...runs,
        running: null,
        done: null,
        failed: { text, count: (runs.failed?.count ?? 0) + 1, endedMs: nowMs },
      }
}

/** The command's work may be undone: it runs again, whatever the table says. */
export function askedAgain(runs: Runs): Runs {
  return { ...runs, done: null, failed: null }
}

/** How long until the command should start; 0 = now, null = no reason to. */
export function untilRun(runs: Runs, nowMs: number): number | null {
  const { wanted, changedMs, done, running, startedMs } = runs
  if (running !== null || wanted === null || wanted === done) return null
  const dueMs = Math.max(
    changedMs + settleMs,
    startedMs + spacingMs,
    retryMs(runs),
  )
  return Math.max(0, dueMs - nowMs)
}

/** Another table than the failed one may work, so it does not wait for long. */
function retryMs({ wanted, failed }: Runs): number {
  if (failed === null) return -Infinity
  const pause =
    wanted === failed.text
      ? Math.min(longestRetryMs, shortestRetryMs * 2 ** (failed.count - 1))
      : shortestRetryMs
  return failed.endedMs + pause
}
