// The cost of the status page for the monitor, and whether it delays the
// probing: no pages, many open pages, and an attack, one after the other on one
// monitor.
import { setTimeout as pause } from 'node:timers/promises'
import { freePort, until, type Owner } from '../../lab/processes.ts'
import { startChild } from './child.ts'
import { startCrowd } from './crowd.ts'
import { cpuMsOf, residentMbOf } from './processor.ts'
import type { PageLoad } from './report.ts'
import type { Visit, VisitResult } from './visitors.ts'

export type PageSize = {
  /** for each of the three */
  readonly seconds: number
  readonly pages: number
  readonly attackers: number
}

const backends = 20

export async function measurePage(
  owner: Owner,
  { seconds, pages, attackers }: PageSize,
): Promise<PageLoad[]> {
  const port = await freePort()
  const { pid, standIns } = await startCrowd(owner, {
    backends,
    heartbeat: 'auto',
    settings: { status: { listen: `127.0.0.1:${port}` } },
  })
  // heartbeats are learned, code is compiled
  await pause(Math.min(3_000, seconds * 1_000))
  const measure = async (what: string): Promise<PageLoad> => {
    standIns.order({ kind: 'reset' })
    const [beginMs, cpuBefore] = [performance.now(), cpuMsOf(pid)]
    await pause(seconds * 1_000)
    const { gapsMs } = await standIns.count()
    return {
      what,
      seconds: (performance.now() - beginMs) / 1_000,
      cpuMs: cpuMsOf(pid) - cpuBefore,
      gapsMs,
      residentMb: residentMbOf(pid),
    }
  }
  const start = () =>
    startChild<Visit, VisitResult>(owner, 'visitors.js', [String(port)])
  const noReaders = await measure('no readers')
  const readers = await start()
  readers.order({ kind: 'pages', count: pages })
  await until(
    'every page to be open',
    async () => (await readers.count()).pages === pages,
  )
  const before = await readers.count()
  const read = await measure('')
  const after = await readers.count()
  if (after.pages !== pages)
    throw new Error(`only ${after.pages} of ${pages} pages stayed open`)
  const updates = Math.round((after.updates - before.updates) / pages)
  // the pages stay open meanwhile
  const attack = await start()
  attack.order({ kind: 'flood', count: attackers })
  const attacked = await measure('')
  const { connected, held } = await attack.count()
  return [
    noReaders,
    { ...read, what: `${pages} open pages, ${updates} updates each` },
    {
      ...attacked,
      what: `these, and ${attackers} connections at once with half a request (${connected} made, ${held} left at the end)`,
    },
  ]
}
