// examples/keepalived/ on two machines: what follows when one of them fails. Real
// keepalived, httpd, map program, monitor and Zope, in network namespaces.
//
// Events decide here. How long each step takes with a user's time limits, and what was
// promised, is shown by `npm run bench:takeover`.
import t, { type Test } from 'tap'
import {
  startFronts,
  summary,
  virtualAddress,
  type Fronts,
} from '../../../lab/fronts.ts'
import {
  mapHungAndEnded,
  ownZopeFrozen,
  sharedSteps,
  type Step,
} from '../../../lab/takeover.ts'

async function step(t: Test, site: Fronts, { name, run }: Step): Promise<void> {
  await t.test(name, async t => {
    const { visits, holds } = await run(site)
    t.comment(summary(visits))
    for (const [what, isSo] of Object.entries(holds)) t.ok(isSo, what)
  })
}

await t.test('both fronts know both Zopes', async t => {
  const site = await startFronts(t, { isShared: true, hasKeepalived: true })
  const [holder] = site.holder()
  t.match(
    holder.host.run('ip', '-4', 'address', 'show', 'dev', 'eth0'),
    virtualAddress,
  )
  for (const one of [...sharedSteps, mapHungAndEnded]) await step(t, site, one)
})

await t.test('each front has its own Zope', async t => {
  const site = await startFronts(t, { hasKeepalived: true })
  await step(t, site, ownZopeFrozen)
})
