// examples/tiers/ on eight machines: each tier sees to its own availability, and the one
// in front of it sees that it serves, or does not. Real keepalived, httpd, map program,
// monitor, Zope and ZEO, in network namespaces.
//
// Events decide here; the times are those of `npm run bench:takeover`. In test/soak: it
// takes 85 s on a quiet machine and 300 s on a busy one, and fails there one time in six
// (a visitor who waits for a minute inside the frozen Zope; httpd that dies slowly).
import t from 'tap'
import { summary } from '../../lab/fronts.ts'
import { startTiers, tierSteps } from '../../lab/tiers.ts'

await t.test('five faults, one after the other', async t => {
  const site = await startTiers(t, false)
  for (const { name, run } of tierSteps)
    await t.test(name, async t => {
      const { visits, holds } = await run(site)
      t.comment(summary(visits))
      for (const [what, isSo] of Object.entries(holds)) t.ok(isSo, what)
    })
})
