// The thread that serves the ports of the monitor: the status page, and the agent
// that HAProxy asks.
import { parentPort, workerData } from 'node:worker_threads'
import { agentServer } from '../haproxy/agent-server.ts'
import { ReportCache } from './report-cache.ts'
import { MetricsEndpoint } from './metrics-endpoint.ts'
import { Listener } from './listener.ts'
import {
  counted,
  type PageCounts,
  type PageLog,
  type PageConfig,
} from './messages.ts'
import { ActionHandler } from './actions.ts'
import { statusServer } from './server.ts'

const first: PageConfig = workerData
const reports = new ReportCache(first.config, first.problems)
const metricsEndpoint = new MetricsEndpoint(reports)
const log = (line: PageLog): void => parentPort?.postMessage(line)
const actions = new ActionHandler(reports, log)
const page = new Listener(
  'status page',
  'status.listen',
  () => statusServer(reports, metricsEndpoint, actions),
  log,
)
const agent = new Listener(
  'agent for HAProxy',
  'agent.listen',
  () => agentServer(() => reports.config),
  log,
)

parentPort?.on('message', (message: PageConfig | PageCounts) => {
  if ('events' in message) {
    metricsEndpoint.record(message.events)
    parentPort?.postMessage(counted)
    return
  }
  reports.reconfigure(message.config, message.problems)
  actions.areTaken()
  listen()
})
// logs a problem with the token now, not when it is needed
actions.areTaken()
listen()

/** Listens at the currently configured addresses. */
function listen(): void {
  page.listen(reports.config.status?.listen)
  agent.listen(reports.config.agent?.listen)
}
