// A real Squid that asks real responders, one for each backend as on hosts of
// their own.
//
// What Squid logs as PARENT_HIT or FIRSTUP_PARENT says how the connection to the
// backend was first chosen, and Squid keeps connections. So only the backend's own
// name counts here, and the prefix TIMEOUT_, which belongs to the request.
import { rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import { startIcpSite } from '../../../lab/icp-site.ts'
import { brief, failuresOf, more, startLoad } from '../../../lab/load.ts'
import { until } from '../../../lab/processes.ts'
import { servedBy } from '../../../lab/squid-site.ts'

/** No answer is late for it, however busy the machine is. */
const patientMs = 30_000

for (const weights of [
  { zope1: 1, zope2: 1 },
  { zope1: 3, zope2: 1 },
  { zope1: 1, zope2: 1, zope3: 1 },
  { zope1: 1, zope2: 2, zope3: 3 },
])
  void t.test(`shares by weight: ${JSON.stringify(weights)}`, async t => {
    const { port } = await startIcpSite(t, weights, { timeoutMs: patientMs })
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

for (const [state, what] of [
  ['drain', 'drained'],
  ['maint', 'in maintenance'],
] as const)
  void t.test(`a backend is ${what}, and comes back`, async t => {
    const { port, directory } = await startIcpSite(
      t,
      { zope1: 1, zope2: 1 },
      { timeoutMs: patientMs },
    )
    const twenty = async () => {
      const names = new Set<string>()
      for (let count = 0; count < 20; count++) names.add(await servedBy(port))
      return names
    }
    t.strictSame(await twenty(), new Set(['zope1', 'zope2']))
    writeFileSync(resolve(directory, `zope1.${state}`), '')
    await until('zope1 gets nothing', async () => {
      const names = await twenty()
      return !names.has('zope1')
    })
    t.strictSame(await twenty(), new Set(['zope2']), 'and it stays so')
    rmSync(resolve(directory, `zope1.${state}`))
    await until('zope1 is back', async () => {
      const names = await twenty()
      return names.has('zope1')
    })
  })

void t.test('a Zope dies with its responder: no GET fails', async t => {
  const { port, directory, accessLog, hostOf } = await startIcpSite(t, {
    zope1: 1,
    zope2: 1,
  })
  const { backend, responder } = hostOf('zope1')
  const load = startLoad(t, { port, clients: 5 })
  await until('zope1 serves', () =>
    load.samples.some(it => it.backend === 'zope1'),
  )
  await more(load, 100)
  await Promise.all([responder?.kill('SIGKILL'), backend.kill('SIGKILL')])
  const killedMs = performance.now()
  await more(load, 200)
  // the verdict, which no longer decides whether a request fails
  rmSync(resolve(directory, 'zope1.up'))
  await more(load, 400)
  const samples = await load.stop()
  t.strictSame(failuresOf(samples).map(brief), [])
  const since = samples.filter(({ endMs }) => endMs > killedMs)
  t.strictSame(
    since
      .filter(it => it.startMs > killedMs && it.backend !== 'zope2')
      .map(brief),
    [],
    'all of them were served by the one that is left',
  )
  const longest = Math.max(...since.map(it => it.endMs - it.startMs))
  const late = accessLog().filter(it => it.hierarchy.startsWith('TIMEOUT_'))
  t.comment(
    `the longest of ${since.length} took ${Math.round(longest)} ms; ${late.length} waited for the missing answer`,
  )
})

void t.test('a responder is restarted: no GET fails', async t => {
  const { port, accessLog, hostOf, respond } = await startIcpSite(t, {
    zope1: 1,
    zope2: 1,
  })
  const load = startLoad(t, { port, clients: 5 })
  await more(load, 200)
  const old = hostOf('zope1').responder
  await old?.kill('SIGTERM')
  t.equal(old?.child.exitCode, 0)
  await respond('zope1')
  const backMs = performance.now()
  await until('zope1 is asked again', () =>
    load.samples.some(it => it.startMs > backMs && it.backend === 'zope1'),
  )
  await more(load, 200)
  t.strictSame(failuresOf(await load.stop()).map(brief), [])
  const lines = accessLog()
  const late = lines.filter(it => it.hierarchy.startsWith('TIMEOUT_'))
  t.comment(
    `${late.length} of ${lines.length} waited for the missing answer of the restarted one`,
  )
})

void t.test(
  'a responder at a socket of systemd is restarted: Squid misses no answer',
  async t => {
    const { port, accessLog, services, serve } = await startIcpSite(
      t,
      { zope1: 1, zope2: 1 },
      // only a lost query takes so long
      { timeoutMs: patientMs, kept: ['zope1'] },
    )
    const load = startLoad(t, { port, clients: 5 })
    await more(load, 200)
    let one = services.get('zope1')
    for (let round = 0; round < 3; round++) {
      await one?.kill('SIGTERM')
      one = await serve('zope1')
      await more(load, 100)
    }
    t.strictSame(failuresOf(await load.stop()).map(brief), [])
    t.strictSame(
      accessLog().filter(it => it.hierarchy.startsWith('TIMEOUT_')),
      [],
    )
  },
)
