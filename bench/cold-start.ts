// Time from launch to the first answer, compared with an empty node script.
import { startProgram } from './piped-program.ts'
import type { MapProgram } from './programs.ts'
import { exitOf, type Scratch } from './scratch.ts'
import { pool } from './sentinel-directory.ts'

export type ColdStart = {
  /** one of each by round */
  readonly mapMs: readonly number[]
  readonly bareNodeMs: readonly number[]
}

export async function measureColdStart(
  scratch: Scratch,
  map: MapProgram,
  rounds: number,
): Promise<ColdStart> {
  const mapMs: number[] = []
  const bareNodeMs: number[] = []
  // the first round only loads the files into the page cache
  for (let round = 0; round <= rounds; round++) {
    const beginBare = performance.now()
    await exitOf(
      scratch.spawn([process.execPath, '-e', '0'], {
        stdio: 'ignore',
        env: {},
      }),
    )
    const bare = performance.now() - beginBare
    const beginMap = performance.now()
    const program = startProgram(scratch, map.argv)
    program.ask(`n0 ${pool}`)
    const took = performance.now() - beginMap
    await program.stop()
    if (round === 0) continue
    bareNodeMs.push(bare)
    mapMs.push(took)
  }
  return { mapMs, bareNodeMs }
}
