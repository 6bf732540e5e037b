// The NAT box of examples/nat/: what visitors lose; how many and for how long is shown
// by `npm run bench:takeover`. `ip` makes hosts for root only.
import t, { type Test } from 'tap'
import {
  countBy,
  isLost,
  losses,
  startNatSite,
  through,
  type Through,
} from '../../../lab/nat.ts'
import { until } from '../../../lab/processes.ts'
import type { Zope } from '../../../lab/zope.ts'

await t.test('the NAT box', async t => {
  const net = await startNatSite(t)
  const { zopes, order, isOut, isUp, isWell, few } = net
  const [zope1] = zopes

  await t.test('new visitors come to both', async t => {
    const all = await few().all
    const counts = countBy(all)
    t.comment(JSON.stringify(counts))
    t.equal(all.filter(isLost).length, 0)
    t.ok((counts['zope1'] ?? 0) > 0 && (counts['zope2'] ?? 0) > 0)
  })

  await t.test('killed: none is lost once the rules know it', async t => {
    const seen = await through(net, async () => {
      await zope1.kill()
      await isOut('zope1')
    })
    areSafe(t, seen)
    zope1.launch()
    await isWell()
  })

  await t.test('frozen: none is lost once the rules know it', async t => {
    const seen = await through(net, async () => {
      zope1.freeze()
      await isOut('zope1')
    })
    areSafe(t, seen)
    zope1.thaw()
    await isWell()
  })

  for (const what of ['drain', 'maint'] as const) {
    await t.test(`${what}: none is lost, no new visitor comes`, async t => {
      const seen = await through(net, () => order(what, 'zope1'))
      t.equal(seen.all.filter(isLost).length, 0)
      areSafe(t, seen)
      await order('ready', 'zope1')
      await isUp('zope1')
    })

    await t.test(`${what}: what has begun ends well`, async t => {
      const before = zopes.map(begun)
      const since = () =>
        zopes.map((zope, index) => begun(zope) - (before[index] ?? 0))
      const visits = few({ path: '/@@lab-slow?seconds=3', count: 20 })
      await until('all have begun', () => sum(since()) === 20)
      t.comment(`in flight: ${since().join(' and ')}`)
      t.ok((since()[0] ?? 0) > 0, 'some are inside zope1')
      await order(what, 'zope1')
      t.equal((await visits.all).filter(isLost).length, 0)
      await order('ready', 'zope1')
      await isUp('zope1')
    })
  }
})

/** From then on, all are served by the other Zope. */
function areSafe(t: Test, seen: Through): void {
  t.comment(losses(seen))
  const { later } = seen
  t.ok(later.length > 0)
  t.strictSame(countBy(later), { zope2: later.length })
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

/** Slow pages that this process has begun. */
function begun(zope: Zope): number {
  return zope.output().split('lab: slow begins').length - 1
}
