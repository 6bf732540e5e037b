// A real Zope that was killed is warmed up through VirtualHostMonster before new
// visitors come.
import t from 'tap'
import { until } from '../../../lab/processes.ts'
import { watchZopes } from '../../../lab/watched-zope.ts'
import { startZeo } from '../../../lab/zeo.ts'
import { startZope } from '../../../lab/zope.ts'

await t.test('a cold Zope is fetched through first', async t => {
  const zeo = await startZeo(t)
  const zope1 = await startZope(t, { zeo, name: 'zope1' })
  const zope2 = await startZope(t, { zeo, name: 'zope2' })
  const page = '/@@lab-cold?seconds=3'
  const watched = watchZopes(t, [zope1, zope2], {
    pools: {
      default: {
        site: { path: '/', url: 'https://www.example.org' },
        warmUp: [page],
      },
    },
  })
  await watched.isWell()
  t.notMatch(
    zope1.output(),
    'lab: cold begins',
    'a monitor that starts asks not',
  )
  const story = watched.story()
  await zope1.kill()
  await story.reaches('zope1', 'down')
  await zope1.start()
  await story.reaches('zope1', 'warming')
  await until('it is the last resort', () => watched.share('zope1') === 0)
  await until('zope2 serves', () => watched.share('zope2') === 100)
  await until('it is warm', () => watched.share('zope1') === 100)
  const rounds = zope1.output().split('lab: cold begins').length - 1
  t.ok(rounds >= 3, `one cold and two warm rounds, got ${rounds}`)
  t.same(watched.logged('warm-up page has a problem'), [])
  // a line of the log may arrive here later than the file that follows it
  const [warm] = await until('the log has it', () => {
    const lines = watched.logged('backend is warm')
    return lines.length > 0 && lines
  })
  t.match(warm, { backend: 'zope1', share: 100 })
  t.equal(
    (
      await zope1.get(
        `/VirtualHostBase/https/www.example.org:443/VirtualHostRoot${page}`,
      )
    ).body,
    'https://www.example.org/@@lab-cold',
    'as visitors see it',
  )
})
