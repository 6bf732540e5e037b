// npm run bench:squid: what visitors of a real Squid see of each fault, in figures.
// The tests say that it works; how long it takes depends on the machine.
import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startIcpSite } from '../../lab/icp-site.ts'
import { failuresOf, Visitor, type Sample } from '../../lab/load.ts'
import { until, type Owner } from '../../lab/processes.ts'
import {
  helpersOf,
  isSteered,
  quickMonitor,
  servedBy,
  startSquidSite,
} from '../../lab/squid-site.ts'
import { endOnSignals, makeOwner } from '../../lab/owner.ts'
import { table } from '../report.ts'
import { optionsOf } from '../options.ts'
import { machine, textOf } from '../tools.ts'

const help = `npm run bench:squid -- [--only FAULT]... [--quick]

  --only   one of killed, frozen, drain, helpers, icp-killed, icp-restart,
           icp-socket, icp-pair
  --quick  a tenth of the time, to see that it works; its figures mean little
`

/** a visitor comes every this many ms, on its own connection */
const everyMs = 10

type Row = {
  readonly requests: number
  readonly failed: number
  /** in words */
  readonly figure: string
  readonly target: string
}

/** Visitors who come at fixed times; slow answers do not delay the next one. */
function startVisitors(port: number) {
  const visits: Promise<Sample>[] = []
  const timer = setInterval(() => {
    visits.push(
      new Visitor({ port, isKeepAlive: false, patienceMs: 30_000 }).ask('/'),
    )
  }, everyMs)
  return {
    stop: async (): Promise<Sample[]> => {
      clearInterval(timer)
      return Promise.all(visits)
    },
  }
}

type Scene = {
  readonly owner: Owner
  /** waits for this many ms, less with --quick */
  readonly wait: (ms: number) => Promise<void>
}

const rowOf = (
  samples: readonly Sample[],
  figure: string,
  target: string,
): Row => ({
  requests: samples.length,
  failed: failuresOf(samples).length,
  figure,
  target,
})

/** When the last of them began that began after `sinceMs`. */
function lastNew(samples: readonly Sample[], sinceMs: number): string {
  const later = samples.filter(({ startMs }) => startMs > sinceMs)
  if (later.length === 0) return 'no new visitor came later'
  const lastMs = Math.max(...later.map(({ startMs }) => startMs))
  return `last new visitor after ${Math.round(lastMs - sinceMs)} ms`
}

