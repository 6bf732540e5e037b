// Rendering and counting of the endpoint; test/process/page/metrics.test.ts
// tests the text itself.
import t from 'tap'
import { parseConfig } from '../../../config/parse.ts'
import { MetricsEndpoint } from '../../../page/metrics-endpoint.ts'
import { ReportCache } from '../../../page/report-cache.ts'
import { publicDirectory, until } from '../../../lab/processes.ts'

void t.test('one rendering for all, and counting continues', async t => {
  const config = parseConfig(
    `{ directory: ${publicDirectory(t)}, backends: { zope1: 'http://h:1' } }`,
    'f',
  )
  const metricsEndpoint = new MetricsEndpoint(new ReportCache(config, []))
  t.match(metricsEndpoint.contentType, 'version=0.0.4')
  const rendering = metricsEndpoint.text()
  t.equal(metricsEndpoint.text(), rendering, 'simultaneous requests share it')
  t.notMatch(await rendering, 'outcome="refused"')
  t.equal(await metricsEndpoint.text(), await rendering, 'and a little later')
  metricsEndpoint.record([
    {
      kind: 'probe',
      backend: 'zope1',
      probe: 'light',
      outcome: 'refused',
      ms: null,
    },
  ])
  await until('another rendering', async () =>
    (await metricsEndpoint.text()).includes(
      'zope_failover_probes_total{backend="zope1",kind="light",outcome="refused"} 1\n',
    ),
  )
})
