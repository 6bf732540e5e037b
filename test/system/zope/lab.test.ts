// The fixture shows the half-dead states, as a light page, the deep view and the
// heartbeat see them.
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { startForwarder } from '../../../lab/forwarder.ts'
import { until } from '../../../lab/processes.ts'
import {
  ask,
  askProbe,
  heartbeat,
  holdConnections,
  type Answer,
  type ProbePage,
} from '../../../lab/zope-client.ts'
import { isListening, startZeo } from '../../../lab/zeo.ts'
import { makeZope, startZope, type Zope } from '../../../lab/zope.ts'

/** How long silence is listened to; what is silent here never speaks. */
const silenceMs = 500

await t.test('a Zope that is well', async t => {
  const zope = await startZope(t, { zeo: await startZeo(t), name: 'zope1' })
  await isLight(t, zope)
  const probe = await askProbe(zope.url)
  t.equal(probe.status, 200)
  t.ok(await heartbeat(zope.port), 'its heart beats')
  t.equal((await zope.get('/@@lab-fresh')).status, 200)
  t.equal((await zope.get('/@@lab-count')).body, '0')
  t.equal((await zope.get('/@@lab-add')).body, '1')
  t.equal((await zope.get('/@@lab-count')).body, '1')
  t.comment(`view: ${ms(probe.took)}, of it ${probe.roundTrip.ms} ms for ZEO`)
})

await t.test('ZEO frozen: pages are good, the view says it', async t => {
  const zeo = await startZeo(t)
  const zope = await startZope(t, { zeo, name: 'zope1' })
  t.equal((await askProbe(zope.url)).status, 200)
  zeo.freeze()
  await isLight(t, zope)
  const first = await whenIll(zope)
  t.type(first.roundTrip.pendingMs, 'number')
  t.type(first.roundTrip.ageMs, 'number', 'and when it was well')
  const took = []
  for (let count = 0; count < 20; count++) {
    const probe = await askProbe(zope.url)
    t.equal(probe.status, 503)
    took.push(probe.took)
  }
  t.comment(
    `first view after ${ms(first.took)}, the slowest of 20 more after ${ms(Math.max(...took))}`,
  )
  await until('no view has kept its worker', async () => {
    const { workers } = await askProbe(zope.url)
    return workers?.busy === 1 && workers.queue === 0
  })
  await isLight(t, zope)

  const { answers } = await zope.occupy('fresh', 1)
  t.equal(await isAnswered(answers), false, 'a page that asks ZEO waits')
  const thawed = performance.now()
  zeo.thaw()
  await isWell(zope)
  t.comment(`well again ${ms(performance.now() - thawed)} after ZEO`)
  for (const answer of answers) t.equal((await answer).status, 200)
})

await t.test('ZEO killed, and there again', async t => {
  const zeo = await startZeo(t)
  const zope = await startZope(t, { zeo, name: 'zope1' })
  t.equal((await askProbe(zope.url)).status, 200)
  await zeo.kill()
  await isLight(t, zope)
  const first = await whenIll(zope)
  t.comment(`first view after ${ms(first.took)}`, first.roundTrip)
  for (let count = 0; count < 20; count++)
    t.equal((await askProbe(zope.url)).status, 503)
  await isLight(t, zope)
  const begun = performance.now()
  await zeo.restart()
  const listening = performance.now()
  await isWell(zope)
  t.comment(
    `ZEO listens after ${ms(listening - begun)}, Zope is well ${ms(performance.now() - listening)} later`,
  )
  t.equal((await zope.get('/@@lab-fresh')).status, 200)
})

await t.test(
  'a half-open link to ZEO: old pages, and the view says it',
  async t => {
    const zeo = await startZeo(t)
    const via = await startForwarder(t, zeo.port)
    const cut = await startZope(t, { zeo, name: 'zope1', via })
    const peer = await startZope(t, { zeo, name: 'zope2' })
    await peer.get('/@@lab-add')
    await until(
      'both know the count',
      async () => (await cut.get('/@@lab-count')).body === '1',
    )
    t.same(
      (await askProbe(cut.url)).transaction.own,
      (await askProbe(peer.url)).transaction.own,
    )
    via.stop()
    t.equal((await peer.get('/@@lab-add')).body, '2')
    const old = await cut.get('/@@lab-count')
    t.match(old, { status: 200, body: '1' }, 'a page from the past')
    const lost = await whenIll(cut)
    const good = await askProbe(peer.url)
    t.type(lost.roundTrip.pendingMs, 'number')
    t.equal(good.status, 200, 'the peer is well')
    t.same(good.transaction.own, good.transaction.server)
    const lag = time(good.transaction.server) - time(lost.transaction.own)
    t.ok(lag > 0, 'the own transaction is behind that of the peer')
    t.comment(`view after ${ms(lost.took)}; behind by ${lag.toFixed(3)} s`)
    via.resume()
    await isWell(cut)
    const again = await askProbe(cut.url)
    t.same(again.transaction.own, good.transaction.own, 'it has caught up')
    t.equal((await cut.get('/@@lab-count')).body, '2')
  },
)

await t.test('ZEO restarted behind a half-open link', async t => {
  const zeo = await startZeo(t)
  const via = await startForwarder(t, zeo.port)
  const zope = await startZope(t, { zeo, name: 'zope1', via })
  via.stop()
  await zeo.restart()
  await whenIll(zope)
  await isLight(t, zope)
  via.resume()
  await isWell(zope)
  t.equal((await zope.get('/@@lab-fresh')).status, 200)
})

