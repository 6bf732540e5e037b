// What the benchmark needs from the machine: interpreters, a C compiler, and
// the compiled C programs of this folder.
import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { cpus, loadavg, release } from 'node:os'
import { join } from 'node:path'
import type { Scratch } from './scratch.ts'

/** The checkout, seen from bench/ as from dist/bench/. */
export const checkout = join(
  import.meta.dirname,
  import.meta.dirname.endsWith(join('dist', 'bench')) ? '../..' : '..',
)

/** The machine and its load: a line above the figures. */
export function machine(): string {
  const [load = 0] = loadavg()
  return `Node ${process.version}, Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, load ${load.toFixed(1)}`
}

export function textOf(err: unknown): string {
  return err instanceof Error ? err.message : String(err)
}

export function findProgram(name: string): string | undefined {
  // /usr/sbin: where Debian has apache2; not in every user's PATH
  const path = `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/sbin`
  return path
    .split(':')
    .map(folder => join(folder, name))
    .find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // whatever the reason, it cannot be run
    return false
  }
}

/**
 * The real interpreter behind a name in PATH: a wrapper script such as pyenv's
 * would need the environment that httpd does not give.
 */
export function findPython(): string | undefined {
  const python = findProgram('python3')
  return python === undefined
    ? undefined
    : execFileSync(python, ['-c', 'import sys; print(sys.executable)'], {
        encoding: 'utf8',
      }).trim()
}

/** The C programs, ready to run; undefined when there is no C compiler. */
export type CPrograms = {
  readonly map: string
  readonly driver: string
  readonly load: string
  readonly icp: string
  readonly icpLoad: string
}

export function compile(scratch: Scratch): CPrograms | undefined {
  const cc = findProgram('cc') ?? findProgram('gcc')
  if (cc === undefined) return undefined
  const make = (name: string): string => {
    const program = join(scratch.path, `${name}-c`)
    const source = join(checkout, 'bench', `${name}.c`)
    execFileSync(cc, ['-O2', '-pthread', '-o', program, source])
    return program
  }
  return {
    map: make('map'),
    driver: make('driver'),
    load: make('load'),
    icp: make('icp'),
    icpLoad: make('icp-load'),
  }
}
