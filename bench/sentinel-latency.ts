// Time from `touch zope1.drain` (or its removal) to the first answer that
// reflects it.
import { setTimeout as pause } from 'node:timers/promises'
import { startProgram, type PipedProgram } from './piped-program.ts'
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
    // the watch may start after the first answer, so the first change is not
    // measured
    for (let change = 0; change <= changes; change++) {
      const answer = program.ask(newVisitor)
      const begin = performance.now()
      setDrained(directory, change % 2 === 0)
      const took = untilAnswerChanges(program, newVisitor, answer, begin)
      if (change > 0) tookMs.push(took)
      // random, to avoid synchronizing with a timer of the program
      await pause(3 + Math.random() * 17)
    }
    if (changes % 2 === 0) setDrained(directory, false)
  } finally {
    await program.stop()
  }
  return tookMs
}

const newVisitor = `n0 ${pool} - 192.0.2.7`
const limitMs = 10_000

/** @returns milliseconds from `begin` to the first changed answer */
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
