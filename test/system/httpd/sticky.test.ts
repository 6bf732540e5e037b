// Sticky visitors do not ask the map program: their answer is in the text map.
// In every state in which the map program would move them, it is asked.
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import {
  brief,
  failuresOf,
  more,
  startLoad,
  Visitor,
  type Load,
} from '../../../lab/load.ts'
import { dist, startProgram, until } from '../../../lab/processes.ts'
import { startSite, type Site, type SiteOptions } from '../../../lab/site.ts'

const three = ['zope1', 'zope2', 'zope3']

type SeenAnswer = { answer: string; via: string }

async function visit(site: Site, route: string): Promise<SeenAnswer> {
  const visitor = new Visitor({ port: site.httpd.port, isKeepAlive: false })
  if (route !== '') visitor.cookies.set('zope_route', route)
  const { id } = await visitor.ask('/')
  visitor.leave()
  const { answer, via } = await until('the log line', () =>
    site.httpd.accessLog().find(line => line.id === id),
  )
  return { answer, via }
}

async function becomes(
  site: Site,
  route: string,
  wanted: SeenAnswer,
): Promise<void> {
  await until(`${wanted.via} "${wanted.answer}" for "${route}"`, async () => {
    const { answer, via } = await visit(site, route)
    return answer === wanted.answer && via === wanted.via
  })
}

/** The monitor's text map as it was last written, and the test is the monitor. */
async function startWithoutMonitor(
  t: Tap,
  options: SiteOptions,
): Promise<Site> {
  const site = await startSite(t, { ...options, hasMonitor: true })
  await site.monitor?.kill('SIGKILL')
  return site
}
type Tap = Parameters<typeof startSite>[0]

void t.test('who asks the map program, and who does not', async t => {
  const site = await startSite(t, { names: three, hasMonitor: true })
  t.strictSame(await visit(site, ''), { answer: 'zope1 zope2', via: 'map' })
  t.strictSame(await visit(site, 'zope1'), {
    answer: 'zope1 zope2',
    via: 'txt',
  })
  t.strictSame(await visit(site, 'zope3'), {
    answer: 'zope3 zope1',
    via: 'txt',
  })
  t.match(await visit(site, 'zope9'), { via: 'map' }, 'a forged value')
  site.touch('zope3.drain')
  t.match(await visit(site, 'zope3'), { answer: 'zope3 zope1', via: 'txt' })
  // the text map stops counting at once, before the monitor has seen the file
  for (let round = 0; round < 20; round++) {
    site.touch('zope1.maint')
    t.match(await visit(site, 'zope1'), { via: 'map' })
    const { answer, via } = await visit(site, 'zope3')
    if (via === 'txt') t.not(answer, 'zope3 zope1', 'nor does it stand by')
    await becomes(site, 'zope1', { answer: 'zope2 -', via: 'map' })
    site.remove('zope1.maint')
    await becomes(site, 'zope1', { answer: 'zope1 zope2', via: 'txt' })
  }
  await site.backend('zope1').kill('SIGKILL')
  await until('the monitor to see it', () => !site.has('zope1.up'))
  t.match(await visit(site, 'zope1'), { via: 'map' })
  await becomes(site, 'zope1', { answer: 'zope2 -', via: 'map' })
  await becomes(site, 'zope2', { answer: 'zope2 -', via: 'txt' })
  await site.backend('zope2').kill('SIGKILL')
  await site.backend('zope3').kill('SIGKILL')
  await until('the monitor to see it', () =>
    three.every(name => !site.has(`${name}.up`)),
  )
  for (const name of three)
    await becomes(site, name, { answer: 'NULL', via: 'map' })
})

