// A Zope that has too much to do, as the monitor judges it: it is never shot
// while it works, and only a deadlock ends it.
import t, { type Test } from 'tap'
import { until } from '../../../lab/processes.ts'
import {
  passes,
  seconds,
  watchZopes,
  type WatchedSite,
} from '../../../lab/watched-zope.ts'
import { startZeo } from '../../../lab/zeo.ts'
import { holdConnections } from '../../../lab/zope-client.ts'
import { startZope, type Zope } from '../../../lab/zope.ts'

type Lab = { readonly zope: Zope; readonly watched: WatchedSite }

async function startLab(
  t: Test,
  probe: Readonly<Record<string, unknown>> = {},
  threads = 4,
): Promise<Lab> {
  const zope = await startZope(t, {
    zeo: await startZeo(t),
    name: 'zope1',
    threads,
  })
  const watched = watchZopes(t, [zope], { probe })
  await watched.isWell()
  return { zope, watched }
}

for (const [title, probe] of [
  ['defaults', {}],
  [
    'quick settings',
    {
      interval: '250ms',
      slow: '250ms',
      heartbeat: { interval: '100ms', timeout: '250ms' },
    },
  ],
] as const)
  await t.test(`four threads in a slow page, ${title}`, async t => {
    const { zope, watched } = await startLab(t, probe)
    const fault = watched.story()
    // as slow as the test wants it
    await zope.occupy('deadlock', 4)
    const busy = await fault.reaches('zope1', 'busy')
    await until('share 0', () => watched.share('zope1') === 0)
    t.match(fault.changes('zope1').at(-1)?.reason, /its heartbeat is alive/)
    const cure = watched.story()
    zope.release()
    const up = await cure.reaches('zope1', 'up')
    isNeverShot(t, fault.states('zope1'))
    t.comment(
      `slow pages, ${title}: busy after ${seconds(busy)}, up ${seconds(up)} after their end`,
    )
  })

await t.test('four threads at work, one free', async t => {
  const { zope, watched } = await startLab(t, {}, 5)
  const fault = watched.story()
  const { answers } = await zope.occupy('burn', 4, 6)
  for (const answer of answers) t.equal((await answer).body, 'burnt')
  isNeverShot(t, fault.states('zope1'))
  await watched.isWell()
  t.comment(`burning for 6 s: ${shown(fault.states('zope1'))}`)
})

await t.test('all threads at work', async t => {
  const { zope, watched } = await startLab(t)
  const fault = watched.story()
  const { answers } = await zope.occupy('burn', 4, 6)
  for (const answer of answers) t.equal((await answer).body, 'burnt')
  isNeverShot(t, fault.states('zope1'))
  await watched.isWell()
  t.comment(`all burning for 6 s: ${shown(fault.states('zope1'))}`)
})

await t.test('a long report in all threads, three times the limit', async t => {
  const { zope, watched } = await startLab(t, {
    interval: '500ms',
    timeout: '1s',
    slow: '500ms',
    deep: { path: '/@@probe', interval: '1s', timeout: '100ms' },
  })
  const fault = watched.story()
  await zope.occupy('deadlock', 4)
  const busy = await fault.reaches('zope1', 'busy')
  await passes(3_500)
  await until('busy all the time', () => watched.state('zope1') === 'busy')
  t.same(
    fault.states('zope1').filter(state => state !== 'slow'),
    ['busy'],
  )
  const cure = watched.story()
  zope.release()
  const up = await cure.reaches('zope1', 'up')
  isNeverShot(t, fault.states('zope1'))
  t.comment(
    `a long report: busy after ${seconds(busy)}, up ${seconds(up)} after its end`,
  )
})

await t.test('busy, and a hundred connections wait', async t => {
  const { zope, watched } = await startLab(t)
  const fault = watched.story()
  await zope.occupy('deadlock', 4)
  await fault.reaches('zope1', 'busy')
  // some heartbeats
  await passes(1_500)
  const close = await holdConnections(t, zope.port, 100)
  await until('waitress accepts no more', () =>
    zope.output().includes('no longer accepting new connections'),
  )
  // longer than it takes to be called frozen
  await passes(4_500)
  isNeverShot(t, fault.states('zope1'))
  const cure = watched.story()
  close()
  zope.release()
  const up = await cure.reaches('zope1', 'up')
  t.comment(`a full queue: up ${seconds(up)} after its end`)
})

await t.test('a deadlock of all threads: down after busyTimeout', async t => {
  const { zope, watched } = await startLab(t, {
    timeout: '2s',
    busyTimeout: '3s',
  })
  const fault = watched.story()
  await zope.occupy('deadlock', 4)
  const busy = await fault.reaches('zope1', 'busy')
  const down = await fault.reaches('zope1', 'down')
  t.match(
    fault.changes('zope1').at(-1)?.reason,
    'no worker answered within 3 s (the limit of busyTimeout)',
  )
  await until('the only one: the last resort', () => {
    return (
      watched.share('zope1') === 0 &&
      watched.logged('too few backends are left (minAlive)').length > 0
    )
  })
  const cure = watched.story()
  zope.release()
  const up = await cure.reaches('zope1', 'up')
  t.equal((await zope.get('/')).status, 200)
  t.comment(
    `a deadlock, busyTimeout 3 s: busy after ${seconds(busy)}, down after ${seconds(down)}, up ${seconds(up)} after its end`,
  )
})

function shown(states: readonly string[]): string {
  return states.length === 0 ? 'up all the time' : states.join(', ')
}

function isNeverShot(t: Test, states: readonly string[]): void {
  t.same(
    states.filter(state => ['frozen', 'down', 'cut-off'].includes(state)),
    [],
    `neither frozen nor down: ${shown(states)}`,
  )
}
