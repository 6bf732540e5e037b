// How long new visitors are badly served when the Zope they would get stops: real
// Zopes behind the real httpd. What it costs is printed; it fails only when a
// Zope that works is called down.
import t, { type Test } from 'tap'
import { apacheConf } from '../../../lab/apache-conf.ts'
import { startHttpd } from '../../../lab/httpd.ts'
import { until } from '../../../lab/processes.ts'
import { passes, watchZopes } from '../../../lab/watched-zope.ts'
import { startZeo } from '../../../lab/zeo.ts'
import { ask } from '../../../lab/zope-client.ts'
import { startZope } from '../../../lab/zope.ts'

const quick = {
  interval: '250ms',
  slow: '250ms',
  heartbeat: { interval: '100ms', timeout: '250ms' },
}
/** one newcomer in so many ms: fewer at once than waitress has connections */
const everyMs = 40
/** who waits longer is badly served */
const patienceMs = 1_000

for (const [title, probe] of [
  ['defaults', {}],
  ['quick settings', quick],
] as const)
  await t.test(title, async t => {
    const zeo = await startZeo(t)
    const zopes = [
      await startZope(t, { zeo, name: 'zope1' }),
      await startZope(t, { zeo, name: 'zope2' }),
    ] as const
    const [zope] = zopes
    // zope1 gets every newcomer as long as it can
    const watched = watchZopes(t, zopes, { probe })
    await watched.isWell()
    const conf = apacheConf(watched.configFile)
    const { port } = await startHttpd(t, { conf })
    const url = `http://127.0.0.1:${port}/`
    await until('a page', async () => (await ask(url)).status === 200)

    for (const fault of ['frozen', 'busy'] as const) {
      await watched.isWell()
      const crowd = startCrowd(url)
      t.teardown(crowd.stop)
      const story = watched.story()
      if (fault === 'frozen') zope.freeze()
      else await zope.occupy('deadlock', 4)
      const ms = await story.reaches('zope1', fault)
      await passes(patienceMs)
      const end = crowd.count()
      await until('new visitors are served again', () => crowd.isServed(end))
      crowd.stop()
      const states = story.states('zope1')
      if (fault === 'frozen') zope.thaw()
      else zope.release()
      const bad = await crowd.bad()
      isNoFalseDown(t, fault, states)
      isNoFalseDown(t, 'none', story.states('zope2'))
      t.comment(
        `${title}, ${fault}: ${bad * everyMs} ms of new visitors badly served, ${fault} after ${Math.round(ms)} ms`,
      )
      await watched.isWell()
    }
  })

function isNoFalseDown(
  t: Test,
  fault: string,
  states: readonly string[],
): void {
  const wrong = fault === 'frozen' ? ['down'] : ['down', 'frozen', 'cut-off']
  t.same(
    states.filter(state => wrong.includes(state)),
    [],
    `no false down: ${states.join(', ')}`,
  )
}

type Crowd = {
  /** how many have come */
  readonly count: () => number
  /** whether a visitor with that number or a later one was served */
  readonly isServed: (number: number) => boolean
  /** no further visitor comes */
  readonly stop: () => void
  /** how many failed or waited too long, when all are over */
  readonly bad: () => Promise<number>
}

/** New visitors, each on its own connection, not waiting for each other. */
function startCrowd(url: string): Crowd {
  const served = new Set<number>()
  const all: Promise<boolean>[] = []
  const timer = setInterval(() => {
    const number = all.length
    all.push(
      ask(url).then(
        ({ status, ms }) => {
          served.add(number)
          return status === 200 && ms <= patienceMs
        },
        () => false,
      ),
    )
  }, everyMs)
  return {
    count: () => all.length,
    isServed: number => [...served].some(one => one >= number),
    stop: () => clearInterval(timer),
    bad: async () => (await Promise.all(all)).filter(isGood => !isGood).length,
  }
}
