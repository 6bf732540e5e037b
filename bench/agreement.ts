// Only programs that give the same answers can be compared for speed.
import { startProgram } from './piped-program.ts'
import type { MapProgram } from './programs.ts'
import type { Scratch } from './scratch.ts'
import { backends, pool, setDrained } from './sentinel-directory.ts'
import { untilAnswerChanges } from './sentinel-latency.ts'

const keys = ['-', backends[1], backends[0]].map(
  (route, index) => `n${index} ${pool} ${route} 192.0.2.7`,
)
/** The same questions in Squid's form. */
export const squidKeys: readonly string[] = keys.map((key, index) =>
  key.replace(`n${index}`, `${index} http://www.example.org/`),
)

/** @throws when two programs differ, with or without drain or a session */
export async function assertAgreement(
  scratch: Scratch,
  programs: readonly MapProgram[],
  questions: readonly string[] = keys,
): Promise<void> {
  const given = new Map<string, string>()
  for (const { name, directory, argv } of programs) {
    const program = startProgram(scratch, argv)
    const before = questions.map(key => program.ask(key))
    setDrained(directory, true)
    untilAnswerChanges(
      program,
      questions[0] ?? '',
      before[0] ?? '',
      performance.now(),
    )
    const answers = [...before, ...questions.map(key => program.ask(key))]
    setDrained(directory, false)
    await program.stop()
    given.set(answers.join(' | '), name)
  }
  if (given.size > 1)
    throw new Error(
      `different answers:\n${[...given].map(([answers, name]) => `${name}: ${answers}`).join('\n')}`,
    )
}
