// A web server as a process of the demonstration.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, openSync, readFileSync } from 'node:fs'
import { waitFor } from './wait.ts'

export type Front = {
  readonly pid: number
  readonly errorLog: () => string
  /** reads its configuration again; resolves when it serves */
  readonly reload: () => Promise<void>
  /** resolves when it is gone */
  readonly stop: () => Promise<void>
}

/**
 * Resolves when it serves.
 *
 * @param server its words on the way: `logs` are the files it writes, and the first
 *   one gets its output, too; `serves` stands there once for each start
 * @throws {Error} with the server's own words when it does not start
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
  // a process group of its own: the keys of a terminal are not for it
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
