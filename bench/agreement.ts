// Only programs that give the same answers can be compared for speed.
import { startProgram } from './piped-program.ts'
import type { MapProgram } from './programs.ts'
import type { Scratch } from './scratch.ts'
import { backends, pool, setDrained } from './sentinel-directory.ts'
import { untilAnswerChanges } from './sentinel-latency.ts'

const keys = [
  `n1 ${pool} - 192.0.2.7`,
  `n2 ${pool} ${backends[1]} 192.0.2.7`,
  `n3 ${pool} ${backends[0]} 192.0.2.7`,
]

/** @throws when two programs answer differently, drained or not, bound or not */
export async function assertAgreement(
  scratch: Scratch,
  programs: readonly MapProgram[],
): Promise<void> {
  const given = new Map<string, string>()
  for (const { name, directory, argv } of programs) {
    const program = startProgram(scratch, argv)
    const before = keys.map(key => program.ask(key))
    setDrained(directory, true)
    untilAnswerChanges(program, before[0] ?? '', performance.now())
    const answers = [...before, ...keys.map(key => program.ask(key))]
    setDrained(directory, false)
    await program.stop()
    given.set(answers.join(' | '), name)
  }
  if (given.size > 1)
    throw new Error(
      `different answers:\n${[...given].map(([answers, name]) => `${name}: ${answers}`).join('\n')}`,
    )
}
