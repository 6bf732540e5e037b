// Whether a map program hangs, from what can be seen of it from outside. Pure.
// httpd waits for a map program without a time limit, and not at all for one that
// has ended: then the text map answers (mod_rewrite.c, lookup_map_program).
// Invariant: an idle map, a busy machine and a monitor that was stopped itself are
// never taken for a hang.

/** What was seen of one map program at one moment. */
export type MapLook = {
  /** monotonic */
  readonly atMs: number
  /** differs for each report that it wrote */
  readonly report: string
  /** for how long it says that one lookup has been unanswered */
  readonly lookupMs: number
  /** of its answering thread, as in /proc/PID/stat: R, S, D, T, t … */
  readonly state: string
  /** how often its answering thread went to sleep by itself */
  readonly sleeps: number
  /** processor time of the whole process */
  readonly cpuMs: number
  /** one of its threads wants to run */
  readonly isRunnable: boolean
  /** false: the monitor itself cannot write there, so a report may be old */
  readonly isDirectoryWell: boolean
}

/** How long an answering thread may be stopped. */
const stoppedMs = 2_000
/** It says so itself after a second; then it has had time to end that lookup. */
const lookupLimitMs = 1_000
const confirmMs = 200
/** A report is due each second. */
const reportMs = 3_000
/** Looks further apart than this belong to different stories. */
const gapMs = 1_000

const stopped: Readonly<Record<string, string>> = {
  T: 'stopped (SIGSTOP)',
  t: 'stopped by a debugger',
  D: 'waiting for a disk or a file server',
}

/**
 * Adds a look to the former ones, oldest first, and drops those that say nothing
 * any more. After a pause of the monitor itself everything begins again.
 */
export function withLook(
  looks: readonly MapLook[],
  look: MapLook,
): readonly MapLook[] {
  const last = looks.at(-1)
  return last === undefined || look.atMs - last.atMs > gapMs
    ? [look]
    : [...looks.filter(({ atMs }) => look.atMs - atMs <= 2 * reportMs), look]
}

/**
 * Why it hangs, in one sentence; undefined = it does not, or not for long enough.
 *
 * @param looks as `withLook` made them
 */
export function hangOf(looks: readonly MapLook[]): string | undefined {
  const now = looks.at(-1)
  if (now === undefined) return undefined
  /** since when all looks have been like the last one in this respect */
  const lasts = (isAlike: (look: MapLook) => boolean): number => {
    const other = looks.findLastIndex(look => !isAlike(look))
    return now.atMs - (looks[other + 1] ?? now).atMs
  }
  const what = stopped[now.state]
  const isStill = (look: MapLook): boolean => look.sleeps === now.sleeps
  const stillMs = lasts(look => isStill(look) && look.state === now.state)
  if (what !== undefined && stillMs >= stoppedMs)
    return `its process has been ${what} for ${seconds(stillMs)}`
  if (
    now.lookupMs >= lookupLimitMs &&
    lasts(look => isStill(look) && look.lookupMs >= lookupLimitMs) >= confirmMs
  )
    return `one lookup has been unanswered for over ${seconds(now.lookupMs)}`
  const oldMs = lasts(
    look => look.report === now.report && look.isDirectoryWell,
  )
  return now.isDirectoryWell && oldMs >= reportMs && !isStarved(looks, oldMs)
    ? `it has written no report for ${seconds(oldMs)}`
    : undefined
}

/** It wants to run, and gets less than half a processor: the machine is busy. */
function isStarved(looks: readonly MapLook[], sinceMs: number): boolean {
  const now = looks.at(-1)
  const then = looks.find(({ atMs }) => Number(now?.atMs) - atMs <= sinceMs)
  const ranMs = Number(now?.cpuMs) - Number(then?.cpuMs)
  return now?.isRunnable === true && ranMs < sinceMs / 2
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}
