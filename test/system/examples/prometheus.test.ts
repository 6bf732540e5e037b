// Alert rules, dashboard and docs/monitoring.md know the metrics there are, and each
// alert fires when it should (zope-failover.rules.test.yml).
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { parseConfig } from '../../../config/parse.ts'
import { Metrics } from '../../../page/metrics.ts'
import { statusOf } from '../../../status/read.ts'
import { checkout, publicDirectory } from '../../../lab/processes.ts'
import { promtool } from '../../fixtures/promtool.ts'

const cwd = resolve(checkout, 'examples/prometheus')

function textOf(file: string): string {
  return readFileSync(resolve(checkout, file), 'utf8')
}

const rulesText = textOf('examples/prometheus/zope-failover.rules.yml')
const casesText = textOf('examples/prometheus/zope-failover.rules.test.yml')
const dashboardText = textOf('examples/grafana/zope-failover.json')
const monitoring = textOf('docs/monitoring.md')

type Panel = {
  readonly id: number
  readonly title: string
  readonly gridPos: { readonly x: number; readonly w: number }
  readonly targets: readonly { readonly expr: string }[]
}

type Rules = {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string
      readonly labels: { readonly severity: string }
    }[]
  }[]
}

type Cases = {
  readonly tests: readonly {
    readonly alert_rule_test: readonly {
      readonly alertname: string
      readonly exp_alerts?: unknown
    }[]
  }[]
}

const dashboard: { readonly panels: readonly Panel[] } =
  JSON.parse(dashboardText)
/** As Grafana would send them. */
const queries = dashboard.panels.flatMap(({ title, targets }) =>
  targets.map(({ expr }) => ({
    title,
    expr: expr
      .replaceAll('$instance', '.*')
      .replaceAll('$__rate_interval', '1m'),
  })),
)

/** Name and type of every metric in the text that Prometheus reads. */
async function metricTypes(): Promise<Map<string, string>> {
  const config = parseConfig('backends: { zope1: http://h:1 }', 'test')
  const text = await new Metrics().text(statusOf(config, 0), 0)
  return new Map(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(
      ([, name = '', type = '']) => [name, type],
    ),
  )
}

function namesIn(text: string): Set<string> {
  const words = text.match(/\bzope_failover_[a-z_]+/g) ?? []
  return new Set(words.map(word => word.replace(/_(bucket|sum|count)$/, '')))
}

await t.test('promtool finds nothing wrong', t => {
  t.match(promtool(['check', 'config', 'prometheus.yml'], { cwd }), { code: 0 })
  t.match(
    promtool(['test', 'rules', 'zope-failover.rules.test.yml'], { cwd }),
    { code: 0 },
  )
  t.end()
})

await t.test('each alert is documented, and seen to fire', t => {
  const { groups }: Rules = parse(rulesText)
  const { tests }: Cases = parse(casesText)
  const alerts = groups.flatMap(({ rules }) => rules)
  const table = [...monitoring.matchAll(/^\| `(Zope\w+)` +\| (\w+) /gm)]
  t.strictSame(
    Object.fromEntries(table.map(([, alert, severity]) => [alert, severity])),
    Object.fromEntries(
      alerts.map(({ alert, labels }) => [alert, labels.severity]),
    ),
  )
  const fired = new Set(
    tests
      .flatMap(({ alert_rule_test }) => alert_rule_test)
      .filter(({ exp_alerts }) => exp_alerts !== undefined)
      .map(({ alertname }) => alertname),
  )
  for (const { alert } of alerts) t.ok(fired.has(alert), alert)
  t.end()
})

await t.test('the table of metrics is that of the text', async t => {
  const rows = [
    ...monitoring.matchAll(/^\| `(zope_failover_\w+)` +\| (\w+) /gm),
  ].map(([, name = '', type = '']) => [name, type] as const)
  const types = await metricTypes()
  t.strictSame(Object.fromEntries(rows), Object.fromEntries(types))
  t.equal(rows.length, types.size, 'each once')
})

await t.test('rules and dashboard use what there is', async t => {
  const types = await metricTypes()
  for (const name of namesIn(rulesText + casesText + dashboardText))
    t.ok(types.has(name), name)
})

await t.test('the dashboard: every query can be read, no panel is lost', t => {
  const file = resolve(publicDirectory(t), 'queries.yml')
  const rules = queries.map(({ expr }, i) => ({ record: `query:${i}`, expr }))
  writeFileSync(
    file,
    JSON.stringify({ groups: [{ name: 'dashboard', rules }] }),
  )
  t.match(promtool(['check', 'rules', file]), { code: 0 })
  const ids = dashboard.panels.map(({ id }) => id)
  t.equal(new Set(ids).size, ids.length)
  for (const { title, gridPos } of dashboard.panels)
    t.ok(gridPos.x + gridPos.w <= 24, title)
  t.end()
})

function series(backend: string, state: string, values: string) {
  const labels = `instance="h",backend="${backend}",state="${state}"`
  return { series: `zope_failover_backend_state{${labels}}`, values }
}

await t.test('the dashboard: a state is a number, as its words have it', t => {
  const place = publicDirectory(t)
  const expr = queries.find(({ title }) => title === 'State of the backends')
  const file = resolve(place, 'cases.yml')
  writeFileSync(
    file,
    JSON.stringify({
      tests: [
        {
          interval: '15s',
          input_series: [
            series('zope1', 'up', '1'),
            series('zope1', 'down', '0'),
            series('zope2', 'up', '0'),
            series('zope2', 'down', '1'),
          ],
          promql_expr_test: [
            {
              expr: expr?.expr,
              eval_time: '0s',
              exp_samples: [
                { labels: '{instance="h",backend="zope1"}', value: 1 },
                { labels: '{instance="h",backend="zope2"}', value: 7 },
              ],
            },
          ],
        },
      ],
    }),
  )
  t.match(promtool(['test', 'rules', file]), { code: 0 })
  const words = dashboardText.match(/"text": "[a-z-]+"/g) ?? []
  t.equal(words[1], '"text": "up"')
  t.equal(words[7], '"text": "down"')
  t.end()
})
