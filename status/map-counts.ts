// What all map programs together have answered since the first call. Each counts
// from its own start, and comes and goes with httpd. Invariant: the sums never
// decrease, and nothing is counted twice. Pure.
import type { ReaderStatus } from './report.ts'

const totals = [
  'lookups',
  'malformed',
  'unanswered',
  'faults',
  'outOfStep',
] as const
type Totals = Readonly<Record<(typeof totals)[number], number>>

type MapGrowth = Totals & {
  /** by backend */
  readonly answers: ReadonlyMap<string, number>
}

type CountedMap = Totals & Pick<ReaderStatus, 'answers'>

/** Includes exited programs: a temporarily unreadable report must not count twice. */
const maxKnown = 1_000

const nothing: CountedMap = {
  lookups: 0,
  malformed: 0,
  unanswered: 0,
  faults: 0,
  outOfStep: 0,
  answers: {},
}

export class MapCounts {
  readonly #known = new Map<string, CountedMap>()
  #sinceMs: number | undefined

  /**
   * By how much the counts have grown since the last call. Counts before the first
   * call are left out: after a restart of the caller they would seem to come from a
   * single interval.
   *
   * @param now ms since 1970
   */
  grown(maps: readonly ReaderStatus[], now: number): MapGrowth {
    this.#sinceMs ??= now
    const growth = { ...nothing, answers: new Map<string, number>() }
    for (const map of maps) {
      // a process id is reused
      const key = `${'pid' in map ? map.pid : '-'} ${map.started}`
      const isNew = Date.parse(map.started) >= this.#sinceMs
      const before = this.#known.get(key) ?? (isNew ? nothing : map)
      for (const total of totals)
        growth[total] += Math.max(0, map[total] - before[total])
      const answersBefore = new Map(Object.entries(before.answers))
      for (const [backend, answers] of Object.entries(map.answers)) {
        const more = answers - (answersBefore.get(backend) ?? 0)
        if (more > 0)
          growth.answers.set(backend, (growth.answers.get(backend) ?? 0) + more)
      }
      this.#known.delete(key)
      this.#known.set(key, map)
    }
    for (const key of this.#known.keys()) {
      if (this.#known.size <= maxKnown) break
      this.#known.delete(key)
    }
    return growth
  }
}
