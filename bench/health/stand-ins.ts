// A separate process, started by load.ts: many backends, each at its own
// address on one port, as cheap as they can be, so that what is measured is
// the monitor. `stand-ins.js PORT COUNT`; the rest comes as messages.
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** Where the backend of that number listens. */
export function addressOf(index: number): string {
  return `127.0.${1 + Math.floor(index / 250)}.${1 + (index % 250)}`
}

export type Order =
  | { readonly kind: 'close' | 'open'; readonly index: number }
  | { readonly kind: 'reset' | 'count' }

export type Counts = {
  readonly probes: number
  readonly beats: number
  readonly bins: readonly number[]
  /** between one probe of a backend and the next */
  readonly gapsMs: readonly number[]
}

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const binMs = 100

const [, file = '', portText, countText] = process.argv
if (portText !== undefined && import.meta.filename === file)
  await serve(Number(portText), Number(countText))

async function serve(port: number, count: number): Promise<void> {
  let [beats, probes, beginMs] = [0, 0, performance.now()]
  let bins: number[] = []
  let gapsMs: number[] = []
  let probedMs: number[] = []
  const makeServer = (_none: unknown, index: number): Server =>
    createServer(socket => {
      socket.on('error', () => socket.destroy())
      // headers come in one piece: they are short, and this is loopback
      socket.once('data', (data: Buffer) => {
        if (data.includes('100-continue')) {
          beats++
          socket.write('HTTP/1.1 100 Continue\r\n\r\n')
          return
        }
        probes++
        const nowMs = performance.now()
        const before = probedMs[index]
        if (before !== undefined) gapsMs.push(nowMs - before)
        probedMs[index] = nowMs
        const bin = Math.floor((nowMs - beginMs) / binMs)
        bins[bin] = (bins[bin] ?? 0) + 1
        socket.end(answer)
      })
    })
  const servers = Array.from({ length: count }, makeServer)
  const open = async (index: number): Promise<void> => {
    const server = servers[index]
    server?.listen(port, addressOf(index))
    if (server !== undefined) await once(server, 'listening')
  }
  await Promise.all(servers.map((_server, index) => open(index)))
  process.on('message', (order: Order) => {
    switch (order.kind) {
      case 'close':
        servers[order.index]?.close()
        break
      case 'open':
        void open(order.index)
        break
      case 'reset':
        ;[beats, probes, beginMs] = [0, 0, performance.now()]
        ;[bins, gapsMs, probedMs] = [[], [], []]
        break
      case 'count': {
        // a bin without a probe is a hole in the list, the last one is not full
        const full = Math.floor((performance.now() - beginMs) / binMs)
        const counts: Counts = {
          probes,
          beats,
          bins: Array.from({ length: full }, (_bin, i) => bins[i] ?? 0),
          gapsMs,
        }
        process.send?.(counts)
        break
      }
    }
  })
  process.send?.('ready')
}
