// HAProxy of examples/behind-a-balancer/ before two fronts that it asks for /up.
import { resolve } from 'node:path'
import t from 'tap'
import { failed, startFronts, startVisitors } from '../../../lab/fronts.ts'
import { dist, until } from '../../../lab/processes.ts'

await t.test('no visitor is lost', async t => {
  const site = await startFronts(t, { isShared: true })
  const [front1, front2] = site.fronts
  const { address, start } = site.network.host('balancer')
  const haproxy = start('haproxy', [
    ...['-db', '-f'],
    resolve(dist, '../examples/behind-a-balancer/haproxy.cfg'),
  ])
  const said = (what: RegExp): number =>
    haproxy.output().match(new RegExp(what, 'g'))?.length ?? 0

  await t.test('maint front', async t => {
    const visitors = await startVisitors(site, { host: address })
    front1.touch('front.maint')
    await until('front1 is out', () => said(/fronts\/front1 is DOWN/) === 1)
    await visitors.more(40)
    front1.remove('front.maint')
    await until('front1 is back', () => said(/fronts\/front1 is UP/) === 1)
    await visitors.more(40)
    t.strictSame(failed(await visitors.allSince(0)), [])
  })

  await t.test('httpd killed', async t => {
    const visitors = await startVisitors(site, { host: address })
    for (const { pid } of front1.httpd().processes())
      process.kill(pid, 'SIGKILL')
    await until('front1 is out', () => said(/fronts\/front1 is DOWN/) === 2)
    await visitors.more(40)
    await front1.startHttpd()
    await until('front1 is back', () => said(/fronts\/front1 is UP/) === 2)
    await visitors.more(40)
    t.strictSame(failed(await visitors.allSince(0)), [])
  })

  await t.test('monitor killed', async t => {
    const visitors = await startVisitors(site, { host: address })
    await front2.monitor().kill('SIGKILL')
    await visitors.more(60)
    t.strictSame(failed(await visitors.allSince(0)), [])
    t.equal(said(/fronts\/front2 is DOWN/), 0)
  })
})
