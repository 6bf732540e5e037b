// The thread that serves the status page: listens where it is told to, and tries
// again where it cannot.
import type { Server } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'
import type { StatusSettings } from '../config/config.ts'
import { errorCode } from '../config/error-code.ts'
import { Live } from './live.ts'
import { Exposition } from './exposition.ts'
import { counted } from './messages.ts'
import type { PageCounts, PageNews, PageOrder } from './messages.ts'
import { Orders } from './orders.ts'
import { statusServer } from './server.ts'

const retryMs = 3_000

type Running = { readonly server: Server; readonly close: () => void }

const first: PageOrder = workerData
const live = new Live(first.config, first.problems)
const exposition = new Exposition(live)
const orders = new Orders(live, news => parentPort?.postMessage(news))
let listening: { readonly at: string; readonly running: Running } | undefined
let retry: NodeJS.Timeout | undefined
let told = ''

parentPort?.on('message', (message: PageOrder | PageCounts) => {
  if ('events' in message) {
    exposition.note(message.events)
    parentPort?.postMessage(counted)
    return
  }
  live.retune(message.config, message.problems)
  orders.areTaken()
  listen()
})
// tells what is wrong with the token now, not when somebody needs it
orders.areTaken()
listen()

/** Where the configuration wants it now, if that is not where it is already. */
function listen(): void {
  const { status } = live.config
  const at = status === undefined ? '' : placeOf(status)
  if (listening?.at === at) return
  clearTimeout(retry)
  listening?.running.close()
  listening = undefined
  if (status === undefined) return
  const running = statusServer(live, exposition, orders)
  listening = { at, running }
  running.server.on('error', err => {
    const code = errorCode(err)
    // it may be listening, and only have no descriptor left for one more
    if (running.server.listening) return
    // the configuration has named another place meanwhile
    if (listening?.running !== running) return
    running.close()
    listening = undefined
    tell('error', at, 'status page cannot be served, trying again', {
      err: code,
      remedy: remedies.get(code) ?? 'correct status.listen',
    })
    retry = setTimeout(listen, retryMs)
  })
  running.server.listen(status.listen.port, status.listen.host, () => {
    tell('info', at, 'status page is served', {})
  })
}

const remedies = new Map([
  ['EADDRINUSE', 'another program has the port: choose another one'],
  ['EACCES', 'ports below 1024 are for root: choose another one'],
  ['EADDRNOTAVAIL', 'this machine has no such address: choose another one'],
])

function placeOf({ listen: { host, port } }: StatusSettings): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** The same trouble at the same place once. */
function tell(
  level: PageNews['level'],
  at: string,
  message: string,
  more: Readonly<Record<string, unknown>>,
): void {
  const news: PageNews = { level, fields: { listen: at, ...more }, message }
  const text = JSON.stringify(news)
  if (text === told) return
  told = text
  parentPort?.postMessage(news)
}
