// What visitors notice when a part dies: nothing, but for the requests that
// were inside a backend at that moment.
import t, { type Test } from 'tap'
import {
  brief,
  failuresOf,
  more,
  startLoad,
  Visitor,
  type Load,
} from '../../../lab/load.ts'
import { until } from '../../../lab/processes.ts'
import { startSite, type Site } from '../../../lab/site.ts'

const count = (text: string, found: readonly unknown[]): string =>
  `${found.length} ${text}`

for (const isKeepAlive of [true, false])
  void t.test(
    `a backend killed under 20 clients, ${isKeepAlive ? 'kept-alive' : 'fresh'} connections`,
    async t => {
      const site = await startSite(t, { hasMonitor: true, delayMs: 20 })
      const zope1 = site.backend('zope1')
      const load = startLoad(t, {
        port: site.httpd.port,
        hasCookies: true,
        isKeepAlive,
      })
      await more(load, 200)
      const killedMs = performance.now()
      await zope1.kill('SIGKILL')
      const goneMs = performance.now()
      await more(load, 1_000)
      await until('the monitor to see it', () => !site.has('zope1.up'))
      await more(load, 200)
      const samples = await load.stop()
      // every attempt counts here, also one that the client sends again
      const broken = samples.filter(({ status }) => status !== 200)
      const begun = zope1.begun()
      // 502: connected and then no answer. A 503 would mean that httpd could
      // not connect and did not turn to the other one: never excused.
      const handed = new Set(
        site.httpd
          .accessLog()
          .filter(
            ({ backend, status }) => backend === 'zope1' && status !== 503,
          )
          .map(({ id }) => id),
      )
      t.comment(
        [
          count('requests', samples),
          count('broken', broken),
          count(
            'begun before the kill',
            broken.filter(({ startMs }) => startMs < killedMs),
          ),
          count(
            'during the death',
            broken.filter(
              ({ startMs }) => startMs >= killedMs && startMs <= goneMs,
            ),
          ),
          count(
            'journalled by the backend',
            broken.filter(({ id }) => begun.has(id)),
          ),
          count(
            'sent again by the client',
            broken.filter(({ isSentAgain }) => isSentAgain),
          ),
          count('seen by visitors', failuresOf(samples)),
          `death took ${Math.round(goneMs - killedMs)} ms`,
        ].join(', '),
      )
      t.strictSame(
        broken.filter(({ id }) => !begun.has(id) && !handed.has(id)).map(brief),
        [],
        'only requests inside the backend break',
      )
      t.strictSame(
        broken.filter(({ startMs }) => startMs > goneMs).map(brief),
        [],
        'no request breaks that began after the end of the backend',
      )
      t.ok(
        samples.some(({ backend }) => backend === 'zope1') &&
          samples.at(-1)?.backend === 'zope2',
      )
    },
  )

/** 20 clients: half of them are sticky, the others are new each time. */
function startHalfSticky(t: Test, site: Site): Load {
  const { port } = site.httpd
  return startLoad(t, {
    port,
    visitorOf: number =>
      new Visitor({ port, hasCookies: number % 2 === 0 }, number),
  })
}

for (const victims of [['map'], ['monitor'], ['map', 'monitor']])
  void t.test(`${victims.join(' and ')} killed under 20 clients`, async t => {
    const site = await startSite(t, {
      hasMonitor: true,
      delayMs: 5,
      policy: 'balance',
      names: ['zope1', 'zope2', 'zope3'],
    })
    const load = startHalfSticky(t, site)
    await more(load, 300)
    if (victims.includes('map')) await site.httpd.killMap()
    if (victims.includes('monitor')) await site.monitor?.kill('SIGKILL')
    // of each client one request may have had its answer from the map
    await more(load, 1_000 + 20)
    const samples = await load.stop()
    const lines = site.httpd.accessLog()
    const byFiles = ['txt', 'sentinels']
    const fallen = lines.filter(
      ({ via, route }) => route === '-' && byFiles.includes(via),
    ).length
    t.comment(
      `${samples.length} requests, ${fallen} of new visitors served without the map, by the monitor's files`,
    )
    t.strictSame(failuresOf(samples).map(brief), [], 'no request fails')
    if (victims.includes('map')) t.ok(fallen >= 400)
    else t.equal(fallen, 0)
    t.strictSame(
      lines.filter(({ via }) => !['map', ...byFiles].includes(via)),
      [],
    )
  })

void t.test('new visitors spread over a tier when the map is dead', async t => {
  const site = await startSite(t, {
    policy: 'balance',
    names: ['zope1', 'zope2', 'zope3'],
  })
  await site.httpd.killMap()
  const load = startLoad(t, { port: site.httpd.port, isKeepAlive: false })
  await more(load, 300)
  const samples = await load.stop()
  t.strictSame(failuresOf(samples).map(brief), [])
  const shares = site.backends.map(
    ({ name }) => samples.filter(({ backend }) => backend === name).length,
  )
  t.comment(`${samples.length} requests: ${shares.join(', ')}`)
  for (const share of shares) t.ok(share > samples.length / 10)
})

for (const mpm of ['event', 'worker', 'prefork'] as const)
  void t.test(`six gracefuls under 20 clients, ${mpm}`, async t => {
    const site = await startSite(t, {
      hasMonitor: true,
      delayMs: 2,
      httpd: { mpm },
    })
    const load = startHalfSticky(t, site)
    for (let round = 0; round < 6; round++) {
      await more(load, 200)
      await site.httpd.graceful()
    }
    await more(load, 200)
    const samples = await load.stop()
    await site.httpd.stop()
    // without those in which httpd wakes its own children (OPTIONS *)
    const lines = site.httpd.accessLog().filter(({ id }) => id !== '-')
    const logged = new Set(lines.map(({ id }) => id))
    const again = samples.filter(({ isSentAgain }) => isSentAgain)
    // sticky visitors ask the map program only where the text map says nothing
    const lost = lines.filter(
      ({ via, route }) => via !== 'map' && (route === '-' || via !== 'txt'),
    )
    t.ok(lines.some(({ via }) => via === 'txt'))
    t.comment(
      `${samples.length} requests, ${lost.length} lookups lost, ${failuresOf(samples).length} failed, ${again.length} sent again (they crossed with the end of a kept-alive connection)`,
    )
    t.strictSame(lost, [], 'no lookup lost')
    t.strictSame(failuresOf(samples).map(brief), [], 'no request fails')
    t.strictSame(
      again.filter(({ id }) => logged.has(id)).map(brief),
      [],
      'what was sent again had never been read by httpd',
    )
    t.strictSame(site.httpd.mapProcesses(), [], 'nothing left')
  })
