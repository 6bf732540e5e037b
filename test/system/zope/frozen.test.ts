// A Zope that is dead, frozen, or only seems to be, as the monitor judges it.
import t, { type Test } from 'tap'
import { lastingMs } from '../../../health/reported-state.ts'
import { until } from '../../../lab/processes.ts'
import {
  passes,
  seconds,
  watchZopes,
  type WatchedSite,
} from '../../../lab/watched-zope.ts'
import { startZeo } from '../../../lab/zeo.ts'
import { holdConnections } from '../../../lab/zope-client.ts'
import {
  makeZope,
  startZope,
  type Zope,
  type ZopeOptions,
} from '../../../lab/zope.ts'

type Lab = { readonly zope: Zope; readonly watched: WatchedSite }

async function startLab(
  t: Test,
  options: Partial<ZopeOptions> = {},
): Promise<Lab> {
  const zope = await startZope(t, {
    zeo: await startZeo(t),
    name: 'zope1',
    ...options,
  })
  const watched = watchZopes(t, [zope])
  await watched.isWell()
  return { zope, watched }
}

await t.test('killed, and started again', async t => {
  const { zope, watched } = await startLab(t)
  const fault = watched.story()
  await zope.kill()
  const away = await fault.leaves('zope1')
  const down = await fault.reaches('zope1', 'down')
  await until('no share', () => watched.share('zope1') === null)
  await until('reported', () => watched.state('zope1') === 'down')
  t.match(watched.report('zope1')?.reason, 'the connection was refused')
  const cure = watched.story()
  await zope.start()
  const good = cure.reaches('zope1', 'up')
  t.comment(
    `killed: new visitors elsewhere after ${seconds(away)}, down after ${seconds(down)}, up ${seconds(await good)} after the start`,
  )
})

await t.test('frozen, and thawed', async t => {
  const { zope, watched } = await startLab(t)
  const fault = watched.story()
  zope.freeze()
  const away = await fault.leaves('zope1')
  await until('share 0', () => watched.share('zope1') === 0)
  const frozen = await fault.reaches('zope1', 'frozen')
  await until('no share', () => watched.share('zope1') === null)
  t.notOk(fault.states('zope1').includes('down'))
  const cure = watched.story()
  zope.thaw()
  const up = await cure.reaches('zope1', 'up')
  t.same(
    watched.logged('the monitor itself cannot probe'),
    [],
    'nor is its own probe, dropped with all connections, trouble',
  )
  t.comment(
    `frozen: new visitors elsewhere after ${seconds(away)}, frozen after ${seconds(frozen)}, up ${seconds(up)} after the thaw`,
  )
})

await t.test('frozen for long: no probes pile up', async t => {
  const { zope, watched } = await startLab(t)
  const fault = watched.story()
  zope.freeze()
  await fault.reaches('zope1', 'frozen')
  await passes(6_000)
  t.equal(watched.state('zope1'), 'frozen', 'it stays frozen')
  const cure = watched.story()
  zope.thaw()
  const up = await cure.reaches('zope1', 'up')
  t.equal((await zope.get('/')).status, 200)
  t.comment(`frozen for 9 s: up ${seconds(up)} after the thaw`)
})

await t.test(
  'stopped for less than a second: avoided, not reported',
  async t => {
    const { zope, watched } = await startLab(t)
    const story = watched.story()
    let longestMs = 0
    for (let pause = 0; pause < 3; pause++) {
      const fault = watched.story()
      const begunMs = performance.now()
      zope.freeze()
      const away = await fault.leaves('zope1')
      zope.thaw()
      await until('share 100', () => watched.share('zope1') === 100)
      longestMs = Math.max(longestMs, performance.now() - begunMs)
      t.comment(`stopped: new visitors elsewhere after ${seconds(away)}`)
    }
    await passes(1_500)
    const states = story.states('zope1')
    // on a machine with too much to do it may last, and then it is reported
    if (longestMs < lastingMs)
      t.same(states, [], 'no change that lasted under a second was reported')
    else t.comment(`it lasted for ${seconds(longestMs)}: ${states.join(', ')}`)
    await until('reported as up', () => watched.state('zope1') === 'up')
  },
)

await t.test('the interpreter held for two seconds', async t => {
  const { zope, watched } = await startLab(t)
  const fault = watched.story()
  const { answers } = await zope.occupy('hold', 1, 2)
  for (const answer of answers) t.equal((await answer).body, 'held')
  await until('up with its whole share', () => watched.share('zope1') === 100)
  const states = fault.states('zope1')
  isNeverShot(t, states)
  t.comment(`held for 2 s: ${states.join(', ')}`)
})

await t.test('a hundred idle connections: closed to new visitors', async t => {
  const { zope, watched } = await startLab(t)
  const fault = watched.story()
  const close = await holdConnections(t, zope.port, 100)
  const away = await fault.leaves('zope1')
  const frozen = await fault.reaches('zope1', 'frozen')
  await until('no share', () => watched.share('zope1') === null)
  const cure = watched.story()
  close()
  const up = await cure.reaches('zope1', 'up')
  t.comment(
    `100 idle connections: new visitors elsewhere after ${seconds(away)}, frozen after ${seconds(frozen)}, up ${seconds(up)} after they closed`,
  )
})

await t.test('starting', async t => {
  const zeo = await startZeo(t)
  const zope = await makeZope(t, { zeo, name: 'zope1' })
  const watched = watchZopes(t, [zope])
  await watched.story().reaches('zope1', 'down')
  await zeo.kill()
  const story = watched.story()
  zope.launch()
  await until('Zope misses ZEO', () =>
    /Connection to .* failed/.test(zope.output()),
  )
  t.same(story.states('zope1'), [], 'down as long as it waits for ZEO')
  await zeo.restart()
  const cure = watched.story()
  const up = await cure.reaches('zope1', 'up')
  isNeverShot(t, cure.states('zope1'))
  t.comment(`starting: up ${seconds(up)} after ZEO`)
})

function isNeverShot(t: Test, states: readonly string[]): void {
  t.same(
    states.filter(state => ['frozen', 'down', 'cut-off'].includes(state)),
    [],
    `neither frozen nor down: ${states.join(', ')}`,
  )
}
