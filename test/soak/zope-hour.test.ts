// What an hour of probing does to a Zope whose ZEO is frozen: ours leaves it its
// workers; checkers that ask for a page that reads from ZEO leave it none.
//
// What is compressed: when the verdicts are there, the monitor's clock, not its
// code, goes a hundred times as fast (test/fixtures/fast-clock.js) until as many
// probes have come as in an hour and that hour is over for the monitor, too. Its
// intervals are the defaults, the deep probe's the shortest there is. The limits of
// light probe and heartbeat are configured a hundred times as long, so that by the
// wall clock they are the defaults. The others go by the wall clock all the time.
// hcheck has a limit of 1 s; without one each check waits for httpd's Timeout, and
// takes one worker more in a minute.
import t, { type Test } from 'tap'
import {
  startHaproxy,
  startHcheck,
  type Checker,
} from '../../bench/health/checkers.ts'
import { checkout, until } from '../../lab/processes.ts'
import {
  passes,
  seconds,
  watchZopes,
  type WatchedSite,
} from '../../lab/watched-zope.ts'
import { startZeo, type Zeo } from '../../lab/zeo.ts'
import { startZope, type Zope } from '../../lab/zope.ts'

const factor = 100
const clock = `${checkout}/test/fixtures/fast-clock.js?factor=${factor}`
const hourMs = 3_600_000
const threads = 4
/** must read from ZEO, as those ask for who lack the view */
const page = '/@@lab-fresh'
const view = '/@@probe'

await t.test('an hour with a frozen ZEO', async t => {
  const zeo = await startZeo(t)
  const viewed = await startZope(t, { zeo, name: 'view', threads })
  const paged = await startZope(t, { zeo, name: 'page', threads })
  const ours = [viewed, paged]
  const watched = await watchOurs(t, viewed, paged)
  const theirs = [await startWithHaproxy(t, zeo), await startWithHcheck(t, zeo)]

  const fault = watched.story()
  const logged = theirs.map(({ zope }) => zope.output().length)
  const frozenMs = performance.now()
  zeo.freeze()
  await Promise.all([
    ...ours.map(async ({ name }) => {
      const ms = await fault.reaches(name, 'cut-off')
      t.comment(`ours, ${name}: cut off after ${seconds(ms)}`)
    }),
    ...theirs.map(async ({ zope, checker }, index) => {
      // waitress says so of each task that finds no free worker
      await until(`no worker of ${zope.name} is free`, () =>
        zope.output().slice(logged[index]).includes('Task queue depth'),
      )
      const ms = performance.now() - frozenMs
      t.comment(`${checker.name}: no worker is free after ${seconds(ms)}`)
    }),
  ])

  const pinned = begun(paged)
  await liveAnHour(t, watched, viewed, paged)
  t.equal(begun(paged), pinned, 'one deep probe of the page all the time')
  for (const zope of ours) await isServing(t, zope)
  t.equal(await freeWorkers(viewed, 4), 4, 'ours, view: all are free')
  t.equal(await freeWorkers(paged, 3), 3, 'ours, page: all but one are free')

  let served = 0
  const visits = theirs.map(async ({ zope }) => {
    const visit = await zope.get('/')
    served++
    return visit
  })
  // a Zope that dies is reported below
  for (const visit of visits) visit.catch(() => undefined)
  for (const { zope, checker } of theirs)
    t.equal(await freeWorkers(zope, 0), 0, `${checker.name}: none is free`)
  t.equal(served, 0, 'theirs: GET / is not answered')

  const cure = watched.story()
  zeo.thaw()
  for (const { name } of ours) {
    const ms = await cure.reaches(name, 'up')
    t.comment(`ours, ${name}: up ${seconds(ms)} after the thaw`)
  }
  for (const [index, { zope, checker }] of theirs.entries()) {
    const visit = await visits[index]
    t.comment(
      `${checker.name}: 0 of ${threads} workers free, GET / only after the thaw (${seconds(visit?.ms ?? 0)}); ${begun(zope)} checks`,
    )
  }
})

async function watchOurs(
  t: Test,
  viewed: Zope,
  paged: Zope,
): Promise<WatchedSite> {
  const deep = { path: view, interval: '1s' }
  const watched = watchZopes(t, [viewed, paged], {
    node: [`--import=${clock}`],
    probe: {
      timeout: `${5 * factor}s`,
      connectTimeout: `${2 * factor}s`,
      slow: `${factor}s`,
      heartbeat: { timeout: `${factor / 2}s` },
      deep,
    },
    own: { [paged.name]: { deep: { ...deep, path: page } } },
  })
  await watched.isWell()
  await until('a deep probe of the page', () => begun(paged) > 0)
  return watched
}

