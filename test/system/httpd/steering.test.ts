// Drain, maintenance, a hung backend, none left: what visitors get, with the
// real monitor and the real map.
import { readdirSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import t from 'tap'
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

/** The backend that serves a new visitor. */
async function newcomer(site: Site): Promise<string | undefined> {
  const visitor = new Visitor({ port: site.httpd.port })
  const { backend } = await visitor.ask('/')
  visitor.leave()
  return backend
}

/** Asks without a pause until it is as wanted; the ms that took. */
async function timeTo(
  what: string,
  isSo: () => Promise<boolean>,
): Promise<number> {
  const startMs = performance.now()
  await until(what, isSo)
  return performance.now() - startMs
}

async function page(
  site: Site,
  path: string,
): Promise<{ response: IncomingMessage; body: string }> {
  return new Promise((done, fail) => {
    get({ host: '127.0.0.1', port: site.httpd.port, path }, response => {
      let body = ''
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      response.on('end', () => done({ response, body }))
    }).on('error', fail)
  })
}

/** A map that has begun to watch the directory says so there. */
async function watched(site: Site): Promise<void> {
  await until('the map to watch', () =>
    readdirSync(site.directory).some(name =>
      /^rewritemap-\d+\.json$/.test(name),
    ),
  )
}

const ages = [
  { age: 'a map that has just started', begun: async () => {} },
  { age: 'a map that runs', begun: watched },
]

for (const { age, begun } of ages)
  void t.test(
    `drain: new visitors go elsewhere, sticky visitors stay; ${age}`,
    async t => {
      const site = await startSite(t, { hasMonitor: true })
      await begun(site)
      const bound = new Visitor({ port: site.httpd.port, hasCookies: true })
      t.equal((await bound.ask('/')).backend, 'zope1')
      site.touch('zope1.drain')
      const ms = await timeTo(
        'the drain to work',
        async () => (await newcomer(site)) === 'zope2',
      )
      const after = await Promise.all(
        Array.from({ length: 20 }, () => newcomer(site)),
      )
      t.ok(
        after.every(backend => backend === 'zope2'),
        'no newcomer any more',
      )
      for (let count = 0; count < 20; count++)
        t.equal((await bound.ask('/')).backend, 'zope1')
      bound.leave()
      t.comment(`drain works for new visitors after ${ms.toFixed(1)} ms`)
    },
  )

for (const { age, begun } of ages)
  void t.test(`maintenance: no request gets there; ${age}`, async t => {
    const site = await startSite(t, { hasMonitor: true, names: three })
    await begun(site)
    const bound = new Visitor({ port: site.httpd.port, hasCookies: true })
    t.equal((await bound.ask('/')).backend, 'zope1')
    site.touch('zope1.maint')
    const ms = await timeTo(
      'maintenance to begin',
      async () => (await bound.ask('/')).backend !== 'zope1',
    )
    const load = startLoad(t, { port: site.httpd.port })
    await more(load, 300)
    const samples = await load.stop()
    t.strictSame(failuresOf(samples).map(brief), [])
    // to zope2, or on a busy machine, where its heart beats late, to zope3
    t.strictSame(
      samples.filter(({ backend }) => backend === 'zope1').map(brief),
      [],
    )
    t.not(bound.cookies.get('zope_route'), 'zope1', 'bound to another one')
    bound.leave()
    site.remove('zope1.maint')
    const backMs = await timeTo(
      'maintenance to end',
      async () => (await newcomer(site)) === 'zope1',
    )
    t.comment(
      `maintenance works after ${ms.toFixed(1)} ms, its end after ${backMs.toFixed(1)} ms; ${samples.length} requests`,
    )
  })

for (const isMapDead of [false, true])
  void t.test(
    `no way into maintenance when the lead dies${isMapDead ? ', nor with the map dead' : ''}`,
    async t => {
      // no monitor: the dead zope1 stays the lead, so every request is one
      // that httpd itself has to turn to the standby
      const site = await startSite(t, { names: three })
      site.touch('zope2.maint')
      await until('maintenance to show', async () => {
        const visitor = new Visitor({ port: site.httpd.port })
        visitor.cookies.set('zope_route', 'zope2')
        const { backend } = await visitor.ask('/')
        visitor.leave()
        return backend === 'zope1'
      })
      const before = site.backend('zope2').begun().size
      if (isMapDead) await site.httpd.killMap()
      await site.backend('zope1').kill('SIGKILL')
      const load = startLoad(t, { port: site.httpd.port, isKeepAlive: false })
      await more(load, 500)
      const samples = await load.stop()
      t.strictSame(failuresOf(samples).map(brief), [])
      t.ok(samples.every(({ backend }) => backend === 'zope3'))
      t.equal(site.backend('zope2').begun().size, before)
      t.comment(`${samples.length} requests, none to zope2`)
    },
  )

const hanging = [
  { intervalMs: 200, timeoutMs: 1_000, fall: 3, heartbeat: 'auto' },
  { intervalMs: 200, timeoutMs: 500, fall: 2, heartbeat: 'auto' },
  { intervalMs: 200, timeoutMs: 1_000, fall: 3, heartbeat: 'off' },
]

for (const { intervalMs, timeoutMs, fall, heartbeat } of hanging)
  void t.test(
    `a backend that hangs is out, and back by itself, ${fall} × (${intervalMs} + ${timeoutMs}) ms, heartbeat ${heartbeat}`,
    async t => {
      const site = await startSite(t, {
        hasMonitor: true,
        yaml: `probe: { interval: ${intervalMs}ms, timeout: ${timeoutMs}ms, fall: ${fall}, slowStart: 0s, heartbeat: ${heartbeat} }`,
      })
      const zope1 = site.backend('zope1')
      const load = startLoad(t, { port: site.httpd.port })
      if (heartbeat === 'auto')
        await until(
          'its heartbeat to be learned',
          () => site.monitor?.output().split('heartbeat learned').length === 3,
        )
      await more(load, 100)
      zope1.program?.child.kill('SIGSTOP')
      const stoppedMs = performance.now()
      await until('the monitor to call it down', () => !site.has('zope1.up'))
      const outMs = performance.now() - stoppedMs
      const limitMs = fall * (intervalMs + timeoutMs)
      t.comment(
        `out after ${Math.round(outMs)} ms; fall x (interval + timeout) = ${limitMs} ms`,
      )
      t.ok(outMs < 2 * limitMs, 'out in time, with room for a busy machine')
      await until(
        'new visitors to go elsewhere',
        async () => (await newcomer(site)) === 'zope2',
      )
      zope1.program?.child.kill('SIGCONT')
      const continuedMs = performance.now()
      await until('it to be back', () => site.has('zope1.up'))
      t.comment(`back after ${Math.round(performance.now() - continuedMs)} ms`)
      await until(
        'new visitors to come back',
        async () => (await newcomer(site)) === 'zope1',
      )
      const samples = await load.stop()
      t.strictSame(
        failuresOf(samples).map(brief),
        [],
        'who was inside got his page in the end',
      )
    },
  )

void t.test('no backend left: the maintenance page; and back', async t => {
  const site = await startSite(t, { hasMonitor: true })
  for (const backend of site.backends) await backend.kill('SIGKILL')
  const check = async (what: string): Promise<void> => {
    const { response, body } = await page(site, '/some/page')
    t.equal(response.statusCode, 503, what)
    t.equal(response.headers['retry-after'], '30', what)
    t.match(response.headers['content-type'], /^text\/html/, what)
    t.match(body, /<h1>Back in a moment<\/h1>/, what)
    t.equal(response.headers['set-cookie'], undefined, what)
  }
  await check('before the monitor has seen it')
  await until('the monitor to see it', () =>
    site.backends.every(({ name }) => !site.has(`${name}.up`)),
  )
  await check('when the map says NULL')
  const line = await until('NULL', async () => {
    await page(site, '/')
    return site.httpd.accessLog().find(({ answer }) => answer === 'NULL')
  })
  t.equal(line.via, 'map')
  await site.httpd.killMap()
  await check('without the map')
  await site.backend('zope2').start()
  await until('the first page', async () => {
    const { response } = await page(site, '/')
    return response.statusCode === 200
  })
})

void t.test("Zope's own error pages pass as they are", async t => {
  const site = await startSite(t)
  for (const status of [404, 500, 502, 503, 504]) {
    const { response, body } = await page(site, `/status/${status}`)
    t.equal(response.statusCode, status)
    t.equal(body, 'zope1\n')
    t.equal(response.headers['retry-after'], undefined)
  }
})
