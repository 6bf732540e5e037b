// When the command of `zope-failover follow` runs: at startup, at each change
// of the table, and again after a failure. Never two runs at once, always with
// the newest table. Pure: times are ms of a monotonic clock.

/** Changes that come together (one file per backend) are one change. */
const settleMs = 20
/**
 * From the start of one run to the next: limits the cost of a flapping table.
 */
const spacingMs = 100
/** The pause after the first failure; each further one doubles it. */
const shortestRetryMs = 1_000
const longestRetryMs = 30_000

export type Runs = {
  /** the newest table's text; null = none yet */
  readonly wanted: string | null
  readonly changedMs: number
  /** the table that the command has applied; null = unknown */
  readonly done: string | null
  /** the table of the current run; null = it does not run */
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

/** The table has been read; `text` is its content. */
export function tableRead(runs: Runs, text: string, nowMs: number): Runs {
  if (text === runs.wanted) return runs
  // the first table need not wait for further changes
  const changedMs = runs.wanted === null ? -Infinity : nowMs
  return { ...runs, wanted: text, changedMs }
}

/** The command starts with the wanted table. */
export function runBegun(runs: Runs, nowMs: number): Runs {
  return { ...runs, running: runs.wanted, startedMs: nowMs }
}

/**
 * The command has ended.
 *
 * @param isDone with exit code 0; otherwise it may have done part of its work
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

/** The command's work may have been undone: run it again in any case. */
export function askedAgain(runs: Runs): Runs {
  return { ...runs, done: null, failed: null }
}

/** How long until the command should start; 0 = now, null = nothing to do. */
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

/** A different table may work, so it waits only the shortest pause. */
function retryMs({ wanted, failed }: Runs): number {
  if (failed === null) return -Infinity
  const pause =
    wanted === failed.text
      ? Math.min(longestRetryMs, shortestRetryMs * 2 ** (failed.count - 1))
      : shortestRetryMs
  return failed.endedMs + pause
}
