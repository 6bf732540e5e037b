// HAProxy's agent-check over TCP: one line in, one line out, close. Clients
// that can reach the port may be hostile, so the resources of one connection
// are limited, and the oldest waiting connection makes room for a new one.
import { createServer, type Server, type Socket } from 'node:net'
import { buildTable, type Table } from '../choice/table.ts'
import { sentinelNames, type Config } from '../config/config.ts'
import { SentinelReader } from '../sentinels/read.ts'
import { DutyCycle } from '../system/duty-cycle.ts'
import { agentAnswer } from './agent-answer.ts'

/** `POOL/NAME`, with room for HAProxy's additions. */
const maxLineBytes = 128
/** HAProxy sends its line at once. */
const lineMs = 2_000
/** HAProxy opens one connection per server. */
const maxConnections = 256
/** A table of this age is fresh enough. */
const freshMs = 20

/** Not yet listening; `close` also closes open connections. */
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
      // without an answer HAProxy keeps its current state
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

/** The current table, cached briefly to limit the cost of reading. */
function tableReader(configNow: () => Config): () => Table {
  let { directory } = configNow()
  let reader = new SentinelReader(directory)
  let last: { readonly config: Config; readonly table: Table } | undefined
  const reading = new DutyCycle({ share: 1 / 10, leastMs: freshMs })
  return () => {
    const config = configNow()
    if (last?.config === config && reading.waitMs > 0) return last.table
    if (directory !== config.directory) {
      directory = config.directory
      reader = new SentinelReader(directory)
    }
    const table = reading.run(() => {
      const snapshot = reader.read(new Set(sentinelNames(config)))
      return buildTable(config, snapshot, Date.now())
    })
    last = { config, table }
    return table
  }
}
