// Runs an administrator's command line, never for longer than its limit.
import { spawn } from 'node:child_process'
import { errorCode } from '../config/error-code.ts'

export type CommandEnd = {
  readonly ms: number
  /** exit code, or the signal, or why it did not begin; 0 = it worked */
  readonly code: number | string
  /** the beginning of what it printed, both outputs */
  readonly output: string
}

const maxOutput = 4_096

/**
 * @param environment added to this process's own
 * @param limitMs then it is killed, with all that it started
 */
export function runCommand(
  command: string,
  environment: Readonly<Record<string, string>>,
  limitMs: number,
): Promise<CommandEnd> {
  const startedMs = performance.now()
  return new Promise(resolve => {
    // a group of its own, so that the limit holds for its children, too
    const child = spawn('/bin/sh', ['-c', command], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(0, maxOutput)
      })
    const killer = setTimeout(() => {
      killGroup(child.pid)
    }, limitMs)
    const end = (code: number | string): void => {
      clearTimeout(killer)
      resolve({
        ms: Math.round(performance.now() - startedMs),
        code,
        output: output.trim(),
      })
    }
    child.on('error', err => {
      end(errorCode(err))
    })
    // what a child in the background goes on printing is not waited for
    child.on('exit', (code, signal) => {
      setImmediate(() => {
        child.stdout.destroy()
        child.stderr.destroy()
        end(code ?? signal ?? 'unknown')
      })
    })
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (err) {
    // it has ended by itself
    if (errorCode(err) !== 'ESRCH') throw err
  }
}
