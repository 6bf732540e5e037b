// The files and processes of one run of the benchmark: both are removed when
// the run ends, however it ends.
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { chmodSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'

export type Scratch = {
  /** absolute; world-readable, for httpd's own user */
  readonly path: string
  /** gets the stderr of every started program */
  readonly logFd: number
  /** Like node's spawn; the process ends with this run at the latest. */
  spawn(argv: readonly string[], options: SpawnOptions): ChildProcess
  /** The end of the output of the started programs. */
  logTail(): string
  remove(): void
}

export function makeScratch(): Scratch {
  const path = mkdtempSync(join(tmpdir(), 'zope-failover-bench-'))
  chmodSync(path, 0o755)
  const log = join(path, 'stderr.log')
  const running = new Set<ChildProcess>()
  const remove = (): void => {
    for (const child of running) child.kill('SIGKILL')
    rmSync(path, { recursive: true, force: true, maxRetries: 5 })
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      remove()
      process.exit(128 + constants.signals[signal])
    })
  return {
    path,
    logFd: openSync(log, 'a'),
    spawn([program = '', ...args], options) {
      const child = spawn(program, args, options)
      running.add(child)
      child.once('exit', () => running.delete(child))
      return child
    },
    logTail: () => readFileSync(log, 'utf8').split('\n').slice(-20).join('\n'),
    remove,
  }
}

/** @returns the exit code; rejects when the program could not be started */
export function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    if (child.exitCode !== null || child.signalCode !== null)
      resolve(child.exitCode)
    child.once('error', reject)
    child.once('exit', code => resolve(code))
  })
}
