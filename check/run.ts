// Programs that check runs to the end: httpd itself, and apache-conf.
import { execFile } from 'node:child_process'

export type Ran = {
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** Against a hang only: httpd reads its configuration in milliseconds. */
const limitMs = 30_000

/** Never rejects; `code` is undefined when it could not be started or was ended. */
export async function run(
  [command = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Ran> {
  return new Promise(done => {
    execFile(
      command,
      args,
      {
        env,
        timeout: limitMs,
        killSignal: 'SIGKILL',
        maxBuffer: 32 * 1024 * 1024,
      },
      (err, stdout, stderr) => {
        const code = err === null ? 0 : err.code
        done({
          code: typeof code === 'number' ? code : undefined,
          stdout,
          stderr: stderr === '' && err !== null ? err.message : stderr,
        })
      },
    )
  })
}
