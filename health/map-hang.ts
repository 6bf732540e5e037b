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
/** After a longer pause of the monitor only a stopped process is still a fact. */
const gapMs = 1_000
/** Older observations are dropped: a starved monitor makes three in this time. */
const keptMs = 20_000
const stoppedSamples = 3

const stopped: Readonly<Record<string, string>> = {
  T: 'stopped (SIGSTOP)',
  t: 'stopped by a debugger',
  D: 'waiting for a disk or a file server',
}

/** Adds an observation to the earlier ones, oldest first, and drops outdated ones. */
export function withSample(
  samples: readonly MapSample[],
  sample: MapSample,
): readonly MapSample[] {
  return [...samples.filter(({ atMs }) => sample.atMs - atMs <= keptMs), sample]
}

/**
 * Why it hangs, in one sentence; undefined = it does not, or not long enough.
 *
 * @param samples as `withSample` returned them
 */
export function hangOf(samples: readonly MapSample[]): string | undefined {
  return (
    stopOf(samples) ??
    silenceOf(samples.slice(samples.findLastIndex(isAfterGap)))
  )
}

/** The first observation counts as one after a gap. */
function isAfterGap(
  { atMs }: MapSample,
  index: number,
  samples: readonly MapSample[],
): boolean {
  return atMs - (samples[index - 1]?.atMs ?? -Infinity) > gapMs
}

/**
 * A process that is stopped and has not slept since was stopped all the time, however
 * rarely a busy machine let the monitor observe it.
 */
function stopOf(samples: readonly MapSample[]): string | undefined {
  const now = samples.at(-1)
  const what = now === undefined ? undefined : stopped[now.state]
  if (now === undefined || what === undefined) return undefined
  const { ms, count } = lastMatching(
    samples,
    ({ sleeps, state }) => sleeps === now.sleeps && state === now.state,
  )
  // a single pause: monitor and map program may have been stopped together
  const isFirstAfterPause =
    samples.findLastIndex(isAfterGap) === samples.length - 1 &&
    samples.slice(0, -1).findLastIndex(isAfterGap) !== samples.length - 2
  return ms >= stoppedMs && count >= stoppedSamples && !isFirstAfterPause
    ? `its process has been ${what} for ${seconds(ms)}`
    : undefined
}

/** @param samples without a gap */
function silenceOf(samples: readonly MapSample[]): string | undefined {
  const now = samples.at(-1)
  if (now === undefined) return undefined
  const sameForMs = (matches: (sample: MapSample) => boolean): number =>
    lastMatching(samples, matches).ms
  if (
    now.lookupMs >= lookupLimitMs &&
    sameForMs(
      ({ sleeps, lookupMs }) =>
        sleeps === now.sleeps && lookupMs >= lookupLimitMs,
    ) >= confirmMs
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

/** How many of the last observations all match, and how long ago the first was. */
function lastMatching(
  samples: readonly MapSample[],
  matches: (sample: MapSample) => boolean,
): { ms: number; count: number } {
  const first = samples.findLastIndex(sample => !matches(sample)) + 1
  const now = samples.at(-1)
  return {
    ms: Number(now?.atMs) - Number((samples[first] ?? now)?.atMs),
    count: samples.length - first,
  }
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
