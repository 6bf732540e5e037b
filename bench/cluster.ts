// npm run bench:cluster: how long an order takes from one machine to the map program's
// answers on another, through three real etcds; what a killed leader costs; what 50
// machines cost one monitor.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { ClusterMember } from '../cluster/member.ts'
import { Engine } from '../cluster/engine.ts'
import { formatOrder, Keys } from '../cluster/keys.ts'
import { newId } from '../cluster/send-order.ts'
import { parseConfig } from '../config/parse.ts'
import type { ClusterSettings } from '../config/config.ts'
import { writeAside, removeFile } from '../sentinels/write.ts'
import { Etcd } from '../lab/etcd.ts'
import { startBackend, startMachines } from '../lab/machines.ts'
import type { Machine } from '../lab/machines.ts'
import { dist, publicDirectory, until } from '../lab/processes.ts'
import { endOnSignals, makeOwner } from '../lab/owner.ts'
import type { RunOwner } from '../lab/owner.ts'
import { percentile } from './statistics.ts'
import { machine } from './tools.ts'

const orders = 300
const crowd = 50

async function main(): Promise<void> {
  const owner = makeOwner()
  endOnSignals(owner)
  try {
    process.stdout.write(`${machine()}\n\n`)
    const etcd = await Etcd.start(owner)
    await measureOrders(owner, etcd)
    await measureMany(owner, etcd)
  } finally {
    await owner.end()
  }
}

/** Lookups, one after the other, of a map program on real pipes. */
function startMap(owner: RunOwner, configFile: string) {
  // node's own pipes are sockets
  const child = spawn('sh', [
    '-c',
    `cat | ${process.execPath} ${dist}/rewritemap/main.js --config ${configFile} | cat`,
  ])
  owner.teardown(async () => {
    child.stdin.end()
    await once(child, 'close')
  })
  return async (): Promise<string> => {
    child.stdin.write('- default\n')
    const [answer]: unknown[] = await once(child.stdout, 'data')
    return String(answer)
  }
}

/** An order to the answer of the map program on another machine. */
async function measureOrders(owner: RunOwner, etcd: Etcd): Promise<void> {
  const [fe1, fe2] = await startMachines(owner, ['fe1', 'fe2'], {
    backends: {
      zope1: await startBackend(owner),
      zope2: await startBackend(owner),
    },
    etcd: etcd.urls,
  })
  if (fe1 === undefined || fe2 === undefined) return
  const settings = settingsOf(etcd, 'fe1')
  const engine = new Engine(settings)
  const keys = new Keys(settings.prefix)
  const key = keys.order('zope1', 'drain')
  const ask = startMap(owner, fe2.configFile)
  await until('the map answers zope1', async () => (await ask()) === zope1)
  const give = async (isDrain: boolean): Promise<number> => {
    const begin = performance.now()
    const expected = isDrain ? zope2 : zope1
    await engine.transaction(
      [],
      [isDrain ? { put: key, value: orderText() } : { remove: key }],
    )
    // asked without a pause, the map program would take the time of the monitor
    while ((await ask()) !== expected) await pause(1)
    return performance.now() - begin
  }
  const took: number[] = []
  for (let n = 0; n < orders; n++) {
    took.push(await give(n % 2 === 0))
    await pause(Math.random() * 20)
  }
  print('an order on fe1 to the answer on fe2', took)
  // the leader is killed in between
  const leader = await etcd.leader()
  await etcd.kill(leader)
  const after: number[] = []
  for (let n = 0; n < 10; n++) {
    const begin = performance.now()
    for (;;) {
      try {
        await give(n % 2 === 0)
        break
      } catch {
        // no leader yet: given again, as a person would
      }
    }
    after.push(performance.now() - begin)
  }
  print('the same while the leader is killed', after)
  etcd.restart(leader)
  await etcd.healthy()
  engine.close()
  await stop(fe1, fe2)
}

/** The members of many machines in this process: what one of them costs. */
async function measureMany(owner: RunOwner, etcd: Etcd): Promise<void> {
  const before = process.memoryUsage().rss
  const members: ClusterMember[] = []
  const log = pino({ level: 'silent' }, new Writable({ write: () => true }))
  for (let n = 1; n <= crowd; n++) {
    const directory = publicDirectory(owner)
    const name = `many${n}`
    members.push(
      new ClusterMember(
        { ...settingsOf(etcd, name), cache: `${directory}/cluster.json` },
        name,
        {
          directory,
          log,
          files: {
            writeFile: (file, text) => {
              writeAside(directory, file, text)
              return true
            },
            remove: file => removeFile(directory, file),
          },
          backends: () => ['zope1', 'zope2'],
          states: () => ({}),
          settings: () => ({ '*': 'x', zope1: 'y', zope2: 'z' }),
          maps: () => 1,
          answer: () => Promise.resolve({ answer: 'yes', why: '' }),
          changed: () => {},
        },
      ),
    )
  }
  for (const member of members) member.start()
  const beat = setInterval(() => {
    for (const member of members) member.beat()
  }, 100)
  await until(`${crowd} machines are together`, () =>
    members.every(member => member.report.state === 'together'),
  )
  await pause(5_000)
  const cpu = process.cpuUsage()
  const begin = performance.now()
  const leader = await etcd.leader()
  const etcdBefore = cpuTicks(leader.program.pid)
  await pause(20_000)
  const spent = process.cpuUsage(cpu)
  const seconds = (performance.now() - begin) / 1_000
  const share = (spent.user + spent.system) / 1e6 / seconds / crowd
  const etcdShare = (cpuTicks(leader.program.pid) - etcdBefore) / 100 / seconds
  const bytes = (process.memoryUsage().rss - before) / crowd
  process.stdout.write(
    `${crowd} machines, idle: ${(100 * share).toFixed(2)} % of a core and ${(bytes / 1e6).toFixed(1)} MB each; the leader of etcd ${(100 * etcdShare).toFixed(1)} % of a core\n`,
  )
  clearInterval(beat)
  for (const member of members) member.stop(true)
  await pause(1_000)
}

function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(' ')
  return Number(fields[13]) + Number(fields[14])
}

async function stop(...machines: readonly Machine[]): Promise<void> {
  for (const one of machines) await one.monitor?.kill('SIGTERM')
}

const zope1 = 'zope1\n'
const zope2 = 'zope2\n'

function settingsOf(etcd: Etcd, name: string): ClusterSettings {
  const { cluster } = parseConfig(
    `backends: { zope1: http://h:1 }\ncluster: ${JSON.stringify({ etcd: etcd.urls, name })}\n`,
    'bench',
  )
  if (cluster === undefined) throw new Error('a cluster')
  return cluster
}

function orderText(): string {
  return formatOrder({
    id: newId(),
    by: 'bench',
    from: 'fe1',
    reason: null,
    written: Date.now(),
    until: null,
    renewed: null,
    isEnded: false,
  })
}

function print(what: string, tookMs: readonly number[]): void {
  const sorted = tookMs.toSorted((one, other) => one - other)
  const at = (share: number): string => percentile(sorted, share).toFixed(1)
  process.stdout.write(
    `${what}, ${sorted.length} times: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms\n`,
  )
}

await main()
