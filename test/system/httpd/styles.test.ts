// The styles that need no map program: what the text map and the sentinels
// say, and what is left when they are gone.
import { rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import type { Httpd } from '../../../lab/httpd.ts'
import {
  brief,
  failuresOf,
  more,
  startLoad,
  Visitor,
} from '../../../lab/load.ts'
import { until } from '../../../lab/processes.ts'
import { startSite, type Site } from '../../../lab/site.ts'

const three = ['zope1', 'zope2', 'zope3']

type SeenAnswer = { backend: string | undefined; answer: string; via: string }

async function visit(httpd: Httpd, route = ''): Promise<SeenAnswer> {
  const visitor = new Visitor({ port: httpd.port, isKeepAlive: false })
  if (route !== '') visitor.cookies.set('zope_route', route)
  const { id, backend } = await visitor.ask('/')
  visitor.leave()
  // httpd writes its log after the answer
  const { answer, via } = await until('the log line', () =>
    httpd.accessLog().find(line => line.id === id),
  )
  return { backend, answer, via }
}

/** Asks until the rules answer so. */
async function becomes(
  site: Site,
  route: string,
  backend: string,
): Promise<SeenAnswer> {
  return until(`${backend} for "${route}"`, async () => {
    const seen = await visit(site.httpd, route)
    return seen.backend === backend && seen
  })
}

void t.test('txt: the monitor decides, no program answers', async t => {
  const site = await startSite(t, {
    names: three,
    hasMonitor: true,
    conf: ['--style=txt'],
  })
  t.strictSame(site.httpd.mapProcesses(), [])
  t.strictSame(await visit(site.httpd), {
    backend: 'zope1',
    answer: 'zope1 zope2',
    via: 'txt',
  })
  t.strictSame(await visit(site.httpd, 'zope3'), {
    backend: 'zope3',
    answer: 'zope3 zope1',
    via: 'txt',
  })
  site.touch('zope1.drain')
  t.match(await visit(site.httpd), { backend: 'zope2' }, 'at once')
  t.match(await visit(site.httpd, 'zope1'), { backend: 'zope1' })
  await until(
    'the map to say so',
    async () => (await visit(site.httpd)).via === 'txt',
  )
  site.touch('zope2.maint')
  t.match(await visit(site.httpd), { backend: 'zope3' }, 'at once')
  t.match(await visit(site.httpd, 'zope2'), { backend: 'zope3' })
  // no standby until the text map has another backend
  await until(
    'zope3 to stand by',
    async () => (await visit(site.httpd, 'zope1')).answer === 'zope1 zope3',
  )
  site.remove('zope1.drain')
  site.remove('zope2.maint')
  await becomes(site, '', 'zope1')
  await site.backend('zope1').kill('SIGKILL')
  await until('the monitor to see it', () => !site.has('zope1.up'))
  // zope2 serves before the text map says so: it stands by
  const seen = await until('the text map to say so', async () => {
    const one = await visit(site.httpd, 'zope1')
    return one.answer === 'zope2 zope3' && one
  })
  t.match(seen, { backend: 'zope2', via: 'txt' })
})

void t.test('txt: weights', async t => {
  const site = await startSite(t, {
    hasMonitor: true,
    policy: 'balance',
    pool: 'members: [zope1, { name: zope2, weight: 3 }]',
    conf: ['--style=txt'],
  })
  const load = startLoad(t, { port: site.httpd.port, clients: 10 })
  await more(load, 600)
  const samples = await load.stop()
  t.strictSame(failuresOf(samples).map(brief), [])
  const share =
    samples.filter(({ backend }) => backend === 'zope2').length / samples.length
  t.comment(
    `${samples.length} requests, ${(100 * share).toFixed(1)} % to zope2`,
  )
  // 600 draws of 0.75: ten standard deviations
  t.ok(share > 0.57 && share < 0.93)
  await site.httpd.stop()
  t.ok(site.httpd.accessLog().every(({ via }) => via === 'txt'))
})

void t.test('txt: without the monitor administrators still count', async t => {
  const site = await startSite(t, {
    names: three,
    hasMonitor: true,
    conf: ['--style=txt'],
  })
  await site.monitor?.kill('SIGKILL')
  site.touch('zope1.maint')
  t.match(await visit(site.httpd), { backend: 'zope2' })
  t.match(await visit(site.httpd, 'zope1'), { backend: 'zope2' })
  t.match(await visit(site.httpd, 'zope3'), { answer: 'zope3 -', via: 'txt' })
  site.remove('zope1.maint')
  t.match(await visit(site.httpd), { backend: 'zope1', via: 'txt' })
  // the last verdicts leave no backend: the site stays open
  const file = `${site.directory}/zope-failover.map`
  for (const text of ['', 'default\n', 'default NULL\n', 'default evil\n']) {
    writeFileSync(file, text)
    t.match(await visit(site.httpd), { backend: 'zope1', via: 'sentinels' })
  }
  rmSync(file)
  t.match(await visit(site.httpd), { backend: 'zope1', via: 'sentinels' })
  t.notMatch(site.httpd.errorLog(), 'AH00661', 'and no line for each request')
  await site.httpd.graceful()
  t.match(await visit(site.httpd), { backend: 'zope1', via: 'sentinels' })
})

void t.test('txt: a value half written is never seen', async t => {
  const site = await startSite(t, {
    hasMonitor: true,
    policy: 'balance',
    conf: ['--style=txt', '--no-cookie'],
  })
  const load = startLoad(t, { port: site.httpd.port, clients: 10 })
  for (let round = 0; round < 20; round++) {
    site.touch('zope1.drain')
    await more(load, 20)
    site.remove('zope1.drain')
    await more(load, 20)
  }
  const samples = await load.stop()
  t.strictSame(failuresOf(samples).map(brief), [])
  await site.httpd.stop()
  const vias = new Set(site.httpd.accessLog().map(({ via }) => via))
  // the moment between the file and the map
  vias.delete('sentinels')
  t.strictSame([...vias], ['txt'])
})

void t.test('sentinel: the files alone', async t => {
  const site = await startSite(t, { names: three, conf: ['--style=sentinel'] })
  t.strictSame(site.httpd.mapProcesses(), [])
  t.strictSame(await visit(site.httpd), {
    backend: 'zope1',
    answer: 'zope1 zope2',
    via: 'sentinels',
  })
  t.match(await visit(site.httpd, 'zope3'), { backend: 'zope3' })
  site.remove('zope1.up')
  t.match(await visit(site.httpd), { backend: 'zope2' })
  site.touch('zope2.drain')
  t.match(await visit(site.httpd), { backend: 'zope3' })
  t.match(await visit(site.httpd, 'zope2'), { backend: 'zope2' })
  site.touch('zope3.maint')
  t.match(await visit(site.httpd), { backend: 'zope1', via: 'last-resort' })
})

void t.test('prg: a dead map leaves the text map', async t => {
  const site = await startSite(t, {
    hasMonitor: true,
    policy: 'balance',
    pool: 'members: [zope1, { name: zope2, weight: 9 }]',
  })
  t.match(await visit(site.httpd), { via: 'map' })
  await site.httpd.killMap()
  const load = startLoad(t, { port: site.httpd.port, clients: 10 })
  await more(load, 300)
  const samples = await load.stop()
  t.strictSame(failuresOf(samples).map(brief), [])
  const toSecond = samples.filter(({ backend }) => backend === 'zope2').length
  t.comment(`${samples.length} requests, ${toSecond} to zope2`)
  t.ok(toSecond > 0.7 * samples.length, 'with its weights')
  t.match(await visit(site.httpd), { via: 'txt' })
  rmSync(`${site.directory}/zope-failover.map`)
  await until('the monitor to write it again', () =>
    site.has('zope-failover.map'),
  )
  await site.monitor?.kill('SIGKILL')
  rmSync(`${site.directory}/zope-failover.map`)
  t.match(await visit(site.httpd), { via: 'sentinels' })
})
