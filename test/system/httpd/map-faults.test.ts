// A map that answers wrongly, or not at all, costs no visitor his page: the
// rules see it by the nonce and the names, and read the sentinels themselves.
import t from 'tap'
import { brief, failuresOf, Visitor, type Sample } from '../../../lab/load.ts'
import { until } from '../../../lab/processes.ts'
import { startSite } from '../../../lab/site.ts'

async function ask(port: number, count: number): Promise<Sample[]> {
  const visitor = new Visitor({ port })
  const samples: Sample[] = []
  for (let at = 0; at < count; at++) samples.push(await visitor.ask('/'))
  visitor.leave()
  return samples
}

for (const [badMap, good] of [
  ['stale', 0],
  ['empty', 0],
  ['garbage', 0],
  // the first answer is right, all others belong to the request before
  ['extra', 1],
  ['stranger', 0],
  ['url', 0],
  ['half', 0],
  ['long', 0],
  ['bare-null', 0],
  ['dying', 2],
] as const)
  void t.test(`a map that is ${badMap}`, async t => {
    const site = await startSite(t, { badMap })
    const samples = await ask(site.httpd.port, 20)
    t.strictSame(failuresOf(samples).map(brief), [])
    t.ok(
      samples.every(({ backend }) => backend === 'zope1'),
      'the first of those that are up',
    )
    await site.httpd.stop()
    const lines = site.httpd.accessLog()
    t.equal(lines.filter(({ via }) => via === 'map').length, good)
    t.equal(lines.filter(({ via }) => via === 'sentinels').length, 20 - good)
    t.comment(`20 requests, ${good} of them by the map`)
  })

void t.test('what the sentinels say without a map', async t => {
  const names = ['zope1', 'zope2', 'zope3']
  const site = await startSite(t, { names, badMap: 'empty' })
  const { httpd } = site
  const rows: [
    files: string[],
    route: string,
    backend: string,
    answer: string,
  ][] = [
    [['zope1.up', 'zope2.up', 'zope3.up'], '', 'zope1', 'zope1 zope2'],
    [['zope1.up', 'zope2.up', 'zope3.up'], 'zope3', 'zope3', 'zope3 zope1'],
    [['zope1.up', 'zope2.up', 'zope3.up'], 'zope1', 'zope1', 'zope1 zope2'],
    [['zope1.up', 'zope2.up', 'zope1.drain'], '', 'zope2', 'zope2 -'],
    [['zope1.up', 'zope2.up', 'zope1.drain'], 'zope1', 'zope1', 'zope1 zope2'],
    [['zope1.up', 'zope2.up', 'zope1.maint'], 'zope1', 'zope2', 'zope2 -'],
    [['zope1.force', 'zope2.up'], '', 'zope1', 'zope1 zope2'],
    [['zope1.force', 'zope1.maint', 'zope2.up'], '', 'zope2', 'zope2 -'],
    [['zope2.up'], 'zope1', 'zope2', 'zope2 -'],
    // none is up: all but those in maintenance, drained ones last
    [[], '', 'zope1', 'zope1 zope2'],
    [[], 'zope2', 'zope2', 'zope2 zope1'],
    [['zope1.drain'], '', 'zope2', 'zope2 zope3'],
    [['zope1.drain'], 'zope1', 'zope1', 'zope1 zope2'],
    [['zope1.maint', 'zope2.drain'], 'zope1', 'zope3', 'zope3 zope2'],
    [['zope1.maint', 'zope2.maint'], '', 'zope3', 'zope3 -'],
    [['zope1.maint', 'zope2.maint', 'zope3.maint'], '', 'undefined', 'NULL'],
    [
      ['zope1.up', 'zope1.maint', 'zope2.maint', 'zope3.maint'],
      '',
      'undefined',
      'NULL',
    ],
  ]
  for (const [files, route, backend, answer] of rows) {
    const name = `${files.join(' ')} | ${route}`
    for (const it of names)
      for (const kind of ['up', 'drain', 'maint', 'force'])
        if (files.includes(`${it}.${kind}`)) site.touch(`${it}.${kind}`)
        else site.remove(`${it}.${kind}`)
    const visitor = new Visitor({ port: httpd.port, isKeepAlive: false })
    if (route !== '') visitor.cookies.set('zope_route', route)
    const sample = await visitor.ask('/')
    visitor.leave()
    t.equal(sample.backend, backend, name)
    // httpd writes its log after the answer
    const line = await until('the log line', () =>
      httpd.accessLog().find(({ id }) => id === sample.id),
    )
    t.equal(line.answer, answer, name)
  }
  t.comment(`${rows.length} states of the directory`)
})
