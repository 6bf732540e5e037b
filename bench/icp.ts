// The ICP responder, queried at Squid's pace while the table changes, compared
// with one in C.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { exitOf, type Scratch } from './scratch.ts'
import {
  backends,
  configText,
  makeSentinelDirectory,
} from './sentinel-directory.ts'
import { checkout, type CPrograms } from './tools.ts'

type IcpOptions = {
  readonly queries: number
  readonly perSecond: number
  readonly changesPerSecond: number
}

export type IcpTimes = {
  readonly name: string
  readonly queries: number
  readonly lost: number
  /** of the sentinel directory */
  readonly changes: number
  readonly tookMs: readonly number[]
}

/** This responder, then the one in C. */
export async function measureIcp(
  scratch: Scratch,
  c: CPrograms,
  options: IcpOptions,
): Promise<IcpTimes[]> {
  return [
    await measure(scratch, c, options, 'this responder', (port, directory) => {
      const file = join(scratch.path, 'icp.yaml')
      writeFileSync(
        file,
        configText(directory, {
          pools: { default: { policy: 'balance' } },
          icp: { listen: { [backends[0]]: `127.0.0.1:${port}` } },
        }),
      )
      return [
        process.execPath,
        join(checkout, 'dist/cli/main.js'),
        ...['icp', '--config', file],
      ]
    }),
    await measure(scratch, c, options, 'C responder', (port, directory) => [
      ...[c.icp, String(port), directory, ...backends],
    ]),
  ]
}

async function measure(
  scratch: Scratch,
  { icpLoad }: CPrograms,
  { queries, perSecond, changesPerSecond }: IcpOptions,
  name: string,
  argv: (port: number, directory: string) => readonly string[],
): Promise<IcpTimes> {
  const directory = join(scratch.path, name.replaceAll(' ', '-'))
  makeSentinelDirectory(directory)
  const port = await freePort()
  const log = ['ignore', scratch.logFd, scratch.logFd] as const
  const responder = scratch.spawn(argv(port, directory), { stdio: [...log] })
  const gone = exitOf(responder)
  try {
    const load = async (count: number) => {
      const out = join(scratch.path, 'icp-times')
      const child = scratch.spawn(
        [
          icpLoad,
          ...[port, count, perSecond, changesPerSecond].map(String),
          ...[directory, out],
        ],
        { stdio: ['ignore', 'pipe', scratch.logFd] },
      )
      let text = ''
      child.stdout?.setEncoding('utf8').on('data', chunk => {
        text += String(chunk)
      })
      const code = await exitOf(child)
      const [sent = 0, answered = 0, changes = 0] =
        /^sent (\d+) answered (\d+) changes (\d+)$/m
          .exec(text)
          ?.slice(1)
          .map(Number) ?? []
      if (code !== 0 || sent !== count)
        throw new Error(`the load for ICP ended with ${code}`)
      return { lost: sent - answered, changes, bytes: readFileSync(out) }
    }
    // the first answers: it has started, and Node has compiled what it needs
    for (let tries = 0; (await load(100)).lost > 0; tries++) {
      if (tries === 20) throw new Error(`${name} does not answer`)
      await pause(100)
    }
    await load(Math.min(queries, 2_000))
    const { lost, changes, bytes } = await load(queries)
    const tookMs = Array.from(
      { length: bytes.length / 4 },
      (_time, index) => bytes.readUInt32LE(index * 4) / 1e6,
    )
    return { name, queries, lost, changes, tookMs }
  } finally {
    responder.kill('SIGKILL')
    await gone
  }
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}
