import t from 'tap'
import { MapCounts } from '../../../status/map-counts.ts'

const begunMs = Date.parse('2026-11-22T18:00:00Z')
const earlier = '2026-11-22T17:00:00Z'
const later = '2026-11-22T18:00:05Z'

function map(
  pid: number,
  started: string,
  lookups: number,
  answers: Readonly<Record<string, number>> = {},
) {
  return {
    ...{ kind: 'alive' as const, pid, ageMs: 1, started, lookups, answers },
    ...{ malformed: 0, unanswered: 0, faults: 0, outOfStep: 0, problems: [] },
  }
}

/** The new lookups of each call. */
function grownBy(...looks: readonly (readonly ReturnType<typeof map>[])[]) {
  const counts = new MapCounts()
  return looks.map(maps => counts.grown(maps, begunMs).lookups)
}

void t.test('counts before the first call are left out', t => {
  t.strictSame(
    grownBy([map(1, earlier, 1_000)], [map(1, earlier, 1_007)]),
    [0, 7],
  )
  t.end()
})

void t.test('a map program that starts later counts from its start', t => {
  t.strictSame(grownBy([], [map(2, later, 3)], [map(2, later, 5)]), [0, 3, 2])
  t.end()
})

void t.test('an older map program that is first seen now does not', t => {
  t.strictSame(
    grownBy([], [map(1, earlier, 900)], [map(1, earlier, 901)]),
    [0, 0, 1],
  )
  t.end()
})

void t.test(
  'an exited map program keeps its counts, and counts once if it returns',
  t => {
    const [one, other] = [map(2, later, 3), map(3, later, 4)]
    t.strictSame(
      grownBy([], [one, other], [other], [one, other], []),
      [0, 7, 0, 0, 0],
    )
    t.end()
  },
)

void t.test('a reused process id is another map program', t => {
  const again = map(2, '2026-11-22T19:00:00Z', 2)
  t.strictSame(grownBy([], [map(2, later, 3)], [again]), [0, 3, 2])
  t.end()
})

void t.test(
  'a count that decreases, and a map program without a process id',
  t => {
    const unseen = { ...map(0, later, 1), kind: 'never-seen' as const }
    const { pid: _, ...map1 } = unseen
    const counts = new MapCounts()
    counts.grown([], begunMs)
    t.equal(counts.grown([map1], begunMs).lookups, 1)
    t.equal(counts.grown([{ ...map1, lookups: 0 }], begunMs).lookups, 0)
    t.end()
  },
)

void t.test('answers of all maps are summed by backend', t => {
  const counts = new MapCounts()
  counts.grown([map(1, earlier, 9, { zope1: 9 })], begunMs)
  const { answers } = counts.grown(
    [
      map(1, earlier, 12, { zope1: 10, constructor: 2 }),
      map(2, later, 4, { zope1: 3 }),
    ],
    begunMs,
  )
  t.strictSame(
    [...answers],
    [
      ['zope1', 4],
      ['constructor', 2],
    ],
  )
  t.end()
})

void t.test(
  'it remembers at most a thousand map programs and forgets the oldest',
  t => {
    const counts = new MapCounts()
    counts.grown([], begunMs)
    const many = Array.from({ length: 1_001 }, (_, pid) => map(pid, later, 1))
    t.equal(counts.grown(many, begunMs).lookups, 1_001)
    t.equal(counts.grown(many.slice(1), begunMs).lookups, 0)
    t.equal(counts.grown(many.slice(0, 1), begunMs).lookups, 1, 'forgotten')
    t.end()
  },
)
