// A web server as a process of the demo.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, openSync, readFileSync } from 'node:fs'
import { waitFor } from './wait.ts'

export type Front = {
  readonly pid: number
  readonly errorLog: () => string
  /** reloads its configuration; resolves when it serves */
  readonly reload: () => Promise<void>
  /** resolves when it is gone */
  readonly stop: () => Promise<void>
}

/**
 * Resolves when it serves.
 *
 * @param server how to watch it: `logs` are its log files, and its output goes
 *   to the first one; `serves` is logged once per start
 * @throws {Error} with the server's log when it does not start
 */
export async function startServer(
  name: string,
  [program, ...args]: readonly [string, ...string[]],
  server: {
    readonly logs: readonly [string, ...string[]]
    readonly serves: string
    readonly reloadSignal: NodeJS.Signals
  },
): Promise<Front> {
  const output = openSync(server.logs[0], 'a')
  // in a new process group: it must not get the terminal's signals
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', output, output],
  })
  const isGone = (): boolean =>
    child.exitCode !== null || child.signalCode !== null
  const errorLog = (): string =>
    server.logs
      .filter(file => existsSync(file))
      .map(file => readFileSync(file, 'utf8'))
      .join('')
  const starts = (): number => errorLog().split(server.serves).length - 1
  const started = (count: number): Promise<true> =>
    waitFor(`${name} to serve`, () => {
      if (isGone()) throw new Error(`${name} ended:\n${errorLog()}`)
      return starts() >= count
    })
  await started(1)
  return {
    pid: child.pid ?? 0,
    errorLog,
    reload: async () => {
      const before = starts()
      child.kill(server.reloadSignal)
      await started(before + 1)
    },
    stop: async () => {
      if (isGone()) return
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      await exit
    },
  }
}