void t.test(
  'an old text map keeps no visitor at the wrong backend',
  async t => {
    const site = await startWithoutMonitor(t, { names: three })
    t.strictSame(await visit(site, 'zope1'), {
      answer: 'zope1 zope2',
      via: 'txt',
    })
    site.touch('zope2.drain')
    await becomes(site, 'zope1', { answer: 'zope1 zope3', via: 'map' })
    t.strictSame(await visit(site, 'zope2'), {
      answer: 'zope2 zope1',
      via: 'txt',
    })
    site.remove('zope2.drain')
    site.remove('zope1.up')
    await becomes(site, 'zope1', { answer: 'zope2 zope3', via: 'map' })
    site.touch('zope1.force')
    await becomes(site, 'zope1', { answer: 'zope1 zope2', via: 'map' })
    site.touch('zope1.maint')
    await becomes(site, 'zope1', { answer: 'zope2 zope3', via: 'map' })
    // the text map is gone, or says something else
    const file = `${site.directory}/zope-failover.map`
    for (const text of ['', 'default/zope2\n', 'default/zope2 evil\n']) {
      writeFileSync(file, text)
      t.match(await visit(site, 'zope2'), { answer: 'zope2 zope3', via: 'map' })
    }
    rmSync(file)
    t.match(await visit(site, 'zope2'), { answer: 'zope2 zope3', via: 'map' })
    t.notMatch(site.httpd.errorLog(), 'AH00661', 'no error for each request')
    t.match(await visit(site, ''), { via: 'map' })
  },
)

void t.test('stickiness relaxed: a last resort keeps no visitor', async t => {
  for (const hasSpaces of [false, true]) {
    const site = await startWithoutMonitor(t, {
      pool: 'stickiness: relaxed',
      hasSpaces,
    })
    t.strictSame(await visit(site, 'zope2'), {
      answer: 'zope2 zope1',
      via: 'txt',
    })
    // the text map is from before
    for (const share of ['0\n', ' 0\n', '00\n', '0']) {
      writeFileSync(`${site.directory}/zope2.up`, share)
      await becomes(site, 'zope2', { answer: 'zope1 zope2', via: 'map' })
      writeFileSync(`${site.directory}/zope2.up`, '50\n')
      await becomes(site, 'zope2', { answer: 'zope2 zope1', via: 'txt' })
    }
    t.notMatch(site.httpd.errorLog(), /rewrite:error|AH0\d+:.*expr/)
  }
})

void t.test(
  'failback: all, affinity and no cookie ask for each request',
  async t => {
    const failback = await startSite(t, {
      hasMonitor: true,
      pool: 'failback: all',
    })
    t.match(await visit(failback, 'zope1'), {
      answer: 'zope1 zope2',
      via: 'map',
    })
    t.match(await visit(failback, 'zope2'), {
      answer: 'zope1 zope2',
      via: 'map',
    })
    const affinity = await startSite(t, {
      hasMonitor: true,
      conf: ['--affinity=address'],
    })
    t.match(await visit(affinity, 'zope2'), {
      answer: 'zope2 zope1',
      via: 'map',
    })
    const bare = await startSite(t, { hasMonitor: true, conf: ['--no-cookie'] })
    t.match(await visit(bare, 'zope2'), { answer: 'zope1 zope2', via: 'map' })
  },
)

void t.test('httpd started before the text map was there', async t => {
  const site = await startSite(t)
  t.match(await visit(site, 'zope2'), { answer: 'zope2 zope1', via: 'map' })
  const monitor = startProgram(t, process.execPath, [
    `${dist}/cli/main.js`,
    'monitor',
    `--config=${site.configFile}`,
  ])
  await until('the text map', () => {
    if (monitor.isGone()) throw new Error(monitor.output())
    return existsSync(`${site.directory}/zope-failover.map`)
  })
  t.match(await visit(site, 'zope2'), { answer: 'zope2 zope1', via: 'map' })
  await site.httpd.graceful()
  await becomes(site, 'zope2', { answer: 'zope2 zope1', via: 'txt' })
})

void t.test(
  'the look at the map program asks it, with a cookie, too',
  async t => {
    const site = await startSite(t, { hasMonitor: true })
    const look = async (): Promise<string | null> => {
      const { headers } = await fetch(
        `http://127.0.0.1:${site.httpd.port}/.zope-failover/map`,
        { headers: { Cookie: 'zope_route=zope2' } },
      )
      return headers.get('x-zope-failover-map')
    }
    t.equal(await look(), 'ok zope2 zope1')
    await site.httpd.killMap()
    t.equal(await look(), 'dead')
  },
)

