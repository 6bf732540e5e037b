// A real Squid that asks real responders, one for each backend as on hosts of
// their own.
import { rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { startBackend } from '../fixtures/backend.ts'
import type { BackendFixture } from '../fixtures/backend.ts'
import { brief, failuresOf, more, startLoad } from '../fixtures/load.ts'
import { beatMonitor, putUp } from '../fixtures/map.ts'
import {
  freePort,
  publicDirectory,
  startProgram,
  until,
} from '../fixtures/processes.ts'
import type { Program } from '../fixtures/processes.ts'
import {
  cli,
  get,
  sentinelDirectory,
  servedBy,
  squidConf,
} from '../fixtures/squid-site.ts'
import { startSquid } from '../fixtures/squid.ts'

type Host = {
  readonly name: string
  readonly backend: BackendFixture
  /** of its responder */
  readonly port: number
  readonly file: string
}

/** @param weights by backend */
async function icpSite(t: Test, weights: Readonly<Record<string, number>>) {
  const root = publicDirectory(t)
  const directory = sentinelDirectory(root)
  const names = Object.keys(weights)
  const hosts: Host[] = []
  for (const name of names)
    hosts.push({
      name,
      backend: await startBackend(t, root, name),
      port: await freePort(),
      file: resolve(root, `${name}.yaml`),
    })
  const write = (file: string, listening: readonly Host[]) =>
    writeFileSync(
      file,
      `directory: ${directory}
staleAfter: 1h
backends:
${hosts.map(({ name, backend }) => `  ${name}: ${backend.url}\n`).join('')}pools:
  default:
    policy: balance
    members: [${names.map(name => `{ name: ${name}, weight: ${weights[name]} }`).join(', ')}]
icp: { listen: { ${listening.map(({ name, port }) => `${name}: "127.0.0.1:${port}"`).join(', ')} } }
`,
    )
  const whole = resolve(root, 'zope-failover.yaml')
  write(whole, hosts)
  for (const host of hosts) write(host.file, [host])
  putUp(directory, ...names)
  beatMonitor(directory, names)
  const { port, accessLog } = await startSquid(
    t,
    squidConf(whole, ['--style', 'icp']),
  )
  const responders = new Map<string, Program>()
  const respond = (name: string) => {
    const program = startProgram(t, process.execPath, [
      ...[cli, 'icp', '--config', resolve(root, `${name}.yaml`)],
    ])
    responders.set(name, program)
  }
  for (const name of names) respond(name)
  // Squid forgets a peer that is silent, and asks it again after a while
  await until('a HIT of every responder', async () => {
    await get(port, '/')
    for (const program of responders.values())
      if (program.isGone()) throw new Error(program.output())
    const hits = accessLog().filter(it => it.hierarchy.includes('PARENT_HIT'))
    return names.every(name => hits.some(({ peer }) => peer.includes(name)))
  })
  return {
    directory,
    port,
    accessLog,
    respond,
    responder: (name: string) => responders.get(name),
    kill: async (name: string) => {
      await responders.get(name)?.kill('SIGKILL')
      await hosts.find(host => host.name === name)?.backend.kill('SIGKILL')
    },
  }
}

for (const weights of [
  { zope1: 1, zope2: 1 },
  { zope1: 3, zope2: 1 },
  { zope1: 1, zope2: 2, zope3: 3 },
])
  void t.test(`shares by weight: ${JSON.stringify(weights)}`, async t => {
    const { port } = await icpSite(t, weights)
    const count = 400
    const counts = new Map<string, number>()
    for (let index = 0; index < count; index++) {
      const name = await servedBy(port)
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    const sum = Object.values(weights).reduce((one, other) => one + other)
    for (const [name, weight] of Object.entries(weights)) {
      const share = ((counts.get(name) ?? 0) / count) * 100
      const wanted = (weight / sum) * 100
      t.ok(
        Math.abs(share - wanted) <= 10,
        `${name}: ${share.toFixed(1)} % of ${wanted.toFixed(1)} %`,
      )
    }
  })

void t.test('drain: nothing goes there, and it comes back', async t => {
  const { port, directory } = await icpSite(t, { zope1: 1, zope2: 1 })
  const twenty = async () => {
    const names = new Set<string>()
    for (let count = 0; count < 20; count++) names.add(await servedBy(port))
    return names
  }
  writeFileSync(resolve(directory, 'zope1.drain'), '')
  // the table changes within a second; from then on none goes there
  await until('zope1 gets nothing', async () => !(await twenty()).has('zope1'))
  rmSync(resolve(directory, 'zope1.drain'))
  await until('zope1 is back', async () => (await twenty()).has('zope1'))
})

void t.test('a Zope dies with its responder: no GET fails', async t => {
  const { port, directory, kill } = await icpSite(t, { zope1: 1, zope2: 1 })
  const load = startLoad({ port, clients: 5 })
  await more(load, 100)
  const killedMs = performance.now()
  await kill('zope1')
  // what the monitor does a moment later
  await more(load, 50)
  rmSync(resolve(directory, 'zope1.up'))
  await more(load, 400)
  const samples = await load.stop()
  t.strictSame(failuresOf(samples).map(brief), [])
  const longest = Math.max(
    ...samples
      .filter(({ endMs }) => endMs > killedMs)
      .map(({ startMs, endMs }) => endMs - startMs),
  )
  t.comment(`the longest took ${Math.round(longest)} ms`)
})

void t.test('a responder is restarted: no GET fails', async t => {
  const site = await icpSite(t, { zope1: 1, zope2: 1 })
  const load = startLoad({ port: site.port, clients: 5 })
  await more(load, 100)
  const old = site.responder('zope1')
  old?.child.kill('SIGTERM')
  await old?.gone
  t.equal(old?.child.exitCode, 0)
  site.respond('zope1')
  const before = site.accessLog().length
  await until('a HIT of the new one', () =>
    site
      .accessLog()
      .slice(before)
      .some(
        ({ hierarchy, peer }) =>
          hierarchy.includes('PARENT_HIT') && peer.includes('zope1'),
      ),
  )
  await more(load, 100)
  t.strictSame(failuresOf(await load.stop()).map(brief), [])
  const lines = site.accessLog()
  const late = lines.filter(({ hierarchy }) => hierarchy.startsWith('TIMEOUT_'))
  t.comment(`${late.length} of ${lines.length} waited for the missing answer`)
})
