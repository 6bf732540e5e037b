// The thread that serves the ports of the monitor: the status page, and the agent
// that HAProxy asks.
import { parentPort, workerData } from 'node:worker_threads'
import { agentServer } from '../haproxy/agent-server.ts'
import { ReportCache } from './report-cache.ts'
import { Exposition } from './metrics-endpoint.ts'
import { Listener } from './listener.ts'
import { counted } from './messages.ts'
import type { PageCounts, PageNews, PageOrder } from './messages.ts'
import { ActionHandler } from './actions.ts'
import { statusServer } from './server.ts'

const first: PageOrder = workerData
const live = new ReportCache(first.config, first.problems)
const exposition = new Exposition(live)
const tell = (news: PageNews): void => parentPort?.postMessage(news)
const orders = new ActionHandler(live, tell)
const page = new Listener(
  'status page',
  'status.listen',
  () => statusServer(live, exposition, orders),
  tell,
)
const agent = new Listener(
  'agent for HAProxy',
  'agent.listen',
  () => agentServer(() => live.config),
  tell,
)

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

/** Where the configuration wants each now. */
function listen(): void {
  page.listen(live.config.status?.listen)
  agent.listen(live.config.agent?.listen)
}