/** 10 clients with a route each, and 10 that are new each time. */
function startBoth(t: Tap, port: number): { sticky: Load; fresh: Load } {
  // waiting for the monitor must not take the processor from it
  const options = { port, clients: 10, pauseMs: 20 }
  return {
    sticky: startLoad(t, {
      ...options,
      visitorOf: number => {
        const visitor = new Visitor({ port }, number)
        visitor.cookies.set('zope_route', three[number % 3] ?? '')
        return visitor
      },
    }),
    fresh: startLoad(t, {
      ...options,
      visitorOf: number => new Visitor({ port }, 100 + number),
    }),
  }
}

/** Stops the map program, and resolves with its process id. */
async function stopMap(site: Site): Promise<number> {
  const [pid] = await site.httpd.runningMaps()
  if (pid === undefined) throw new Error('no map program')
  process.kill(pid, 'SIGSTOP')
  return pid
}

async function eachGoesOn(load: Load, count: number): Promise<void> {
  const begin = load.samples.length
  await until(`${count} more requests of each of 10 clients`, () => {
    const counts = new Map<number, number>()
    for (const { client } of load.samples.slice(begin))
      counts.set(client, (counts.get(client) ?? 0) + 1)
    return counts.size === 10 && [...counts.values()].every(it => it >= count)
  })
}

function longest({ samples }: Load): string {
  return Math.max(
    ...samples.map(({ startMs, endMs }) => endMs - startMs),
  ).toFixed(0)
}

/** All of the sticky ones were served by the text map. */
async function endWithoutFailure(
  t: Tap,
  site: Site,
  { sticky, fresh }: ReturnType<typeof startBoth>,
): Promise<void> {
  const all = [...(await sticky.stop()), ...(await fresh.stop())]
  t.strictSame(failuresOf(all).map(brief), [], 'no request fails')
  await site.httpd.stop()
  const lines = site.httpd.accessLog().filter(({ route }) => route !== '-')
  t.comment(`${all.length} requests, ${lines.length} of sticky visitors`)
  t.ok(
    lines.every(
      ({ via, route, answer }) =>
        via === 'txt' && answer.startsWith(`${route} `),
    ),
  )
}

void t.test(
  'a stopped map program: sticky visitors wait for nothing',
  async t => {
    // without a monitor it stays stopped
    const site = await startWithoutMonitor(t, {
      names: three,
      policy: 'balance',
    })
    const { sticky, fresh } = startBoth(t, site.httpd.port)
    await Promise.all([more(sticky, 200), more(fresh, 200)])
    const pid = await stopMap(site)
    // each of the new ones is inside a lookup when nothing comes back any more
    const count = await until('the new ones to wait', async () => {
      const before = fresh.samples.length
      await eachGoesOn(sticky, 2)
      return fresh.samples.length === before && before
    })
    await eachGoesOn(sticky, 20)
    t.equal(
      fresh.samples.length,
      count,
      'the new ones wait for the map program',
    )
    process.kill(pid, 'SIGKILL')
    await more(fresh, 200)
    await endWithoutFailure(t, site, { sticky, fresh })
  },
)

void t.test('the monitor ends it, and the new ones go on', async t => {
  const site = await startSite(t, {
    hasMonitor: true,
    names: three,
    policy: 'balance',
  })
  const { sticky, fresh } = startBoth(t, site.httpd.port)
  await Promise.all([more(sticky, 200), more(fresh, 200)])
  const pid = await stopMap(site)
  await until('the monitor to end the map program', () =>
    site.httpd.mapProcesses().every(it => it.pid !== pid),
  )
  await Promise.all([more(sticky, 200), more(fresh, 200)])
  t.comment(`longest: sticky ${longest(sticky)} ms, new ${longest(fresh)} ms`)
  await endWithoutFailure(t, site, { sticky, fresh })
})
