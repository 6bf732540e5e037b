// The monitor, and many stand-in backends for it to probe: only the monitor is
// measured.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  dist,
  freePort,
  publicDirectory,
  startProgram,
  until,
  type Owner,
} from '../../lab/processes.ts'
import { startChild, type Child } from './child.ts'
import { addressOf, type Counts, type Order } from './stand-ins.ts'

type Crowd = {
  /** of the monitor */
  readonly pid: number
  readonly standIns: Child<Order, Counts>
  /** whether the backend of that number has its sentinel */
  readonly isUp: (index: number) => boolean
}

/**
 * Resolves when every backend is up. `settings` are keys of the configuration.
 */
export async function startCrowd(
  owner: Owner,
  {
    backends,
    heartbeat,
    settings = {},
  }: {
    readonly backends: number
    readonly heartbeat: 'auto' | 'off'
    readonly settings?: object
  },
): Promise<Crowd> {
  const port = await freePort()
  const standIns = await startChild<Order, Counts>(owner, 'stand-ins.js', [
    String(port),
    String(backends),
  ])
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
      // all may die repeatedly
      pools: { all: { policy: 'balance', members: names, minAlive: 0 } },
      probe: {
        heartbeat,
        damping: false,
        slowStart: '0s',
      },
      ...settings,
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
  return { pid, standIns, isUp }
}
