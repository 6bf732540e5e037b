// Zopes that do not agree on the database: one of them is at another one, or the
// database was restored from a backup. No Zope is cut off by the word of another.
import t, { type Test } from 'tap'
import { until } from '../../../lab/processes.ts'
import {
  passes,
  watchZopes,
  type WatchedSite,
} from '../../../lab/watched-zope.ts'
import { startZeo, type Zeo } from '../../../lab/zeo.ts'
import { startZope, type Zope } from '../../../lab/zope.ts'

// no database is silent here, however slow this machine is
const probe = {
  deep: { path: '/@@probe', interval: '1s', timeout: '60s', maxLag: '1s' },
}

/** A Zope for each of the servers, those that come later have newer transactions. */
async function startZopes(t: Test, servers: readonly Zeo[]): Promise<Zope[]> {
  const zopes: Zope[] = []
  for (const [index, zeo] of servers.entries())
    zopes.push(await startZope(t, { zeo, name: `zope${index + 1}` }))
  await zopes.at(-1)?.get('/@@lab-add')
  return zopes
}

/** Waits until a Zope is reported as stale, and checks that none is out. */
async function isTold(
  t: Test,
  watched: WatchedSite,
  liar: string,
  by: string,
  names: readonly string[],
): Promise<void> {
  const remark = `it claims a transaction unknown to ${by}: check which database`
  await until(`${liar} is reported`, () =>
    watched.report(liar)?.reason.includes(remark),
  )
  // more than maxLag and an interval
  await passes(4_000)
  for (const name of names)
    await until(`${name} is up`, () => watched.state(name) === 'up')
  for (const name of names)
    t.same(
      watched
        .logged('backend changed state')
        .filter(
          line => line['backend'] === name && line['state'] === 'cut-off',
        ),
      [],
      `${name} was never cut off`,
    )
  t.equal(
    watched.logged('backend disagrees with its peers').length,
    1,
    'one line in the log',
  )
}

await t.test('one of three is at another database', async t => {
  const zeo = await startZeo(t)
  const other = await startZeo(t)
  const zopes = await startZopes(t, [zeo, zeo, other])
  const watched = watchZopes(t, zopes, { probe })
  await watched.isWell()
  await isTold(t, watched, 'zope3', 'zope1 and zope2', [
    'zope1',
    'zope2',
    'zope3',
  ])
  // the majority goes on: now the third one lags
  const story = watched.story()
  await zopes[0]?.get('/@@lab-add')
  await story.reaches('zope3', 'cut-off')
  t.match(
    story.changes('zope3').at(-1)?.reason,
    /serves stale pages: for \d+ s it has lacked a transaction known to zope\d/,
  )
  // until the other two lose theirs: then no Zope claims that transaction
  const cure = watched.story()
  for (const zope of zopes.slice(0, 2)) await zope.kill()
  await cure.reaches('zope3', 'up')
})

await t.test('one of two, and the ZEO server is asked', async t => {
  const zeo = await startZeo(t)
  const other = await startZeo(t)
  const zopes = await startZopes(t, [zeo, other])
  const watched = watchZopes(t, zopes, {
    probe,
    pools: { default: { zeo: `127.0.0.1:${zeo.port}` } },
  })
  await watched.isWell()
  await isTold(t, watched, 'zope2', 'the ZEO server of pool default', [
    'zope1',
    'zope2',
  ])
  const story = watched.story()
  await zopes[0]?.get('/@@lab-add')
  await story.reaches('zope2', 'cut-off')
  t.equal(watched.state('zope1'), 'up')
})

await t.test('one against one', async t => {
  const zopes = await startZopes(t, [await startZeo(t), await startZeo(t)])
  const watched = watchZopes(t, zopes, { probe })
  await watched.isWell()
  await isTold(t, watched, 'zope2', 'zope1', ['zope1', 'zope2'])
})

await t.test('a database is restored from a backup', async t => {
  const zeo = await startZeo(t)
  const zopes = await startZopes(t, [zeo, zeo])
  zeo.backUp()
  await zopes[0]?.get('/@@lab-add')
  const watched = watchZopes(t, zopes, { probe })
  await watched.isWell()
  const story = watched.story()
  await zeo.restore()
  for (const zope of zopes) await zope.kill()
  for (const zope of zopes) await story.reaches(zope.name, 'down')
  for (const zope of zopes) {
    const cure = watched.story()
    await zope.start()
    t.equal((await zope.get('/@@lab-count')).body, '1', 'the backup')
    await cure.reaches(zope.name, 'up')
  }
  // more than maxLag and an interval
  await passes(4_000)
  for (const { name } of zopes)
    t.notOk(story.states(name).slice(-1).includes('cut-off'), name)
  await watched.isWell()
})
