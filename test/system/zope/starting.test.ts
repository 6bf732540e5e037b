// A Zope that is started while its ZEO is not there, to the end: down until Zope
// gives up, or until ZEO comes and it serves; never one who may serve as a last
// resort.
import t, { type Test } from 'tap'
import { until } from '../../../lab/processes.ts'
import {
  passes,
  seconds,
  watchZopes,
  type Story,
  type WatchedSite,
} from '../../../lab/watched-zope.ts'
import { startZeo, type Zeo } from '../../../lab/zeo.ts'
import { makeZope, type Zope } from '../../../lab/zope.ts'

type Lab = {
  readonly zeo: Zeo
  readonly zope: Zope
  readonly watched: WatchedSite
  readonly story: Story
  readonly launchedMs: number
  /** from the launch of both to the verdict */
  readonly downMs: number
}

/** ZEO is gone; Zope and the monitor are launched together. */
async function startLab(t: Test): Promise<Lab> {
  const zeo = await startZeo(t)
  const zope = await makeZope(t, { zeo, name: 'zope1' })
  await zeo.kill()
  const launchedMs = performance.now()
  zope.launch()
  const watched = watchZopes(t, [zope], {
    probe: { deep: { path: '/@@probe', interval: '1s' } },
  })
  const story = watched.story()
  const downMs = await story.reaches('zope1', 'down')
  await until('Zope misses ZEO', () =>
    /Connection to .* failed/.test(zope.output()),
  )
  return { zeo, zope, watched, story, launchedMs, downMs }
}

await t.test('ZEO does not come: Zope gives up', async t => {
  const { zeo, zope, watched, story, launchedMs, downMs } = await startLab(t)
  await until('Zope gives up', () => zope.isGone())
  const goneMs = performance.now() - launchedMs
  await isOut(t, watched, story)

  const cure = watched.story()
  await zeo.restart()
  zope.launch()
  const upMs = await cure.reaches('zope1', 'up')
  await watched.isWell()
  isNeverShot(t, cure.states('zope1'))
  t.comment(
    `ZEO does not come: down after ${seconds(downMs)}, Zope gave up after ${seconds(goneMs)}; up ${seconds(upMs)} after ZEO was started, and then Zope`,
  )
})

await t.test('ZEO comes while Zope waits', async t => {
  const { zeo, zope, watched, story, launchedMs, downMs } = await startLab(t)
  await passes(5_000)
  await isOut(t, watched, story)
  t.notOk(zope.isGone(), 'it waits')

  const waitedMs = performance.now() - launchedMs
  const cure = watched.story()
  await zeo.restart()
  const upMs = await cure.reaches('zope1', 'up')
  await watched.isWell()
  isNeverShot(t, cure.states('zope1'))
  t.comment(
    `ZEO comes: down after ${seconds(downMs)}, ZEO there after ${seconds(waitedMs)}, up ${seconds(upMs)} later`,
  )
})

async function isOut(
  t: Test,
  watched: WatchedSite,
  story: Story,
): Promise<void> {
  const report = await until('a refused probe', () => {
    const now = watched.report('zope1')
    return now?.probes.at(-1)?.outcome === 'refused' && now
  })
  t.match(report, { state: 'down', share: null })
  t.same(story.states('zope1'), ['down'], 'one verdict')
  t.equal(watched.share('zope1'), null)
  t.same(watched.logged('too few backends are left (minAlive)'), [], 'not kept')
  t.comment(`the monitor says: ${report.reason}`)
}

function isNeverShot(t: Test, states: readonly string[]): void {
  t.same(
    states.filter(state => ['frozen', 'down', 'cut-off'].includes(state)),
    [],
    `neither frozen nor down: ${states.join(', ')}`,
  )
}
