// Lookups per second and round-trip times, all programs in alternating rounds.
import { driveInC, type DriveOptions } from './drive-in-c.ts'
import { driveInNode } from './drive-in-node.ts'
import type { MapProgram } from './programs.ts'
import type { Scratch } from './scratch.ts'
import { setDrained } from './sentinel-directory.ts'
import { cutRounds, summarise, type RoundTrips } from './statistics.ts'

export type LookupTimes = {
  readonly program: MapProgram
  readonly rounds: readonly RoundTrips[]
  /**
   * answers that differed from the previous one: proof that the table flipped
   */
  readonly changes: number
}

/** @param driver the C driver; undefined = a slower one in this process */
export async function measureLookups(
  scratch: Scratch,
  programs: readonly MapProgram[],
  driver: string | undefined,
  options: DriveOptions,
): Promise<LookupTimes[]> {
  const { tookNs, changes } =
    driver === undefined
      ? await driveInNode(scratch, programs, options)
      : await driveInC(scratch, programs, driver, options)
  for (const { directory } of programs) setDrained(directory, false)
  const rounds = cutRounds(tookNs, programs.length, options.lookups)
  if (rounds.length === 0) throw new Error('no round was finished')
  return programs.map((program, index) => ({
    program,
    rounds: rounds.map(round => summarise(round[index] ?? new Uint32Array())),
    changes: changes[index] ?? 0,
  }))
}
