// What all map programs together have answered since somebody began to look. Each
// counts for itself from its start, and comes and goes with httpd. What must hold:
// the sums never go down, and nothing is counted twice. Pure.
import type { ReaderStatus } from './report.ts'

const totals = [
  'lookups',
  'malformed',
  'unanswered',
  'faults',
  'outOfStep',
] as const
type Totals = Readonly<Record<(typeof totals)[number], number>>

export type MapGrowth = Totals & {
  /** by backend */
  readonly answers: ReadonlyMap<string, number>
}

type CountedMap = Totals & Pick<ReaderStatus, 'answers'>

/** Ended maps, too: a report that was unreadable for a while must not count anew. */
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
   * By how much the counts have grown since the last call. What was counted before
   * the first one is left out: after a restart of whoever looks it would seem to
   * have come within one interval.
   *
   * @param now ms since 1970
   */
  grown(maps: readonly ReaderStatus[], now: number): MapGrowth {
    this.#sinceMs ??= now
    const growth = { ...nothing, answers: new Map<string, number>() }
    for (const map of maps) {
      // a process id comes again
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
