// How long after `touch zope1.drain` (or its removal) the first answer is given
// that knows of it.
import { setTimeout as pause } from 'node:timers/promises'
import { startProgram } from './piped-program.ts'
import type { PipedProgram } from './piped-program.ts'
import type { MapProgram } from './programs.ts'
import type { Scratch } from './scratch.ts'
import { pool, setDrained } from './sentinel-directory.ts'

/** @returns milliseconds from each change to the first changed answer */
export async function measureSentinelLatency(
  scratch: Scratch,
  { directory, argv }: MapProgram,
  changes: number,
): Promise<number[]> {
  const program = startProgram(scratch, argv)
  const tookMs: number[] = []
  try {
    // the watch may begin after the first answer; one change unmeasured
    for (let change = 0; change <= changes; change++) {
      const answer = program.ask(newcomer)
      const begin = performance.now()
      setDrained(directory, change % 2 === 0)
      const took = untilAnswerChanges(program, newcomer, answer, begin)
      if (change > 0) tookMs.push(took)
      // uneven, so as not to fall into step with a timer of the program
      await pause(3 + Math.random() * 17)
    }
    if (changes % 2 === 0) setDrained(directory, false)
  } finally {
    await program.stop()
  }
  return tookMs
}

const newcomer = `n0 ${pool} - 192.0.2.7`
const limitMs = 10_000

/** @returns milliseconds since `begin` when the answer was another for the first time */
export function untilAnswerChanges(
  program: PipedProgram,
  key: string,
  answer: string,
  begin: number,
): number {
  for (;;) {
    const isChanged = program.ask(key) !== answer
    const took = performance.now() - begin
    if (isChanged) return took
    if (took > limitMs)
      throw new Error(`after ${limitMs} ms the answer still was ${answer}`)
  }
}