const faults: Readonly<Record<string, (scene: Scene) => Promise<Row>>> = {
  killed: async ({ owner, wait }) => {
    const { squid, backend } = await startSquidSite(owner, {
      helperTimeout: 2,
      hasMonitor: true,
      yaml: quickMonitor,
    })
    const visitors = startVisitors(squid.port)
    await wait(3_000)
    await backend('zope1').kill('SIGKILL')
    await wait(6_000)
    await backend('zope1').start()
    await wait(8_000)
    return rowOf(await visitors.stop(), '', '0 of at least 1,200 failed')
  },
  frozen: async ({ owner, wait }) => {
    const { squid, backend } = await startSquidSite(owner, {
      helperTimeout: 2,
      hasMonitor: true,
      yaml: quickMonitor,
    })
    const visitors = startVisitors(squid.port)
    await wait(3_000)
    const child = backend('zope1').program?.child
    // a busy machine can make it slow, and then it gets no new visitors
    await until(
      'zope1 gets new visitors',
      async () => (await servedBy(squid.port)) === 'zope1',
    )
    child?.kill('SIGSTOP')
    const frozenMs = performance.now()
    await wait(5_000)
    const thawedMs = performance.now()
    child?.kill('SIGCONT')
    await wait(2_000)
    const samples = await visitors.stop()
    // who waited had been sent to the frozen one, whichever backend answered in the end: the
    // monitor drops its connections, and Squid asks the next one
    const waited = samples.filter(
      ({ startMs, endMs }) => startMs < thawedMs && endMs - startMs > 1_000,
    )
    if (waited.length === 0) throw new Error('nobody waited for a frozen Zope')
    return rowOf(samples, lastNew(waited, frozenMs), 'within 500 ms')
  },
  drain: async ({ owner, wait }) => {
    const { squid, touch } = await startSquidSite(owner, { helperTimeout: 2 })
    const visitors = startVisitors(squid.port)
    await wait(2_000)
    touch('zope1.drain')
    const drainedMs = performance.now()
    await wait(5_000)
    const samples = await visitors.stop()
    return rowOf(
      samples,
      lastNew(
        samples.filter(({ backend }) => backend === 'zope1'),
        drainedMs,
      ),
      'within 100 ms',
    )
  },
  helpers: async ({ owner, wait }) => {
    const { squid } = await startSquidSite(owner, { helperTimeout: 2 })
    const before = squid.accessLog().length
    const visitors = startVisitors(squid.port)
    for (let round = 0; round < 10; round++) {
      await wait(2_000)
      for (const pid of helpersOf(squid)) process.kill(pid, 'SIGKILL')
    }
    await isSteered({ squid })
    const samples = await visitors.stop()
    if (squid.program.isGone()) throw new Error('Squid is gone')
    // Squid writes its log at once, but after the answer
    await pause(1_000)
    const lines = squid.accessLog().slice(before)
    const alone = lines.filter(({ backend }) => backend === '-').length
    return rowOf(
      samples,
      `${alone} of ${lines.length} not steered (${((100 * alone) / lines.length).toFixed(2)} %)`,
      'at most 1 %',
    )
  },
  'icp-killed': async ({ owner, wait }) => {
    const { port, directory, hostOf } = await startIcpSite(owner, {
      zope1: 1,
      zope2: 1,
    })
    const { backend, responder } = hostOf('zope1')
    const visitors = startVisitors(port)
    await wait(3_000)
    await Promise.all([responder?.kill('SIGKILL'), backend.kill('SIGKILL')])
    // a monitor's verdict comes about then
    await pause(400)
    rmSync(resolve(directory, 'zope1.up'))
    await wait(5_000)
    return rowOfLongest(await visitors.stop(), 'under 500 ms')
  },
  'icp-restart': async ({ owner, wait }) => {
    const site = await startIcpSite(owner, { zope1: 1, zope2: 1 })
    return restartRow(site, wait, async () => {
      await site.hostOf('zope1').responder?.kill('SIGTERM')
      await site.respond('zope1')
    })
  },
  'icp-socket': async ({ owner, wait }) => {
    const site = await startIcpSite(
      owner,
      { zope1: 1, zope2: 1 },
      { kept: ['zope1'] },
    )
    return restartRow(site, wait, async () => {
      await site.services.get('zope1')?.kill('SIGTERM')
      await site.serve('zope1')
    })
  },
  'icp-pair': async ({ owner, wait }) => {
    const site = await startIcpSite(
      owner,
      { zope1: 1, zope2: 1 },
      { kept: ['zope1'] },
    )
    const pair = [site.services.get('zope1'), await site.serve('zope1')]
    return restartRow(site, wait, async () => {
      for (const one of pair) {
        await one?.kill('SIGTERM')
        await site.serve('zope1')
      }
    })
  },
}

/** Ten seconds of visitors; the restart comes after the third. */
async function restartRow(
  { port, accessLog }: Awaited<ReturnType<typeof startIcpSite>>,
  wait: Scene['wait'],
  restart: () => Promise<void>,
): Promise<Row> {
  const visitors = startVisitors(port)
  await wait(3_000)
  await restart()
  await wait(7_000)
  const samples = await visitors.stop()
  await pause(1_000)
  const late = accessLog().filter(it => it.hierarchy.startsWith('TIMEOUT_'))
  return rowOf(
    samples,
    `${late.length} waited 100 ms (${((100 * late.length) / samples.length).toFixed(2)} %)`,
    'under 1 %',
  )
}

function rowOfLongest(samples: readonly Sample[], target: string): Row {
  const longest = Math.max(...samples.map(it => it.endMs - it.startMs))
  return rowOf(samples, `longest ${Math.round(longest)} ms`, target)
}

async function main(): Promise<number> {
  const values = optionsOf(
    () =>
      parseArgs({
        options: {
          only: { type: 'string', multiple: true, default: [] },
          quick: { type: 'boolean', default: false },
          help: { type: 'boolean', default: false },
        },
      }),
    help,
    Object.keys(faults),
  )
  if (typeof values === 'number') return values
  const run = makeOwner()
  endOnSignals(run)
  const before = machine()
  try {
    const rows: string[][] = []
    for (const [name, play] of Object.entries(faults)) {
      if (values.only.length > 0 && !values.only.includes(name)) continue
      process.stderr.write(`bench: ${name}\n`)
      const owner = makeOwner()
      run.teardown(owner.end)
      const { requests, failed, figure, target } = await play({
        owner,
        wait: ms => pause(values.quick ? ms / 10 : ms),
      })
      await owner.end()
      rows.push([name, String(requests), String(failed), figure, target])
    }
    process.stdout.write(
      `${before} before\n\n${table(['fault', 'requests', 'failed', 'figure', 'target'], rows)}\n`,
    )
    return 0
  } catch (err) {
    process.stderr.write(`bench: ${textOf(err)}\n`)
    return 1
  } finally {
    await run.end()
  }
}

process.exit(await main())
