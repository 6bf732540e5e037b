// Runs an administrator's program, never for longer than its limit.
import { spawn } from 'node:child_process'
import { errorCode } from './error-code.ts'

export type CommandEnd = {
  readonly ms: number
  /** exit code, or the signal, or why it did not begin; 0 = it worked */
  readonly code: number | string
  readonly how: 'exited' | 'signal' | 'limit' | 'not-begun'
  /** the beginning of what it printed, both outputs */
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
 * @param environment added to this process's own
 * @param limitMs then it is killed, with all that it started
 * @param signal kills it likewise
 * @param input for its standard input; it need not read it
 * @param stdout inherit = what it prints there goes where this process's own goes
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
      // a group of its own, so that the limit holds for its children, too
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
    // without a free descriptor there are none, whatever their type says
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(0, maxOutput)
      })
    // one that does not read it, or could not begin, has closed its end
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
    // What it has printed is in the pipes when its end is told, and read in the
    // next turn that waits for events; the end may be told in the middle of one.
    // What a child in the background goes on printing is not waited for.
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

/** Calls back when the event loop has waited for events so many times. */
function afterTurns(turns: number, then: () => void): void {
  setImmediate(() => {
    if (turns > 1) afterTurns(turns - 1, then)
    else then()
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
