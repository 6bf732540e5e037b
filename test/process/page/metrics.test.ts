// What Prometheus reads from a real monitor and real map programs.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { statusOf } from '../../../status/read.ts'
import { parseConfig } from '../../../config/parse.ts'
import { Monitor } from '../../../monitor/monitor.ts'
import { Metrics } from '../../../page/metrics.ts'
import { reportOf, startMap } from '../../../lab/map.ts'
import { listen } from '../../../lab/probed-backend.ts'
import { publicDirectory, until } from '../../../lab/processes.ts'
import { promtool } from '../../fixtures/promtool.ts'

const now = Date.parse('2026-11-22T18:00:00Z')

type Site = {
  readonly directory: string
  readonly file: string
  readonly config: ReturnType<typeof parseConfig>
  readonly metrics: Metrics
  readonly text: () => Promise<string>
}

function siteOf(t: Test, keys: object): Site {
  const root = publicDirectory(t)
  const directory = `${root}/run`
  mkdirSync(directory)
  const file = `${root}/zope-failover.yaml`
  const text = JSON.stringify({ directory, ...keys })
  writeFileSync(file, text)
  const config = parseConfig(text, file)
  const metrics = new Metrics()
  return {
    ...{ directory, file, config, metrics },
    text: () => metrics.text(statusOf(config, Date.now()), Date.now()),
  }
}

/** The value of one sample; undefined = no such sample. */
function valueOf(text: string, sample: string): number | undefined {
  const line = text.split('\n').find(one => one.startsWith(`${sample} `))
  return line === undefined ? undefined : Number(line.slice(sample.length))
}

await t.test('a real monitor: states, probes, durations', async t => {
  const server = createServer((_request, response) => response.end('OK'))
  server.on('checkContinue', (_request, response) => response.writeContinue())
  const port = await listen(t, server)
  const probe = { interval: '100ms', heartbeat: { interval: '100ms' } }
  const site = siteOf(t, {
    backends: {
      zope1: {
        url: `http://127.0.0.1:${port}`,
        probe: { deep: { path: '/deep', interval: '1s' } },
      },
      zope2: 'http://127.0.0.1:1',
    },
    probe,
  })
  const { config, metrics } = site
  const monitor = new Monitor(site.file, config, pino({ level: 'silent' }))
  monitor.publisher.allow(true)
  monitor.telemetry.drain()
  monitor.start()
  const timer = setInterval(() => monitor.beat(), 20)
  t.teardown(() => {
    clearInterval(timer)
    monitor.stop()
  })
  const isCounted = [
    'zope_failover_probes_total{backend="zope1",kind="light",outcome="pass"}',
    'zope_failover_probes_total{backend="zope1",kind="deep",outcome="fresh"}',
    'zope_failover_probes_total{backend="zope1",kind="heartbeat",outcome="beat"}',
    'zope_failover_probes_total{backend="zope2",kind="light",outcome="refused"}',
    'zope_failover_probe_duration_seconds_count{backend="zope1",kind="light"}',
    'zope_failover_probe_duration_seconds_count{backend="zope1",kind="heartbeat"}',
    'zope_failover_transitions_total{backend="zope1",state="up"}',
    'zope_failover_transitions_total{backend="zope2",state="down"}',
  ]
  const wanted: Record<string, number> = {
    'zope_failover_transitions_total{backend="zope2",state="up"}': 0,
    'zope_failover_backend_state{backend="zope1",state="up"}': 1,
    'zope_failover_backend_state{backend="zope1",state="down"}': 0,
    'zope_failover_backend_state{backend="zope2",state="down"}': 1,
    'zope_failover_backend_up{backend="zope1"}': 1,
    'zope_failover_backend_up{backend="zope2"}': 0,
    'zope_failover_backend_share_ratio{backend="zope1"}': 1,
    'zope_failover_backend_share_ratio{backend="zope2"}': 0,
    'zope_failover_pool_newcomers{pool="default"}': 1,
    'zope_failover_pool_members{pool="default",standing="up"}': 1,
    'zope_failover_pool_members{pool="default",standing="down"}': 1,
    zope_failover_verdicts_trusted: 1,
    'zope_failover_maps{state="alive"}': 0,
    zope_failover_telemetry_lost_total: 0,
  }
  // on a slow machine zope1 may be slow for a while, and up again
  const text = await until('the text to tell all that is wanted', async () => {
    for (const event of monitor.telemetry.drain()) metrics.record(event)
    const said = await site.text()
    return (
      isCounted.every(sample => (valueOf(said, sample) ?? 0) > 0) &&
      Object.entries(wanted).every(
        ([sample, value]) => valueOf(said, sample) === value,
      ) &&
      said
    )
  })
  const probed = valueOf(
    text,
    'zope_failover_backend_last_probe_timestamp_seconds{backend="zope1"}',
  )
  t.ok(Math.abs(Number(probed) * 1_000 - Date.now()) < 600_000, 'seconds')
  t.strictSame(promtool(['check', 'metrics'], { input: text }), {
    code: 0,
    said: '',
  })
  t.match(metrics.contentType, /^text\/plain; version=0\.0\.4/)
})