await t.test('Zope starting: it does not listen until it is ready', async t => {
  const zeo = await startZeo(t)
  const zope = await makeZope(t, { zeo, name: 'zope1' })
  await zeo.kill()
  const begun = performance.now()
  zope.launch()
  await until('Zope misses ZEO', () =>
    /Connection to .* failed/.test(zope.output()),
  )
  t.equal(await isListening(zope.port), false)
  t.equal(zope.isGone(), false)
  await zeo.restart()
  const listening = performance.now()
  await until('Zope listens', () => isListening(zope.port))
  await isLight(t, zope)
  t.equal((await askProbe(zope.url)).status, 200)
  t.comment(
    `ZEO came after ${ms(listening - begun)}, Zope ${ms(performance.now() - listening)} later`,
  )
})

await t.test('four stuck workers: the heart beats', async t => {
  const zope = await startZope(t, { zeo: await startZeo(t), name: 'zope1' })
  const { answers } = await zope.occupy('deadlock', 4)
  const page = zope.get('/')
  t.equal(await isAnswered([page]), false, 'no page')
  const beat = await heartbeat(zope.port)
  t.ok(beat)
  zope.release()
  const { status, ms: took } = await page
  t.equal(status, 200, 'the page comes when a worker is free')
  for (const answer of answers) t.equal((await answer).body, 'released')
  t.comment(`heartbeat after ${ms(beat)}, page after ${ms(took)}`)
})

await t.test('frozen: connections, and nothing else', async t => {
  const zope = await startZope(t, { zeo: await startZeo(t), name: 'zope1' })
  zope.freeze()
  t.equal(await isListening(zope.port), true)
  t.equal(await heartbeat(zope.port, silenceMs), undefined, 'no heartbeat')
  const page = zope.get('/')
  t.equal(await isAnswered([page]), false, 'no page')
  zope.thaw()
  t.equal((await page).status, 200)
  t.ok(await heartbeat(zope.port))
})

await t.test('four workers at work: all is answered, later', async t => {
  const zope = await startZope(t, {
    zeo: await startZeo(t),
    name: 'zope1',
    threads: 5,
  })
  await zope.occupy('burn', 4, 1)
  const beat = await heartbeat(zope.port)
  const page = await zope.get('/')
  t.equal(page.status, 200)
  t.comment(`burning: heartbeat ${ms(beat)}, page ${ms(page.ms)}`)
  const { answers } = await zope.occupy('hold', 1, 1)
  const late = await heartbeat(zope.port)
  t.ok(late)
  t.comment(`interpreter held for 1 s: heartbeat ${ms(late)}`)
  for (const answer of answers) t.equal((await answer).body, 'held')
  const slow = await zope.occupy('slow', 4, 0.1)
  for (const answer of slow.answers) t.equal((await answer).body, 'slow')
})

await t.test('a hundred idle connections: closed to new visitors', async t => {
  const zope = await startZope(t, { zeo: await startZeo(t), name: 'zope1' })
  const close = await holdConnections(t, zope.port, 100)
  await until('waitress says it', () =>
    zope.output().includes('no longer accepting new connections'),
  )
  t.equal(await heartbeat(zope.port, silenceMs), undefined, 'no heartbeat')
  const page = zope.get('/')
  t.equal(await isAnswered([page]), false, 'no page')
  close()
  t.equal((await page).status, 200)
  t.ok(await heartbeat(zope.port))
})

await t.test('every page fails, loudly or as if it were well', async t => {
  const zope = await startZope(t, { zeo: await startZeo(t), name: 'zope1' })
  zope.fail('raise')
  for (const path of ['/', '/@@probe', '/@@lab-count'])
    t.equal((await zope.get(path)).status, 500)
  zope.fail('site-error')
  t.match(await zope.get('/'), { status: 200, body: 'Site Error' })
  zope.fail('no')
  await isLight(t, zope)
})

await t.test('killed and started again', async t => {
  const zope = await startZope(t, { zeo: await startZeo(t), name: 'zope1' })
  await zope.kill()
  t.equal(await isListening(zope.port), false)
  await t.rejects(zope.get('/'), { code: 'ECONNREFUSED' })
  await zope.start()
  await isLight(t, zope)
})

async function isLight(t: Test, zope: Zope): Promise<void> {
  const { status, ms: took } = await ask(`${zope.url}/`)
  t.equal(status, 200, 'a light page is good')
  t.comment(`light page: ${ms(took)}`)
}

async function isWell(zope: Zope): Promise<void> {
  await until(
    `the view of ${zope.name} is good`,
    async () => (await askProbe(zope.url)).status === 200,
  )
}

/** The first bad answer: one of the last 200 ms is good enough for the view. */
async function whenIll(zope: Zope): Promise<ProbePage> {
  return until(`the view of ${zope.name} is bad`, async () => {
    const probe = await askProbe(zope.url)
    return probe.status === 503 && probe
  })
}

/** Whether one of them comes while silence is listened to. */
async function isAnswered(
  answers: readonly Promise<Answer>[],
): Promise<boolean> {
  return Promise.race([
    pause(silenceMs, false),
    ...answers.map(answer => answer.then(() => true)),
  ])
}

function ms(value: number | undefined): string {
  return value === undefined ? 'never' : `${value.toFixed(1)} ms`
}

function time(transaction: { readonly time: number } | null): number {
  return transaction?.time ?? Number.NaN
}
