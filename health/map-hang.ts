// Decides from outside whether a map program hangs. Pure.
// httpd waits for a map program without a time limit, and not at all for one that
// has exited: then the text map answers (mod_rewrite.c, lookup_map_program).
// Invariant: an idle map program, a busy machine or a monitor that was itself
// stopped is never mistaken for a hang.

/** One observation of a map program. */
export type MapSample = {
  /** monotonic */
  readonly atMs: number
  /** differs for each report it has written */
  readonly report: string
  /** how long one lookup has been unanswered, by its own report */
  readonly lookupMs: number
  /** of its answering thread, as in /proc/PID/stat: R, S, D, T, t … */
  readonly state: string
  /** voluntary context switches of its answering thread */
  readonly sleeps: number
  /** CPU time of the whole process */
  readonly cpuMs: number
  /** one of its threads is runnable */
  readonly isRunnable: boolean
  /** false: the monitor itself cannot write there, so an old report means nothing */
  readonly isDirectoryWell: boolean
}

/** How long an answering thread may be stopped. */
const stoppedMs = 2_000
/** It reports a lookup after a second; by then it has had time to finish it. */
const lookupLimitMs = 1_000
const confirmMs = 200
/** A report is due every second. */
const reportMs = 3_000
/** Observations further apart than this are unrelated. */
const gapMs = 1_000

const stopped: Readonly<Record<string, string>> = {
  T: 'stopped (SIGSTOP)',
  t: 'stopped by a debugger',
  D: 'waiting for a disk or a file server',
}

/**
 * Adds an observation to the earlier ones, oldest first, and drops outdated ones.
 * After a pause of the monitor itself it starts over.
 */
export function withSample(
  samples: readonly MapSample[],
  sample: MapSample,
): readonly MapSample[] {
  const last = samples.at(-1)
  return last === undefined || sample.atMs - last.atMs > gapMs
    ? [sample]
    : [
        ...samples.filter(({ atMs }) => sample.atMs - atMs <= 2 * reportMs),
        sample,
      ]
}

/**
 * Why it hangs, in one sentence; undefined = it does not, or not long enough.
 *
 * @param samples as `withSample` returned them
 */
export function hangOf(samples: readonly MapSample[]): string | undefined {
  const now = samples.at(-1)
  if (now === undefined) return undefined
  /** for how long all observations have matched the last one in this respect */
  const sameForMs = (matches: (sample: MapSample) => boolean): number => {
    const other = samples.findLastIndex(sample => !matches(sample))
    return now.atMs - (samples[other + 1] ?? now).atMs
  }
  const what = stopped[now.state]
  const isStill = (sample: MapSample): boolean => sample.sleeps === now.sleeps
  const stoppedForMs = sameForMs(
    sample => isStill(sample) && sample.state === now.state,
  )
  if (what !== undefined && stoppedForMs >= stoppedMs)
    return `its process has been ${what} for ${seconds(stoppedForMs)}`
  if (
    now.lookupMs >= lookupLimitMs &&
    sameForMs(sample => isStill(sample) && sample.lookupMs >= lookupLimitMs) >=
      confirmMs
  )
    return `one lookup has been unanswered for over ${seconds(now.lookupMs)}`
  const reportAgeMs = sameForMs(
    sample => sample.report === now.report && sample.isDirectoryWell,
  )
  return now.isDirectoryWell &&
    reportAgeMs >= reportMs &&
    !isStarved(samples, reportAgeMs)
    ? `it has written no report for ${seconds(reportAgeMs)}`
    : undefined
}

/** It is runnable but gets less than half a CPU: the machine is busy. */
function isStarved(samples: readonly MapSample[], sinceMs: number): boolean {
  const now = samples.at(-1)
  const then = samples.find(({ atMs }) => Number(now?.atMs) - atMs <= sinceMs)
  const ranMs = Number(now?.cpuMs) - Number(then?.cpuMs)
  return now?.isRunnable === true && ranMs < sinceMs / 2
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}
