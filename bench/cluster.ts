// npm run bench:cluster: how long an order takes from one machine to the map program's
// answers on another, through three real etcds; what it costs that members of etcd are
// killed, frozen, or all away; what 50 machines cost one monitor.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { ClusterMember } from '../cluster/member.ts'
import { writeAside, removeFile } from '../sentinels/write.ts'
import { Etcd } from '../lab/etcd.ts'
import {
  startBackend,
  startMachines,
  untilState,
  type Machine,
} from '../lab/machines.ts'
import {
  clusterSettings,
  giveEach,
  orderStream,
  type OrderStream,
} from '../lab/order-stream.ts'
import { dist, publicDirectory, until } from '../lab/processes.ts'
import { endOnSignals, makeOwner, type RunOwner } from '../lab/owner.ts'
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
    await measureTwo(owner, etcd)
    await measureMany(owner, etcd)
  } finally {
    await owner.end()
  }
}

async function measureTwo(owner: RunOwner, etcd: Etcd): Promise<void> {
  const machines = await startMachines(owner, ['fe1', 'fe2'], {
    backends: {
      zope1: await startBackend(owner),
      zope2: await startBackend(owner),
    },
    etcd: etcd.urls,
  })
  const stream = orderStream(owner, etcd.urls)
  const ask = startMap(owner, machines.at(-1)?.configFile ?? '')
  await measureOrders(stream, ask)
  await measureFaults(etcd, stream, machines)
  await measureAway(etcd, stream, machines)
  for (const { monitor } of machines) await monitor?.kill('SIGTERM')
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
async function measureOrders(
  { give, end }: OrderStream,
  ask: () => Promise<string>,
): Promise<void> {
  await until('the map answers zope1', async () => (await ask()) === zope1)
  const writes: number[] = []
  const took: number[] = []
  for (let n = 0; n < orders; n++) {
    const begin = performance.now()
    const isDrain = n % 2 === 0
    await (isDrain ? give() : end())
    writes.push(performance.now() - begin)
    // asked without a pause, the map program would take the time of the monitor
    while ((await ask()) !== (isDrain ? zope2 : zope1)) await pause(1)
    took.push(performance.now() - begin)
    await pause(Math.random() * 20)
  }
  print('an order on fe1 to the answer on fe2', took)
  print('of which the write to etcd', writes)
}

/** Orders to the files of both machines while a member of etcd fails. */
async function measureFaults(
  etcd: Etcd,
  stream: OrderStream,
  machines: readonly Machine[],
): Promise<void> {
  const measure = async (
    what: string,
    count: number,
    fail: () => void,
  ): Promise<void> => {
    const took: number[] = []
    await giveEach(stream, count, machines, (number, ms) => {
      took.push(ms)
      if (number === count / 3) fail()
    })
    print(what, took)
  }
  const leader = await etcd.leader()
  await measure('the leader is killed meanwhile', orders, () => {
    leader.program.child.kill('SIGKILL')
  })
  await leader.program.gone
  etcd.restart(leader)
  await etcd.healthy()
  await untilState('together', ...machines)
  const watched = machines.at(-1)?.cluster()?.engine.url
  const frozen = etcd.members.find(({ url }) => url === watched)
  await measure('the member with the watch of fe2 is frozen', 90, () => {
    frozen?.program.child.kill('SIGSTOP')
  })
  frozen?.program.child.kill('SIGCONT')
  await etcd.healthy()
  await untilState('together', ...machines)
}

/** All members are killed, and are back after a minute. */
async function measureAway(
  etcd: Etcd,
  stream: OrderStream,
  machines: readonly Machine[],
): Promise<void> {
  await giveEach(stream, 1, machines)
  const files = (): string =>
    JSON.stringify(machines.map(({ file }) => file('zope1.drain')))
  const before = files()
  const sinceMs = (begin: number): string =>
    machines
      .map(one => Date.parse(one.cluster()?.since ?? '') - begin)
      .map(ms => `${(ms / 1_000).toFixed(2)} s`)
      .join(' and ')
  const killed = Date.now()
  await Promise.all(etcd.members.map(member => etcd.kill(member)))
  await untilState('alone', ...machines)
  const alone = sinceMs(killed)
  await pause(60_000 - (Date.now() - killed))
  const isSame = files() === before
  for (const member of etcd.members) etcd.restart(member)
  await etcd.healthy()
  const back = Date.now()
  await untilState('together', ...machines)
  process.stdout.write(
    `all members away for 60 s: alone after ${alone}, files ${isSame && files() === before ? 'unchanged' : 'CHANGED'}, together ${sinceMs(back)} after all members answered\n`,
  )
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
        {
          ...clusterSettings(etcd.urls, name),
          cache: `${directory}/cluster.json`,
        },
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
          onChange: () => {},
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
  const ticks = (): number[] =>
    etcd.members.map(({ program }) => cpuTicks(program.pid))
  const ticksBefore = ticks()
  await pause(20_000)
  const spent = process.cpuUsage(cpu)
  const seconds = (performance.now() - begin) / 1_000
  const share = (spent.user + spent.system) / 1e6 / seconds / crowd
  const shares = ticks().map(
    (now, n) => (now - (ticksBefore[n] ?? 0)) / seconds,
  )
  const bytes = (process.memoryUsage().rss - before) / crowd
  process.stdout.write(
    `${crowd} machines, idle: ${(100 * share).toFixed(2)} % of a core and ${(bytes / 1e6).toFixed(1)} MB each; the members of etcd ${shares.map(one => one.toFixed(1)).join(', ')} % of a core\n`,
  )
  clearInterval(beat)
  for (const member of members) member.stop(true)
  await pause(1_000)
}

function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(' ')
  return Number(fields[13]) + Number(fields[14])
}

const zope1 = 'zope1\n'
const zope2 = 'zope2\n'

function print(what: string, tookMs: readonly number[]): void {
  const sorted = tookMs.toSorted((one, other) => one - other)
  const at = (share: number): string => percentile(sorted, share).toFixed(1)
  process.stdout.write(
    `${what}, ${sorted.length} times: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms\n`,
  )
}

await main()
