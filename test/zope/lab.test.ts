// The fixture shows the half-dead states, as a light page and the deep view see
// them.
import t from 'tap'
import { startZeo } from '../fixtures/zeo.ts'
import { startZope } from '../fixtures/zope.ts'
import { askProbe, heartbeat } from '../fixtures/zope-client.ts'

await t.test('a Zope that is well', async t => {
  const begun = performance.now()
  const zeo = await startZeo(t)
  const listening = performance.now()
  const zope = await startZope(t, { zeo, name: 'zope1' })
  t.comment(
    `ZEO after ${(listening - begun).toFixed()} ms, Zope after ${(performance.now() - listening).toFixed()} ms more`,
  )
  const page = await zope.get('/')
  t.equal(page.status, 200)
  const probe = await askProbe(zope.url)
  t.comment(probe)
  t.equal(probe.status, 200)
  const beat = await heartbeat(zope.port)
  t.ok(beat)
  t.comment(`heartbeat ${beat?.toFixed(1)} ms, page ${page.ms.toFixed(1)} ms`)
})
