// The monitor's cost for 2, 20 and 1,000 backends, and how fast it detects a
// death.
import { setTimeout as pause } from 'node:timers/promises'
import { until, type Owner } from '../../lab/processes.ts'
import { startCrowd } from './crowd.ts'
import { makeOwner } from '../../lab/owner.ts'
import { cpuMsOf, residentMbOf } from './processor.ts'
import type { Load } from './report.ts'

export type LoadSize = {
  readonly seconds: number
  readonly setUps: readonly SetUp[]
}

type SetUp = {
  readonly backends: number
  readonly hasHeartbeat: boolean
  /** how many backends die to measure the detection time */
  readonly deaths: number
}

export async function measureLoad(
  owner: Owner,
  size: LoadSize,
): Promise<Load[]> {
  const loads: Load[] = []
  for (const setUp of size.setUps) {
    const own = makeOwner()
    owner.teardown(own.end)
    loads.push(await measureOne(own, setUp, size.seconds))
    await own.end()
  }
  return loads
}

async function measureOne(
  owner: Owner,
  { backends, hasHeartbeat, deaths }: SetUp,
  seconds: number,
): Promise<Load> {
  const { pid, standIns, isUp } = await startCrowd(owner, {
    backends,
    heartbeat: hasHeartbeat ? 'auto' : 'off',
  })
  // heartbeats are learned, code is compiled
  await pause(Math.min(3_000, seconds * 1_000))
  standIns.order({ kind: 'reset' })
  const [beginMs, cpuBefore] = [performance.now(), cpuMsOf(pid)]
  await pause(seconds * 1_000)
  const counts = await standIns.count()
  const tookS = (performance.now() - beginMs) / 1_000
  const cpuMs = cpuMsOf(pid) - cpuBefore
  const verdictMs: number[] = []
  while (verdictMs.length < deaths) {
    const dying = Math.min(deaths - verdictMs.length, backends)
    verdictMs.push(
      ...(await Promise.all(
        Array.from({ length: dying }, async (_death, i) => {
          // anywhere between two probes, anywhere among the backends, and five
          // a second at most: what is asked is how soon one is known to be dead
          await pause(Math.random() * Math.max(1_000, dying * 200))
          const index = Math.floor(((i + Math.random()) * backends) / dying)
          const diedMs = performance.now()
          standIns.order({ kind: 'close', index })
          await until('its verdict', () => !isUp(index))
          const took = performance.now() - diedMs
          standIns.order({ kind: 'open', index })
          await until('it is up again', () => isUp(index))
          return took
        }),
      )),
    )
  }
  return {
    backends,
    hasHeartbeat,
    seconds: tookS,
    probes: counts.probes,
    beats: counts.beats,
    bins: counts.bins,
    cpuMs,
    residentMb: residentMbOf(pid),
    verdictMs,
  }
}
