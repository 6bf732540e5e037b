// Runs an administrator's program, never longer than its limit.
import { spawn } from 'node:child_process'
import { errorCode } from './error-code.ts'

export type CommandEnd = {
  readonly ms: number
  /** exit code, or the signal, or why it did not start; 0 = success */
  readonly code: number | string
  readonly how: 'exited' | 'signal' | 'limit' | 'not-begun'
  /** the beginning of its output, stdout and stderr */
  readonly output: string
}

/** A program by its path, and its arguments. */
export type Command = readonly [string, ...string[]]

const maxOutput = 4_096

/** A command line, for `runCommand`. */
export function shell(commandLine: string): Command {
  return ['/bin/sh', '-c', commandLine]
}

/**
 * Never rejects.
 *
 * @param environment added to the environment of this process
 * @param limitMs after this it is killed, with all of its children
 * @param signal kills it in the same way
 * @param input its standard input; it need not read it
 * @param stdout inherit = it shares the stdout of this process
 */
export function runCommand(
  [program, ...args]: Command,
  environment: Readonly<Record<string, string>>,
  limitMs: number,
  signal?: AbortSignal,
  input?: string,
  stdout: 'pipe' | 'inherit' = 'pipe',
): Promise<CommandEnd> {
  const startedMs = performance.now()
  let output = ''
  const endOf = (
    how: CommandEnd['how'],
    code: number | string,
  ): CommandEnd => ({
    ms: Math.round(performance.now() - startedMs),
    code,
    how,
    output: output.trim(),
  })
  return new Promise(resolve => {
    let child
    try {
      // in a new process group, so that the limit covers its children, too
      child = spawn(program, args, {
        env: { ...process.env, ...environment },
        stdio: [input === undefined ? 'ignore' : 'pipe', stdout, 'pipe'],
        detached: true,
      })
    } catch (err) {
      // spawn throws some errors (ENOTDIR, E2BIG), and emits others (ENOENT)
      resolve(endOf('not-begun', errorCode(err)))
      return
    }
    const { pid } = child
    // without a free descriptor the streams are undefined, whatever their type
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(0, maxOutput)
      })
    // a program that does not read it, or did not start, has closed its end
    child.stdin?.on('error', () => {}).end(input)
    let isOver = false
    const killer = setTimeout(() => {
      isOver = true
      killGroup(pid)
    }, limitMs)
    const abort = (): void => killGroup(pid)
    const end = (how: CommandEnd['how'], code: number | string): void => {
      clearTimeout(killer)
      signal?.removeEventListener('abort', abort)
      resolve(endOf(how, code))
    }
    child.on('error', err => {
      end('not-begun', errorCode(err))
    })
    // At "exit" its output is in the pipes and will be read in the next turn
    // that waits for events; "exit" may come in the middle of a turn. Output of
    // a background child after that is not waited for.
    child.on('exit', (code, by) => {
      afterTurns(3, () => {
        for (const stream of [child.stdin, child.stdout, child.stderr])
          stream?.destroy()
        if (code !== null) end('exited', code)
        else
          end(isOver && by === 'SIGKILL' ? 'limit' : 'signal', by ?? 'unknown')
      })
    })
    signal?.addEventListener('abort', abort)
    if (signal?.aborted === true) abort()
  })
}

/** Calls back after the event loop has waited for events this many times. */
function afterTurns(turns: number, then: () => void): void {
  setImmediate(() => {
    if (turns > 1) afterTurns(turns - 1, then)
    else then()
  })
}

/** Kills a process that leads its own group, and its children. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (err) {
    // it has already ended
    if (errorCode(err) !== 'ESRCH') throw err
  }
}
