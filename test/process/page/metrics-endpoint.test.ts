// Who asks how often, and what is counted meanwhile; test/process/page/metrics.test.ts
// has what the text says.
import t from 'tap'
import { parseConfig } from '../../../config/parse.ts'
import { Exposition } from '../../../page/metrics-endpoint.ts'
import { ReportCache } from '../../../page/report-cache.ts'
import { publicDirectory, until } from '../../fixtures/processes.ts'

void t.test('one rendering for all, and counting goes on', async t => {
  const config = parseConfig(
    `{ directory: ${publicDirectory(t)}, backends: { zope1: 'http://h:1' } }`,
    'f',
  )
  const exposition = new Exposition(new ReportCache(config, []))
  t.match(exposition.contentType, 'version=0.0.4')
  const rendering = exposition.text()
  t.equal(exposition.text(), rendering, 'one for who asks at once')
  t.notMatch(await rendering, 'outcome="refused"')
  t.equal(await exposition.text(), await rendering, 'and a little later')
  exposition.note([
    {
      kind: 'probe',
      backend: 'zope1',
      probe: 'light',
      outcome: 'refused',
      ms: null,
    },
  ])
  await until('another rendering', async () =>
    (await exposition.text()).includes(
      'zope_failover_probes_total{backend="zope1",kind="light",outcome="refused"} 1\n',
    ),
  )
})
