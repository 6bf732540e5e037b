// What @@probe of examples/zope answers on a real Zope, to the letter.
import { request } from 'node:http'
import t from 'tap'
import { until } from '../../../lab/processes.ts'
import { ask, askProbe } from '../../../lab/zope-client.ts'
import { startZeo } from '../../../lab/zeo.ts'
import { startZope } from '../../../lab/zope.ts'

await t.test('the answer, and that it is never kept', async t => {
  const zope = await startZope(t, { zeo: await startZeo(t), name: 'zope1' })
  const { status, headers, body } = await zope.get('/@@probe')
  t.equal(status, 200)
  t.equal(headers['content-type'], 'application/json')
  t.equal(headers['cache-control'], 'no-store')
  for (const name of ['etag', 'last-modified', 'expires', 'set-cookie'])
    t.notOk(name in headers, `no ${name}`)
  const number = '[0-9]+([.][0-9]+)?'
  const transaction = `[{]"id":"[0-9a-f]{16}","time":${number}[}]`
  t.match(
    body,
    new RegExp(
      [
        `^[{]"version":1,`,
        `"roundTrip":[{]"ms":${number},"ageMs":${number},"pendingMs":null,"error":null[}],`,
        `"transaction":[{]"own":${transaction},"server":${transaction}[}],`,
        `"workers":[{]"threads":4,"busy":[1-4],"queue":0[}],`,
        `"process":[{]"pid":${zope.pid()},"uptimeSeconds":${number}[}][}]$`,
      ].join(''),
    ),
  )
  const { transaction: seen } = await askProbe(zope.url)
  t.same(seen.own, seen.server)
  const age = Date.now() / 1000 - (seen.own?.time ?? 0)
  t.ok(Math.abs(age) < 600, 'the time of a transaction is one')
})

await t.test(
  'it shows nothing of the request, wherever it is asked',
  async t => {
    const zope = await startZope(t, { zeo: await startZeo(t), name: 'zope1' })
    for (const path of [
      '/@@probe?mark=echo',
      '/acl_users/@@probe?mark=echo',
      '/VirtualHostBase/https/echo.example:443/VirtualHostRoot/@@probe',
    ]) {
      const { status, headers, body } = await zope.get(path)
      t.equal(status, 200, path)
      t.notMatch(JSON.stringify(headers) + body, 'echo')
    }
    const head = await new Promise<number | undefined>((done, failed) => {
      request(
        `${zope.url}/@@probe`,
        { method: 'HEAD', agent: false },
        answer => {
          answer.resume()
          done(answer.statusCode)
        },
      )
        .on('error', failed)
        .end()
    })
    t.equal(head, 200, 'HEAD asks the database, too')
  },
)

await t.test('a write is seen, a probe is none', async t => {
  const zeo = await startZeo(t)
  const zope = await startZope(t, { zeo, name: 'zope1' })
  const peer = await startZope(t, { zeo, name: 'zope2' })
  const before = (await askProbe(zope.url)).transaction.own
  for (let count = 0; count < 10; count++) await askProbe(peer.url)
  t.same((await askProbe(zope.url)).transaction.own, before)
  await peer.get('/@@lab-add')
  const after = await until('zope1 hears of it', async () => {
    const { own } = (await askProbe(zope.url)).transaction
    return own !== null && own.id !== before?.id && own
  })
  t.ok(after.id > (before?.id ?? ''))
  t.ok(after.time > (before?.time ?? 0))
  await until('the server says the same', async () => {
    const { server } = (await askProbe(zope.url)).transaction
    return server?.id === after.id
  })
})

await t.test('busy workers and the queue', async t => {
  const zope = await startZope(t, { zeo: await startZeo(t), name: 'zope1' })
  await zope.occupy('deadlock', 3)
  t.match((await askProbe(zope.url)).workers, { threads: 4, busy: 4, queue: 0 })
  await zope.occupy('deadlock', 1)
  const probes = Array.from({ length: 10 }, () => askProbe(zope.url))
  await until('all of them wait', () =>
    zope.output().includes('Task queue depth is 10'),
  )
  zope.release()
  const queues = (await Promise.all(probes)).map(
    ({ workers }) => workers?.queue,
  )
  t.comment(queues)
  t.ok(
    queues.some(queue => Number(queue) >= 6),
    'the first sees those that no worker has begun',
  )
  t.ok(queues.includes(0), 'the last sees none')
})

await t.test('many at once with ZEO frozen: all are answered', async t => {
  const zeo = await startZeo(t)
  const zope = await startZope(t, {
    zeo,
    name: 'zope1',
    environment: { ZOPE_FAILOVER_PROBE_LIMIT: '0.3' },
  })
  zeo.freeze()
  const first = await until('the view is bad', async () => {
    const probe = await askProbe(zope.url)
    return probe.status === 503 && probe
  })
  t.comment(`limit 300 ms: the first after ${first.took.toFixed()} ms`)
  const begun = performance.now()
  const probes = await Promise.all(
    // beyond them waitress would reach its connection limit
    Array.from({ length: 80 }, () => askProbe(zope.url)),
  )
  t.comment(`80 at once in ${(performance.now() - begun).toFixed()} ms`)
  const pids = new Set(probes.map(probe => probe.process.pid))
  t.same([...new Set(probes.map(probe => probe.status))], [503])
  t.same([...pids], [zope.pid()])
  t.equal((await ask(zope.url)).status, 200)
  zeo.thaw()
  await until('the view is good', async () => {
    return (await askProbe(zope.url)).status === 200
  })
})

await t.test('a Zope without ZEO', async t => {
  const zope = await startZope(t, { name: 'zope1' })
  const before = await askProbe(zope.url)
  t.equal(before.status, 200)
  t.equal(before.transaction.server, null)
  await zope.get('/@@lab-add')
  const after = await askProbe(zope.url)
  t.ok(
    (after.transaction.own?.id ?? '') > (before.transaction.own?.id ?? ''),
    'its own transaction is known',
  )
})