await t.test('real map programs come and go, their sums stay', async t => {
  const site = siteOf(t, {
    backends: { zope1: 'http://h:1', zope2: 'http://h:2' },
  })
  writeFileSync(`${site.directory}/zope1.up`, '100\n')
  await site.text()
  for (const lookups of [3, 2]) {
    const map = startMap(t, site.file)
    for (let i = 0; i < lookups; i++) await map.lookup('default')
    await map.ask('n0 nopool')
    await until('the report of its lookups', () => {
      const report = reportOf(site.directory, map.pid)
      return report?.lookups === lookups + 1
    })
    const text = await site.text()
    t.equal(valueOf(text, 'zope_failover_maps{state="alive"}'), 1)
    await map.end()
  }
  const text = await site.text()
  const samples: Record<string, number> = {
    zope_failover_lookups_total: 7,
    zope_failover_lookups_malformed_total: 2,
    zope_failover_lookups_unanswered_total: 0,
    zope_failover_map_faults_total: 0,
    zope_failover_map_out_of_step_total: 0,
    'zope_failover_answers_total{backend="zope1"}': 5,
    'zope_failover_answers_total{backend="zope2"}': 0,
    'zope_failover_maps{state="alive"}': 0,
  }
  for (const [sample, value] of Object.entries(samples))
    t.equal(valueOf(text, sample), value, sample)
})

function of(kind: string): string {
  return `{backend="zope1",kind="${kind}"}`
}

await t.test("the administrator's files and their expiry", async t => {
  const site = siteOf(t, { backends: { zope1: 'http://h:1' } })
  const until = '2099-01-01T00:00:00Z'
  writeFileSync(`${site.directory}/zope1.drain`, `until: ${until}\n`)
  writeFileSync(`${site.directory}/zope1.force`, '')
  const text = await site.text()
  const admin = 'zope_failover_backend_admin'
  const ends = 'zope_failover_backend_admin_until_timestamp_seconds'
  t.equal(valueOf(text, `${admin}${of('drain')}`), 1)
  t.equal(valueOf(text, `${admin}${of('force')}`), 1)
  t.equal(valueOf(text, `${admin}${of('maint')}`), 0)
  t.equal(valueOf(text, `${ends}${of('drain')}`), Date.parse(until) / 1_000)
  t.equal(valueOf(text, `${ends}${of('force')}`), undefined)
  rmSync(`${site.directory}/zope1.drain`)
  t.notMatch(await site.text(), ends + of('drain'), 'gone with the file')
})

await t.test('no monitor; what it has seen of the map and of ZEO', async t => {
  const site = siteOf(t, { backends: { zope1: 'http://h:1' } })
  const text = await site.text()
  t.match(text, '\nzope_failover_monitor_report_age_seconds +Inf\n')
  t.equal(valueOf(text, 'zope_failover_verdicts_trusted'), 0)
  t.equal(valueOf(text, 'zope_failover_map_seen_state{state="dead"}'), 0)
  t.notMatch(text, 'zope_failover_backend_since_timestamp_seconds{')
  const mapSeen = {
    ...{ state: 'dead' as const, since: '', reason: '', streak: 1 },
    ...{ ms: 1, commandAt: null },
  }
  const zeo = Object.fromEntries(
    (['well', 'gone', 'unknown'] as const).map(state => [
      state,
      { state, since: '', reason: '' },
    ]),
  )
  const notices = { webhook: { waiting: 1, dropped: 2 } }
  const report = { ...statusOf(site.config, now), mapSeen, zeo, notices }
  const dropped = 'zope_failover_notices_dropped_total'
  await site.metrics.text(report, now)
  const seen = await site.metrics.text(report, now)
  t.equal(valueOf(seen, `${dropped}{receiver="webhook"}`), 2)
  const none = await site.metrics.text({ ...report, notices: {} }, now)
  t.notMatch(none, `${dropped}{`, 'switched off')
  t.equal(valueOf(seen, 'zope_failover_map_seen_state{state="dead"}'), 1)
  t.equal(valueOf(seen, 'zope_failover_map_seen_state{state="ok"}'), 0)
  t.equal(valueOf(seen, 'zope_failover_zeo_up{pool="well"}'), 1)
  t.equal(valueOf(seen, 'zope_failover_zeo_up{pool="gone"}'), 0)
  t.notMatch(seen, 'zope_failover_zeo_up{pool="unknown"}')
})

await t.test(
  'a backend that leaves the configuration leaves the metrics',
  async t => {
    const zope1 = 'http://h:1'
    const { config, metrics } = siteOf(t, {
      backends: { zope1, zope2: 'http://h:2' },
    })
    const without = siteOf(t, { backends: { zope1 } }).config
    const probe = { kind: 'probe', probe: 'light', outcome: 'pass' } as const
    for (const backend of ['zope1', 'zope2'])
      metrics.record({ ...probe, backend, ms: 1 })
    const before = await metrics.text(statusOf(config, now), now)
    t.equal(before.split('"zope2"').length, before.split('"zope1"').length)
    const after = await metrics.text(statusOf(without, now), now)
    t.notMatch(after, 'zope2')
    t.equal(after.split('"zope1"').length, before.split('"zope1"').length)
    // recorded before the reload, counted after it
    metrics.record({ ...probe, backend: 'zope2', ms: null })
    metrics.record({
      kind: 'transition',
      backend: 'zope3',
      state: 'down',
    })
    t.equal(await metrics.text(statusOf(without, now), now), after)
    metrics.record({ kind: 'lost', events: 3 })
    t.match(
      await metrics.text(statusOf(without, now), now),
      'zope_failover_telemetry_lost_total 3\n',
    )
  },
)

await t.test(
  'a thousand backends: a bounded number of lines for each',
  async t => {
    const names = Array.from({ length: 1_000 }, (_, i) => `zope${i}`)
    const site = siteOf(t, {
      backends: Object.fromEntries(names.map(name => [name, 'http://h:1'])),
    })
    for (const backend of names)
      for (const probe of ['light', 'heartbeat'] as const)
        site.metrics.record({
          ...{ kind: 'probe', backend, probe, outcome: 'pass', ms: 1 },
        })
    const text = await site.text()
    const lines = text.split('\n').length
    t.ok(lines < 65_000, `${lines} lines`)
  },
)