type Theirs = { readonly zope: Zope; readonly checker: Checker }

async function startWithHaproxy(t: Test, zeo: Zeo): Promise<Theirs> {
  const zope = await startZope(t, { zeo, name: 'haproxy', threads })
  const ports = new Map([[zope.name, zope.port]])
  const [checker] = await startHaproxy(t, ports, ['usual'], page)
  if (checker === undefined) throw new Error('HAProxy has one setup')
  await until('a check of HAProxy', () => begun(zope) > 0)
  return { zope, checker }
}

async function startWithHcheck(t: Test, zeo: Zeo): Promise<Theirs> {
  const zope = await startZope(t, { zeo, name: 'hcheck', threads })
  const checker = await startHcheck(
    t,
    new Map([[zope.name, zope.port]]),
    'hcheck',
    'hcinterval=2 hcfails=3 hcpasses=2 connectiontimeout=1 timeout=1',
    page,
  )
  await until('a check of hcheck', () => begun(zope) > 0)
  return { zope, checker }
}

/** How often the page that reads from ZEO was begun. */
function begun(zope: Zope): number {
  return zope.output().split('lab: fresh begins').length - 1
}

/** By the monitor's clock, and by the number of its probes. */
async function liveAnHour(
  t: Test,
  { monitor, story }: WatchedSite,
  viewed: Zope,
  paged: Zope,
): Promise<void> {
  const zopes = [
    { zope: viewed, wanted: { '/': 3_600, heartbeat: 14_400, [view]: 3_600 } },
    { zope: paged, wanted: { '/': 3_600, heartbeat: 14_400 } },
  ]
  const before = await Promise.all(zopes.map(({ zope }) => asked(zope)))
  const { states } = story()
  const begunMs = performance.now()
  const steps = 10
  monitor.child.kill('SIGUSR2')
  for (let step = 1; step <= steps; step++) {
    await passes(hourMs / factor / steps)
    for (const [index, { zope, wanted }] of zopes.entries())
      await until(`${step} of ${steps} parts of an hour`, async () => {
        await passes(100)
        const now = await asked(zope)
        return Object.entries(wanted).every(
          ([what, number]) =>
            (now[what] ?? 0) - (before[index]?.[what] ?? 0) >=
            (number * step) / steps,
        )
      })
  }
  monitor.child.kill('SIGUSR2')
  const tookMs = performance.now() - begunMs
  for (const [index, { zope, wanted }] of zopes.entries()) {
    const now = await asked(zope)
    const counts = Object.keys(wanted).map(
      what => `${what} ${(now[what] ?? 0) - (before[index]?.[what] ?? 0)}`,
    )
    t.comment(
      `ours, ${zope.name}: ${counts.join(', ')} times in ${seconds(tookMs)}, ${Math.round((tookMs * factor) / 60_000)} minutes for the monitor; states: ${['cut-off', ...states(zope.name)].join(', ')}`,
    )
  }
}

/** How often each page was begun and a heartbeat answered. */
async function asked(zope: Zope): Promise<Readonly<Record<string, number>>> {
  return JSON.parse((await zope.get('/@@lab-asked')).body)
}

async function isServing(t: Test, zope: Zope): Promise<void> {
  const answers = []
  for (let count = 0; count < 100; count++) answers.push(await zope.get('/'))
  t.ok(
    answers.every(({ status }) => status === 200),
    `ours, ${zope.name}: GET / is answered`,
  )
  const took = answers.map(({ ms }) => ms).sort((one, other) => one - other)
  t.comment(
    `ours, ${zope.name}: GET / after ${took[50]?.toFixed(1)} ms (median of 100), ${took.at(-1)?.toFixed(1)} ms (the slowest)`,
  )
}

/** As many as take a page that keeps them; waits for so many at least. */
async function freeWorkers(zope: Zope, least: number): Promise<number> {
  const taken = (): number =>
    zope.output().split('lab: deadlock begins').length - 1
  for (let count = 0; count < threads; count++)
    zope.get('/@@lab-deadlock').catch(() => undefined)
  await until(`${least} free workers of ${zope.name}`, () => taken() >= least)
  await passes(1_000)
  const free = taken()
  zope.release()
  return free
}
