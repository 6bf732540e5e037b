// examples/keepalived/ on two machines: what visitors see when one of them fails. Real
// keepalived, httpd, map program, monitor and Zope, in network namespaces.
//
// The limits are those that were promised for two busy cores; how long the machine did
// not run the visitors themselves is taken off (fixtures/fronts.ts).
import t from 'tap'
import type { Test } from 'tap'
import {
  failed,
  failedMs,
  startFronts,
  startVisitors,
  virtualAddress,
} from '../fixtures/fronts.ts'
import type { Front, Fronts } from '../fixtures/fronts.ts'
import { until } from '../fixtures/processes.ts'
import { passes } from '../fixtures/watched-zope.ts'

/** Each moves the address away; `repair` makes the machine good again. */
async function moves(
  t: Test,
  site: Fronts,
  fault: {
    readonly limitMs: number
    readonly inject: (front: Front) => void
    readonly repair: (front: Front) => Promise<void> | void
  },
): Promise<void> {
  const [holder, other] = site.holder()
  const visitors = await startVisitors(t, site)
  fault.inject(holder)
  await until('the other one has the address', () => other.isHolder())
  await visitors.more(40)
  await fault.repair(holder)
  await until(`${holder.name} is good again`, () => holder.score() === '100\n')
  await visitors.more(40)
  const visits = await visitors.stop()
  const ms = failedMs(visits)
  const lost = failed(visits).length
  t.comment(`${lost} of ${visits.length} failed, for ${ms} ms`)
  t.ok(ms <= fault.limitMs, `failed for ${ms} ms, at most ${fault.limitMs}`)
  t.ok(other.isHolder(), 'it does not go back by itself')
  t.match(
    other.machine.run('ip', '-4', 'address', 'show', 'dev', 'eth0'),
    virtualAddress,
  )
}

/** Nothing of this moves the address, and no visitor is lost. */
async function stays(
  t: Test,
  site: Fronts,
  act: (holder: Front, more: (count: number) => Promise<void>) => unknown,
): Promise<void> {
  const [holder] = site.holder()
  const visitors = await startVisitors(t, site)
  await act(holder, visitors.more)
  await visitors.more(60)
  t.strictSame(failed(await visitors.stop()), [])
  t.ok(holder.isHolder(), 'the address stays')
}

function signal(
  found: readonly { readonly pid: number }[],
  name: NodeJS.Signals,
) {
  for (const { pid } of found) process.kill(pid, name)
}

await t.test('each front has a Zope of its own', async t => {
  const site = await startFronts(t, { hasKeepalived: true })
  const zopeOf = (front: Front) =>
    front === site.fronts[0] ? site.zopes[0] : site.zopes[1]

  await t.test('maint front', async t => {
    const [holder, other] = site.holder()
    const visitors = await startVisitors(t, site)
    holder.touch('front.maint')
    await until('the other one has the address', () => other.isHolder())
    await visitors.more(20)
    holder.remove('front.maint')
    await until('ready', () => holder.score() === '100\n')
    await visitors.more(40)
    const lost = failed(await visitors.stop())
    t.ok(lost.length <= 2, `${lost.length} lost, at most 2`)
    t.ok(other.isHolder(), 'it does not go back by itself')
  })

  await t.test('httpd killed', async t =>
    moves(t, site, {
      limitMs: 2_000,
      inject: front => signal(front.httpd().processes(), 'SIGKILL'),
      repair: front => front.startHttpd(),
    }),
  )

  await t.test('httpd frozen', async t => {
    let frozen: { pid: number }[] = []
    await moves(t, site, {
      limitMs: 3_000,
      inject: front => {
        const maps = front.httpd().mapProcesses()
        frozen = front
          .httpd()
          .processes()
          .filter(({ pid }) => !maps.some(map => map.pid === pid))
        signal(frozen, 'SIGSTOP')
      },
      repair: () => signal(frozen, 'SIGCONT'),
    })
  })

  await t.test('map program hung', async t =>
    moves(t, site, {
      limitMs: 4_000,
      inject: front => signal(front.httpd().mapProcesses(), 'SIGSTOP'),
      // the monitor ends a map that hangs; httpd has none then until its restart
      repair: async front => {
        await until('httpd serves without it', () => front.score() === '100\n')
        await front.httpd().graceful()
      },
    }),
  )

  await t.test('its only Zope accepts and never answers', async t =>
    moves(t, site, {
      limitMs: 2_000,
      inject: front => zopeOf(front).freeze(),
      repair: front => zopeOf(front).thaw(),
    }),
  )

  await t.test('map program killed', async t =>
    stays(t, site, async holder => {
      await holder.httpd().killMap()
    }),
  )

  await t.test('graceful restart', async t =>
    stays(t, site, async holder => {
      await holder.httpd().graceful()
    }),
  )

  await t.test('monitor killed', async t => {
    const [holder] = site.holder()
    await stays(t, site, () => holder.monitor().kill('SIGKILL'))
    holder.startMonitor()
    await until('it judges again', () =>
      holder.monitor().output().includes('front changed'),
    )
  })

  await t.test('they do not hear each other for 4 s', async t => {
    const [, other] = site.holder()
    const visitors = await startVisitors(t, site)
    site.network.carryMulticast(false)
    await until('both have the address', () => other.isHolder())
    await passes(4_000)
    site.network.carryMulticast(true)
    const startMs = performance.now()
    await until(
      'one has it',
      () => site.fronts.filter(front => front.isHolder()).length === 1,
    )
    t.comment(`healed after ${Math.round(performance.now() - startMs)} ms`)
    await visitors.more(40)
    const lost = failed(await visitors.stop())
    t.ok(lost.length <= 3, `${lost.length} lost, at most 3`)
  })

  await t.test('no Zope on either front', async t => {
    const moved = (): number =>
      site.fronts.reduce(
        (sum, { keepalived }) =>
          sum + keepalived().output().split('Entering MASTER').length - 1,
        0,
      )
    const before = moved()
    for (const zope of site.zopes) zope.freeze()
    for (const { name, score } of site.fronts)
      await until(`${name} has nobody`, () => score() === undefined)
    const visitors = await startVisitors(t, site)
    await passes(15_000)
    t.ok(moved() - before <= 1, 'the address moves once at most')
    t.equal(site.fronts.filter(front => front.isHolder()).length, 1)
    const visits = await visitors.stop()
    t.ok(visits.length > 100)
    t.strictSame(
      visits.filter(
        ({ status, retryAfter }) => status !== 503 || retryAfter === null,
      ),
      [],
      'all see the maintenance page',
    )
    for (const zope of site.zopes) zope.thaw()
    for (const { name, score } of site.fronts)
      await until(`${name} is good again`, () => score() === '100\n')
  })
})

await t.test('both fronts know both Zopes', async t => {
  const site = await startFronts(t, { isShared: true, hasKeepalived: true })
  const [zope1] = site.zopes
  await t.test('one of them accepts and never answers', async t =>
    stays(t, site, async (holder, more) => {
      zope1.freeze()
      await until('it is out', () => !holder.has('zope1.up'))
      await more(20)
      zope1.thaw()
      await until('it is back', () => holder.has('zope1.up'))
    }),
  )
})
