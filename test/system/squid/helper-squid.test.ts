// A real Squid in front of stand-in backends, steered by the helper.
import { rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import {
  brief,
  failuresOf,
  more,
  startLoad,
  Visitor,
} from '../../../lab/load.ts'
import { until } from '../../../lab/processes.ts'
import {
  get,
  quickMonitor,
  servedBy,
  startSquidSite,
} from '../../../lab/squid-site.ts'

void t.test('a new visitor gets the first backend and stays there', async t => {
  const { squid, directory } = await startSquidSite(t)
  const first = await get(squid.port, '/a%20b?c=%3F')
  t.equal(first.status, 200)
  t.equal(first.headers['x-backend'], 'zope1')
  t.match(first.headers['set-cookie'], [
    /^zope_route=zope1; Path=\/; HttpOnly; SameSite=Lax$/,
  ])
  const bound = { Cookie: 'x=1; zope_route=zope2' }
  const again = await get(squid.port, '/', bound)
  t.equal(again.headers['x-backend'], 'zope2')
  t.equal(again.headers['set-cookie'], undefined)

  writeFileSync(resolve(directory, 'zope1.drain'), '')
  await until(
    'new visitors to leave zope1',
    async () => (await get(squid.port, '/')).headers['x-backend'] === 'zope2',
  )
  const sticky = { Cookie: 'zope_route=zope1' }
  t.equal((await get(squid.port, '/', sticky)).headers['x-backend'], 'zope1')
})

void t.test('no backend is left: 503, Retry-After and the page', async t => {
  const { squid, directory } = await startSquidSite(t)
  for (const name of ['zope1', 'zope2'])
    writeFileSync(resolve(directory, `${name}.maint`), '')
  const answer = await until('a refusal', async () => {
    const got = await get(squid.port, '/')
    return got.status === 200 ? false : got
  })
  t.equal(answer.status, 503)
  t.equal(answer.headers['retry-after'], '30')
  t.match(answer.body, 'Back in a moment')
  t.equal(answer.headers['set-cookie'], undefined)
  rmSync(resolve(directory, 'zope2.maint'))
  await until(
    'zope2 to serve',
    async () => (await get(squid.port, '/')).headers['x-backend'] === 'zope2',
  )
})

void t.test('a site below the root of Zope', async t => {
  const { squid } = await startSquidSite(t, {
    args: ['--site', '/Plone', '--url', 'https://www.example.org'],
  })
  const answer = await get(squid.port, '/echo/a%20b?c=%3F', {
    Host: 'www.example.org',
  })
  t.equal(answer.status, 200)
  t.match(
    answer.body,
    '/VirtualHostBase/https/www.example.org:443/Plone/VirtualHostRoot/echo/a%20b?c=%3F',
  )
  for (const path of [
    '/a/VirtualHostRoot/x',
    '/a/Virtual%48ostRoot/x',
    '/VirtualHostBase/http/evil:80',
  ])
    t.equal((await get(squid.port, path)).status, 404, path)
  t.equal((await get(squid.port, '/../x')).status, 503, 'no way up')
})

void t.test('a backend is killed under load: no GET fails', async t => {
  const { squid, backend } = await startSquidSite(t)
  const load = startLoad(t, { port: squid.port })
  await more(load, 200)
  await backend('zope1').kill('SIGKILL')
  await more(load, 1_200)
  t.strictSame(failuresOf(await load.stop()).map(brief), [])
})

void t.test('a POST is lost only inside the killed backend', async t => {
  const { squid, backend } = await startSquidSite(t)
  const load = startLoad(t, { port: squid.port, method: 'POST', clients: 10 })
  await more(load, 100)
  await backend('zope1').kill('SIGKILL')
  const killedMs = performance.now()
  await more(load, 200)
  const failed = failuresOf(await load.stop())
  t.strictSame(
    failed.filter(({ startMs }) => startMs > killedMs).map(brief),
    [],
  )
  t.ok(failed.length <= 10, `${failed.length} of those inside were lost`)
})

void t.test('new visitors leave a frozen Zope', async t => {
  const { squid, backend } = await startSquidSite(t, {
    hasMonitor: true,
    yaml: quickMonitor,
  })
  const visits: { startMs: number; tookMs?: number }[] = []
  const answers: Promise<number>[] = []
  // who waits keeps no other from coming
  const timer = setInterval(() => {
    const visit: (typeof visits)[number] = { startMs: performance.now() }
    visits.push(visit)
    answers.push(
      get(squid.port, '/').then(({ status }) => {
        visit.tookMs = performance.now() - visit.startMs
        return status
      }),
    )
  }, 20)
  t.teardown(() => clearInterval(timer))
  await until('visits', () => visits.length > 20)
  backend('zope1').program?.child.kill('SIGSTOP')
  const frozenMs = performance.now()
  const served = () =>
    visits.filter(
      ({ startMs, tookMs }) => startMs > frozenMs && tookMs !== undefined,
    )
  await until('new visitors are elsewhere', () => served().length >= 20)
  const first = visits.length
  await until('more of them', () => visits.length >= first + 20)
  clearInterval(timer)
  const later = answers.slice(first)
  await Promise.all(later)
  t.ok(later.length >= 20, 'none of them waits for the frozen one')
  backend('zope1').program?.child.kill('SIGCONT')
  t.strictSame(
    (await Promise.all(answers)).filter(status => status !== 200),
    [],
    'and those inside are served',
  )
  const waited = visits.filter(
    ({ startMs, tookMs = 0 }) => startMs > frozenMs && tookMs > 200,
  )
  t.comment(
    `the last new visitor who waited came ${Math.round((waited.at(-1)?.startMs ?? frozenMs) - frozenMs)} ms after the freeze (${waited.length} waited)`,
  )
})

void t.test('drain: new visitors leave, sticky visitors stay', async t => {
  const { squid, touch } = await startSquidSite(t)
  const newVisitors = startLoad(t, {
    port: squid.port,
    clients: 5,
    isKeepAlive: false,
  })
  const sticky = startLoad(t, {
    port: squid.port,
    clients: 5,
    hasCookies: true,
  })
  await more(newVisitors, 50)
  await more(sticky, 50)
  touch('zope1.drain')
  const drainedMs = performance.now()
  await until('new visitors are elsewhere', () =>
    newVisitors.samples.slice(-20).every(it => it.backend === 'zope2'),
  )
  const since = performance.now()
  await more(newVisitors, 200)
  await more(sticky, 100)
  const samples = await newVisitors.stop()
  t.strictSame(
    samples
      .filter(it => it.startMs > since && it.backend !== 'zope2')
      .map(brief),
    [],
  )
  t.strictSame(
    (await sticky.stop()).filter(it => it.backend !== 'zope1').map(brief),
    [],
  )
  t.strictSame(failuresOf(samples).map(brief), [])
  const last = samples.findLast(it => it.backend === 'zope1')
  t.comment(
    `the last new visitor came ${Math.round((last?.startMs ?? 0) - drainedMs)} ms after the drain`,
  )
})

void t.test('maintenance: nothing gets there, whatever else dies', async t => {
  const { squid, backend, touch, directory } = await startSquidSite(t)
  touch('zope1.maint')
  await until(
    'sticky visitors leave',
    async () => (await servedBy(squid.port, 'zope1')) === 'zope2',
  )
  const before = backend('zope1').begun().size
  const load = startLoad(t, { port: squid.port, clients: 5, hasCookies: true })
  await more(load, 50)
  await backend('zope2').kill('SIGKILL')
  await more(load, 50)
  rmSync(resolve(directory, 'zope2.up'))
  const answer = await until('the page', async () => {
    const got = await get(squid.port, '/')
    return got.headers['retry-after'] === undefined ? false : got
  })
  t.equal(answer.status, 503)
  t.equal(answer.headers['retry-after'], '30')
  await more(load, 50)
  await load.stop()
  t.equal(backend('zope1').begun().size, before)
})

void t.test('all backends die, one comes back', async t => {
  const { squid, backend } = await startSquidSite(t, {
    hasMonitor: true,
    yaml: quickMonitor,
  })
  await Promise.all([
    backend('zope1').kill('SIGKILL'),
    backend('zope2').kill('SIGKILL'),
  ])
  // 502 or 503 of Squid itself until the verdict
  await until('the page', async () => {
    const { headers } = await get(squid.port, '/')
    return headers['retry-after'] !== undefined
  })
  for (let count = 0; count < 20; count++) {
    const { status, headers, body } = await get(squid.port, '/')
    t.equal(status, 503)
    t.equal(headers['retry-after'], '30')
    t.match(body, 'Back in a moment')
  }
  await backend('zope2').start()
  await until(
    'service',
    async () => (await get(squid.port, '/')).status === 200,
  )
  for (let count = 0; count < 20; count++)
    t.equal((await get(squid.port, '/')).status, 200, 'and it stays so')
})

void t.test('200 visitors keep their Zope while another drains', async t => {
  const { squid, touch } = await startSquidSite(t, {
    yaml: 'pools: { default: { policy: balance } }\n',
  })
  const visitors = Array.from(
    { length: 200 },
    () => new Visitor({ port: squid.port, hasCookies: true }),
  )
  t.teardown(() => {
    for (const visitor of visitors) visitor.leave()
  })
  const askAll = async () => {
    const found = []
    for (const visitor of visitors) found.push((await visitor.ask('/')).backend)
    return found
  }
  const first = await askAll()
  t.strictSame(new Set(first), new Set(['zope1', 'zope2']))
  touch('zope2.drain')
  await until('new visitors leave zope2', async () => {
    for (let count = 0; count < 20; count++)
      if ((await servedBy(squid.port)) === 'zope2') return false
    return true
  })
  t.strictSame(await askAll(), first)
})
