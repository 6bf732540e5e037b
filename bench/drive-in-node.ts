// The driver for machines without a C compiler: the same round trips and rules
// as driver.c, but its own pauses are part of the measurement.
import type { Driven, DriveOptions } from './drive-in-c.ts'
import { startProgram, type PipedProgram } from './piped-program.ts'
import type { MapProgram } from './programs.ts'
import type { Scratch } from './scratch.ts'
import { pool, setDrained } from './sentinel-directory.ts'

export async function driveInNode(
  scratch: Scratch,
  programs: readonly MapProgram[],
  { rounds, lookups, warmUp, flipMs, seconds }: DriveOptions,
): Promise<Driven> {
  const tookNs = new Uint32Array(rounds * programs.length * lookups)
  let filled = 0
  let nextFlip = performance.now()
  const driven = programs.map(program => ({
    directory: program.directory,
    piped: startProgram(scratch, program.argv),
    asked: 0,
    changes: 0,
    last: '',
    isDrained: false,
  }))
  const lookUp = (program: (typeof driven)[number]): number => {
    if (performance.now() >= nextFlip) {
      nextFlip = performance.now() + flipMs
      program.isDrained = !program.isDrained
      setDrained(program.directory, program.isDrained)
    }
    const isBound = program.asked % 4 === 0
    const nonce = `aXq${program.asked.toString(16).padStart(16, '0')}@AAAAAAA`
    const { answer, took } = timed(
      program.piped,
      `${nonce} ${pool} ${isBound ? 'zope2' : '-'} 192.0.2.${program.asked % 250}`,
    )
    if (!answer.startsWith(`${nonce} `))
      throw new Error(`asked with nonce ${nonce}, got "${answer}"`)
    const named = answer.slice(nonce.length)
    if (!isBound && named !== program.last) {
      program.changes++
      program.last = named
    }
    program.asked++
    return took
  }
  try {
    for (const program of driven)
      for (let i = 0; i < warmUp; i++) lookUp(program)
    const end = performance.now() + seconds * 1000
    for (let round = 0; round < rounds && performance.now() < end; round++)
      for (const program of driven)
        for (let i = 0; i < lookups; i++) tookNs[filled++] = lookUp(program)
  } finally {
    await Promise.all(driven.map(({ piped }) => piped.stop()))
  }
  return {
    tookNs: tookNs.subarray(0, filled),
    changes: driven.map(({ changes }) => changes),
  }
}

function timed(
  program: PipedProgram,
  key: string,
): { answer: string; took: number } {
  const begin = process.hrtime.bigint()
  const answer = program.ask(key)
  return { answer, took: Number(process.hrtime.bigint() - begin) }
}
