// Resident memory of the map program after many lookups, while the table flips.
import { readFileSync } from 'node:fs'
import { startProgram } from './piped-program.ts'
import type { MapProgram } from './programs.ts'
import type { Scratch } from './scratch.ts'
import { pool, setDrained } from './sentinel-directory.ts'

/** few enough that the pipes hold all keys and answers */
const batch = 200

export type Memory = {
  readonly lookups: number
  readonly residentMb: number
  readonly peakMb: number
}

export async function measureMemory(
  scratch: Scratch,
  { directory, argv }: MapProgram,
  lookups: number,
): Promise<Memory> {
  const program = startProgram(scratch, argv)
  try {
    let nextFlip = 0
    let isDrained = false
    let asked = 0
    while (asked < lookups) {
      if (performance.now() >= nextFlip) {
        nextFlip = performance.now() + 50
        isDrained = !isDrained
        setDrained(directory, isDrained)
      }
      program.askMany(
        Array.from(
          { length: batch },
          (_key, i) => `aXq${asked + i} ${pool} - 192.0.2.${i}`,
        ),
      )
      asked += batch
    }
    if (isDrained) setDrained(directory, false)
    const memory = [program.pid, ...childrenOf(program.pid)].map(memoryOf)
    return {
      lookups: asked,
      residentMb: Math.max(...memory.map(({ residentMb }) => residentMb)),
      peakMb: Math.max(...memory.map(({ peakMb }) => peakMb)),
    }
  } finally {
    await program.stop()
  }
}

/** The launcher is a shell; the map program is its child. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter(text => text !== '')
    .map(Number)
}

function memoryOf(pid: number): { residentMb: number; peakMb: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const megabytes = (key: string): number =>
    (Number(new RegExp(`^${key}:\\s*(\\d+) kB`, 'm').exec(status)?.[1]) *
      1024) /
    1e6
  return { residentMb: megabytes('VmRSS'), peakMb: megabytes('VmHWM') }
}
