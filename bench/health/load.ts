// What the monitor takes for 2, 20 and 1,000 backends, and how soon it knows.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import {
  checkout,
  dist,
  freePort,
  publicDirectory,
  startProgram,
  until,
} from '../../test/fixtures/processes.ts'
import type { Owner } from '../../test/fixtures/processes.ts'
import { makeOwner } from './owner.ts'
import { cpuMsOf, residentMbOf } from './processor.ts'
import type { Load } from './report.ts'
import { addressOf } from './stand-ins.ts'
import type { Counts, Order } from './stand-ins.ts'

export type LoadSize = {
  readonly seconds: number
  readonly setUps: readonly SetUp[]
}

export type SetUp = {
  readonly backends: number
  readonly hasHeartbeat: boolean
  /** how many backends die to see how soon it is known */
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
  const port = await freePort()
  const standIns = await startStandIns(owner, port, backends)
  const sentinels = publicDirectory(owner)
  const config = `${publicDirectory(owner)}/zope-failover.yaml`
  const names = Array.from({ length: backends }, (_name, i) => `b${i}`)
  writeFileSync(
    config,
    JSON.stringify({
      directory: sentinels,
      backends: Object.fromEntries(
        names.map((name, i) => [name, `http://${addressOf(i)}:${port}`]),
      ),
      // all may die, again and again
      pools: { all: { policy: 'balance', members: names, minAlive: 0 } },
      probe: {
        heartbeat: hasHeartbeat ? 'auto' : 'off',
        damping: false,
        slowStart: '0s',
      },
    }),
  )
  const { pid, isGone, output } = startProgram(owner, process.execPath, [
    join(dist, 'cli/main.js'),
    'monitor',
    '--config',
    config,
  ])
  const isUp = (index: number): boolean =>
    existsSync(`${sentinels}/b${index}.up`)
  await until('every backend is up', () => {
    if (isGone()) throw new Error(`the monitor ended: ${output()}`)
    return names.every((_name, i) => isUp(i))
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
          // anywhere between two probes, anywhere among the backends, and five a
          // second at most: what is asked is how soon one is known to be dead
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
    ...counts,
    cpuMs,
    residentMb: residentMbOf(pid),
    verdictMs,
  }
}

type StandIns = {
  readonly order: (order: Order) => void
  readonly count: () => Promise<Counts>
}

async function startStandIns(
  owner: Owner,
  port: number,
  count: number,
): Promise<StandIns> {
  const child = fork(
    join(checkout, 'dist/bench/health/stand-ins.js'),
    [String(port), String(count)],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  )
  owner.teardown(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the stand-in backends ended with ${code}`)
  })
  // at the end of the run nobody waits for it any more
  ended.catch(() => undefined)
  await Promise.race([once(child, 'message'), ended])
  return {
    order: order => void child.send(order),
    count: async () => {
      child.send({ kind: 'count' } satisfies Order)
      const [counts]: Counts[] = await Promise.race([
        once(child, 'message'),
        ended,
      ])
      if (counts === undefined) throw new Error('no counts')
      return counts
    },
  }
}
