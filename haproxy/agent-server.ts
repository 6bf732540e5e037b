// HAProxy's agent-check over TCP: one line in, one line out, closed. Clients that can
// reach the port may be hostile, so all that one connection may take is limited,
// and connections that wait for a line make room for new ones.
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { Table } from '../choice/table.ts'
import { buildTable } from '../choice/table.ts'
import { sentinelNames } from '../config/config.ts'
import type { Config } from '../config/config.ts'
import { SentinelReader } from '../sentinels/read.ts'
import { agentAnswer } from './agent-answer.ts'

/** `POOL/NAME`, with room for what HAProxy may add. */
const maxLineBytes = 128
/** HAProxy sends its line at once. */
const lineMs = 2_000
/** HAProxy asks for each server by itself. */
const maxConnections = 256
/** Looking at the files must not use more than this part of the time. */
const lookPart = 1 / 10
const freshMs = 20

/** Not yet listening; `close` ends what is open, too. */
export function agentServer(configNow: () => Config): {
  readonly server: Server
  readonly close: () => void
} {
  const tableNow = tableReader(configNow)
  /** oldest first */
  const open = new Set<Socket>()
  const server = createServer(socket => {
    const [oldest] = open
    if (oldest !== undefined && open.size >= maxConnections) {
      open.delete(oldest)
      oldest.destroy()
    }
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    // a reset: HAProxy asks again
    socket.on('error', () => {})
    socket.setTimeout(lineMs, () => socket.destroy())
    let line = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      line += text
      const end = line.search(/\r?\n/)
      if (end === -1 && line.length <= maxLineBytes) return
      socket.removeAllListeners('data').pause()
      const answer =
        end === -1 || end > maxLineBytes
          ? null
          : agentAnswer(configNow(), tableNow(), line.slice(0, end))
      // closed without an answer, HAProxy keeps what it knows
      if (answer === null) socket.destroy()
      else socket.end(answer, () => socket.destroySoon())
    })
  })
  return {
    server,
    close: () => {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}

/** The table of now, not read more often than it is worth. */
function tableReader(configNow: () => Config): () => Table {
  let reader: SentinelReader | undefined
  let directory = ''
  let last: { readonly config: Config; readonly table: Table } | undefined
  let dueMs = -Infinity
  return () => {
    const startMs = performance.now()
    const config = configNow()
    if (last?.config === config && startMs < dueMs) return last.table
    if (reader === undefined || directory !== config.directory) {
      directory = config.directory
      reader = new SentinelReader(directory)
    }
    const known = new Set(sentinelNames(config))
    const table = buildTable(config, reader.read(known), Date.now())
    last = { config, table }
    dueMs =
      startMs + Math.max(freshMs, (performance.now() - startMs) / lookPart)
    return table
  }
}
