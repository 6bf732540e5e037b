import * as fc from 'fast-check'
import t from 'tap'
import { parseConfig } from '../../../config/parse.ts'
import {
  floorOf,
  strandedOf,
  type BackendShare,
} from '../../../health/floor.ts'
import { states } from '../../../sentinels/reports.ts'

const poolsOf = (minAlive: number) =>
  parseConfig(
    `backends: { a: http://a, b: http://b, c: http://c }\npools: { default: { minAlive: ${minAlive} } }`,
    'f',
  ).pools

const kinds: Readonly<Record<string, BackendShare>> = {
  u: { state: 'up', outcome: 'pass', isAnswering: true },
  s: { state: 'slow', outcome: 'pass', isAnswering: true },
  c: { state: 'cut-off', outcome: 'pass', isAnswering: true },
  r: { state: 'down', outcome: 'refused', isAnswering: false },
  e: { state: 'down', outcome: 'status', isAnswering: false },
  t: { state: 'down', outcome: 'first-byte-timeout', isAnswering: false },
  k: { state: 'down', outcome: 'stuck', isAnswering: false },
  o: { state: 'down', outcome: 'command-timeout', isAnswering: false },
  x: { state: 'down', outcome: 'exit', isAnswering: false },
  b: { state: 'down', outcome: 'pass', isAnswering: true },
  z: { state: 'frozen', outcome: 'pass', isAnswering: true },
  f: { state: 'frozen', outcome: 'first-byte-timeout', isAnswering: false },
}

const judgedOf = (story: string): Map<string, BackendShare> =>
  new Map(
    story.split('').flatMap((letter, index): [string, BackendShare][] => {
      const judged = kinds[letter]
      return judged === undefined ? [] : [['abc'[index] ?? '', judged]]
    }),
  )

void t.test('which backends stay in despite their verdict', t => {
  for (const [story, minAlive, kept] of [
    ['ucc', 1, ''],
    ['ucc', 2, 'b'],
    ['ccc', 1, 'abc'],
    ['ccr', 1, 'ab'],
    ['ccc', 0, ''],
    ['rkt', 1, 'b'],
    ['rkt', 2, 'bc'],
    ['tkc', 1, 'c'],
    ['rfe', 3, ''],
    ['src', 1, ''],
    ['xor', 1, 'b'],
    // the first pass brings one back if no backend is in
    ['rbr', 1, 'b'],
    ['rbz', 0, 'bc'],
    ['ubz', 1, ''],
  ] as const)
    t.equal(
      [...floorOf(poolsOf(minAlive), judgedOf(story))].join(''),
      kept,
      `${story} with minAlive ${minAlive}`,
    )
  t.end()
})

void t.test('minAlive is kept as long as a backend can serve', t => {
  const letter = fc.constantFrom(...Object.keys(kinds))
  fc.assert(
    fc.property(
      fc.tuple(letter, letter, letter),
      fc.integer({ min: 0, max: 3 }),
      (letters, minAlive) => {
        const story = letters.join('')
        const kept = floorOf(poolsOf(minAlive), judgedOf(story))
        const alive = letters.filter(one => 'us'.includes(one)).length
        const usable = letters.filter(one => 'uscktc'.includes(one)).length
        return alive + kept.size >= Math.min(minAlive, usable)
      },
    ),
  )
  t.equal(states.length, 8)
  t.end()
})

function stranded(story: string): string {
  return [...strandedOf(poolsOf(1), judgedOf(story))].join('')
}

void t.test('members of a pool with no backend in', t => {
  t.equal(stranded('rfc'), 'abc')
  t.equal(stranded('rfs'), '')
  t.equal(stranded(''), 'abc')
  t.end()
})
