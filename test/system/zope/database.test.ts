// Zopes whose database is gone, slow to come back, or behind a link that is half
// open: pages go on being served from the cache, and the monitor says what is wrong.
import t, { type Test } from 'tap'
import { startForwarder } from '../../../lab/forwarder.ts'
import { until } from '../../../lab/processes.ts'
import {
  passes,
  seconds,
  watchZopes,
  type WatchedSite,
} from '../../../lab/watched-zope.ts'
import { startZeo, type Zeo } from '../../../lab/zeo.ts'
import { askProbe } from '../../../lab/zope-client.ts'
import { startZope, type Zope } from '../../../lab/zope.ts'

const view = { path: '/@@probe', interval: '1s', timeout: '1s' }
/** a page that must read from ZEO, as those have who lack the view */
const page = { ...view, path: '/@@lab-fresh' }
const both = ['zope1', 'zope2']

type Lab = {
  readonly zeo: Zeo
  readonly zopes: readonly Zope[]
  readonly watched: WatchedSite
}

/** zope1 has the view, zope2 the page. */
async function startLab(t: Test): Promise<Lab> {
  const zeo = await startZeo(t)
  const zopes = [
    await startZope(t, { zeo, name: 'zope1' }),
    await startZope(t, { zeo, name: 'zope2' }),
  ]
  const watched = watchZopes(t, zopes, {
    probe: { deep: view },
    own: { zope2: { deep: page } },
  })
  await watched.isWell()
  for (const zope of zopes) await zope.get('/@@lab-count')
  await until('a deep probe of the page', () => fresh(zopes[1]) > 0)
  return { zeo, zopes, watched }
}

/** How often the page that reads from ZEO was begun. */
function fresh(zope: Zope | undefined): number {
  return (zope?.output().split('lab: fresh begins').length ?? 1) - 1
}

await t.test('ZEO killed, and there again', async t => {
  const { zeo, zopes, watched } = await startLab(t)
  const fault = watched.story()
  await zeo.kill()
  const cut = []
  for (const name of both) cut.push(await fault.reaches(name, 'cut-off'))
  await isKeptByFloor(watched)
  for (const zope of zopes) {
    t.equal((await zope.get('/')).status, 200)
    t.equal((await zope.get('/@@lab-count')).status, 200, 'a cached page')
    isNeverDown(t, fault.states(zope.name))
  }
  const cure = watched.story()
  await zeo.restart()
  const up = []
  for (const name of both) up.push(await cure.reaches(name, 'up'))
  await watched.isWell()
  t.comment(
    `ZEO killed: cut off after ${cut.map(seconds).join(' (view) and ')} (page), up ${up.map(seconds).join(' and ')} after the restart began`,
  )
})

await t.test('ZEO frozen, and thawed', async t => {
  const { zeo, zopes, watched } = await startLab(t)
  const fault = watched.story()
  zeo.freeze()
  const cut = []
  for (const name of both) cut.push(await fault.reaches(name, 'cut-off'))
  await isKeptByFloor(watched)
  const begun = fresh(zopes[1])
  await passes(4_000)
  t.equal(fresh(zopes[1]), begun, 'one deep probe in flight, forever')
  for (const zope of zopes) {
    t.equal((await zope.get('/')).status, 200)
    t.equal((await zope.get('/@@lab-count')).status, 200, 'a cached page')
  }
  const workers = (await askProbe(zopes[0]?.url ?? '')).workers
  t.match(workers, { queue: 0 }, 'no worker of the view is kept')
  const cure = watched.story()
  zeo.thaw()
  const up = []
  for (const name of both) up.push(await cure.reaches(name, 'up'))
  await watched.isWell()
  t.comment(
    `ZEO frozen: cut off after ${cut.map(seconds).join(' (view) and ')} (page), up ${up.map(seconds).join(' and ')} after the thaw`,
  )
})

await t.test('ZEO restarted at once: no verdict changes', async t => {
  const { zeo, zopes, watched } = await startLab(t)
  const story = watched.story()
  const begun = performance.now()
  await zeo.restart()
  const away = performance.now() - begun
  const before = fresh(zopes[1])
  await until('three more deep probes', () => fresh(zopes[1]) >= before + 3)
  for (const name of both)
    t.same(
      story.changes(name).filter(change => change.outcome.startsWith('deep')),
      [],
      'nothing is said of the database',
    )
  for (const name of both)
    t.comment(
      `ZEO away for ${seconds(away)}: ${name} ${story.states(name).join(', ') || 'up all the time'}`,
    )
})

await t.test('a half-open link: the stale one is named', async t => {
  const zeo = await startZeo(t)
  const via = await startForwarder(t, zeo.port)
  const zopes = [
    await startZope(t, { zeo, name: 'zope1', via }),
    await startZope(t, { zeo, name: 'zope2' }),
  ] as const
  const [stale, peer] = zopes
  const watched = watchZopes(t, zopes, { probe: { deep: view } })
  await watched.isWell()
  await peer.get('/@@lab-add')
  await until(
    'both know the count',
    async () => (await stale.get('/@@lab-count')).body === '1',
  )
  const fault = watched.story()
  via.stop()
  t.equal((await peer.get('/@@lab-add')).body, '2')
  t.equal((await stale.get('/@@lab-count')).body, '1', 'a page from the past')
  const cut = await fault.reaches('zope1', 'cut-off')
  await until('no share', () => watched.share('zope1') === null)
  const reason = await until('its pages are called old', () => {
    const reason = watched.report('zope1')?.reason
    return (
      reason !== undefined && reason.includes('it serves stale pages') && reason
    )
  })
  await passes(1_000)
  t.type(watched.share('zope2'), 'number')
  isNeverDown(t, fault.states('zope2'))
  t.notOk(fault.states('zope2').includes('cut-off'), 'its peer stays up')
  const cure = watched.story()
  via.resume()
  const up = await cure.reaches('zope1', 'up')
  t.equal((await stale.get('/@@lab-count')).body, '2')
  t.comment(
    `a half-open link: cut off after ${seconds(cut)}, up ${seconds(up)} after it flows again; ${reason}`,
  )
})

async function isKeptByFloor(watched: WatchedSite): Promise<void> {
  for (const name of both) {
    await until('the last resort', () => watched.share(name) === 0)
    await until('and why', () =>
      watched.report(name)?.reason.endsWith('kept as last resort by minAlive'),
    )
    await until('it', () => watched.state(name) === 'cut-off')
  }
  // a line of the log may arrive here later than the file that follows it
  for (const name of both)
    await until(`${name} is logged as kept`, () =>
      watched
        .logged('too few backends are left (minAlive)')
        .flatMap(line => line['kept'])
        .includes(name),
    )
}

function isNeverDown(t: Test, states: readonly string[]): void {
  t.same(
    states.filter(state => ['frozen', 'down'].includes(state)),
    [],
    `neither frozen nor down: ${states.join(', ')}`,
  )
}
