// Runs driver.c and reads what it measured.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MapProgram } from './programs.ts'
import { exitOf, type Scratch } from './scratch.ts'

export type DriveOptions = {
  /** omitted: like httpd, one at a time; else like Squid, this many at a time */
  readonly inFlight?: number
  readonly rounds: number
  /** by each program in each round */
  readonly lookups: number
  readonly warmUp: number
  readonly flipMs: number
  /** no round starts later */
  readonly seconds: number
}

export type Driven = {
  /** by round, by program, by lookup */
  readonly tookNs: Uint32Array
  readonly changes: readonly number[]
}

export async function driveInC(
  scratch: Scratch,
  programs: readonly MapProgram[],
  driver: string,
  { inFlight = 0, rounds, lookups, warmUp, flipMs, seconds }: DriveOptions,
): Promise<Driven> {
  const out = join(scratch.path, 'round-trips')
  const child = scratch.spawn(
    [
      driver,
      ...[inFlight, rounds, lookups, warmUp, flipMs, seconds].map(String),
      out,
      ...programs.flatMap(({ directory, argv }) => ['--', directory, ...argv]),
    ],
    { stdio: ['ignore', 'pipe', scratch.logFd] },
  )
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', chunk => {
    text += String(chunk)
  })
  const code = await exitOf(child)
  if (code !== 0) throw new Error(`the driver ended with ${code}`)
  const bytes = readFileSync(out)
  return {
    tookNs: new Uint32Array(
      bytes.buffer,
      bytes.byteOffset,
      bytes.byteLength / Uint32Array.BYTES_PER_ELEMENT,
    ),
    changes: text.trim().split(' ').slice(1).map(Number),
  }
}
