// A map program as started by httpd: real pipes (node's own are sockets), an empty
// environment, and one blocking lookup after the other.
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { exitOf, type Scratch } from './scratch.ts'

export type PipedProgram = {
  readonly pid: number
  /** One lookup, its answer read byte by byte; both without the newline. */
  ask(key: string): string
  /** Many lookups in one write. Few enough for a pipe: 64 KiB each way. */
  askMany(keys: readonly string[]): void
  /** Closes the pipes and waits for the end; kills after three seconds. */
  stop(): Promise<void>
}

export function startProgram(
  scratch: Scratch,
  argv: readonly string[],
): PipedProgram {
  const keys = makePipe(scratch)
  const answers = makePipe(scratch)
  const child = scratch.spawn(argv, {
    stdio: [keys.readFd, answers.writeFd, scratch.logFd],
    env: {},
  })
  closeSync(keys.readFd)
  closeSync(answers.writeFd)
  const exit = exitOf(child)
  const byte = Buffer.alloc(1)
  const answer = Buffer.alloc(16_384)
  const chunk = Buffer.alloc(65_536)
  const ended = (): Error =>
    new Error(`${argv.join(' ')} has ended instead of answering`)
  return {
    pid: child.pid ?? 0,
    ask(key) {
      writeSync(keys.writeFd, `${key}\n`)
      for (let length = 0; ; length++) {
        if (readSync(answers.readFd, byte, 0, 1, null) !== 1) throw ended()
        if (byte[0] === 0x0a) return answer.toString('latin1', 0, length)
        answer[length] = byte[0] ?? 0
      }
    },
    askMany(many) {
      writeSync(keys.writeFd, `${many.join('\n')}\n`)
      for (let missing = many.length; missing > 0;) {
        const length = readSync(answers.readFd, chunk, 0, chunk.length, null)
        if (length === 0) throw ended()
        for (const byteOfChunk of chunk.subarray(0, length))
          if (byteOfChunk === 0x0a) missing--
      }
    },
    async stop() {
      closeSync(keys.writeFd)
      closeSync(answers.readFd)
      const killing = setTimeout(() => child.kill('SIGKILL'), 3000)
      await exit
      clearTimeout(killing)
    },
  }
}

let pipes = 0

function makePipe(scratch: Scratch): { readFd: number; writeFd: number } {
  const path = join(scratch.path, `pipe-${pipes++}`)
  execFileSync('mkfifo', [path])
  // first opened read-write: opening one end alone would wait for the other
  const both = openSync(path, 'r+')
  const pipe = { readFd: openSync(path, 'r'), writeFd: openSync(path, 'w') }
  closeSync(both)
  unlinkSync(path)
  return pipe
}
