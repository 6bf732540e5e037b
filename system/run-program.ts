// Runs a program to its end and keeps its output: httpd, ss, our own command.
import { execFile } from 'node:child_process'
import { errorCode } from './error-code.ts'

type ProgramEnd = {
  /** undefined: it could not be started, was killed, or wrote too much */
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
  /** why it failed, in a few words; empty = exit code 0 */
  readonly failure: string
}

/**
 * Never rejects.
 *
 * @param env all of its environment
 * @param limitMs then it is killed; by default against a hang only
 */
export function runProgram(
  [program = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  limitMs = 30_000,
  maxBuffer = 64 * 1024 * 1024,
): Promise<ProgramEnd> {
  return new Promise(done => {
    execFile(
      program,
      args,
      { env, timeout: limitMs, killSignal: 'SIGKILL', maxBuffer },
      (err, stdout, stderr) => {
        const code = err === null ? 0 : err.code
        done({
          code: typeof code === 'number' ? code : undefined,
          stdout,
          stderr,
          failure: err === null ? '' : failureOf(err, limitMs),
        })
      },
    )
  })
}

function failureOf(
  err: { killed?: boolean; message: string },
  limitMs: number,
) {
  return err.killed === true
    ? `did not end within ${limitMs} ms`
    : `failed (${errorCode(err)})`
}
