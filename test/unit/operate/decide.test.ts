import t from 'tap'
import { statusReport, type StatusReport } from '../../../status/report.ts'
import { parseConfig } from '../../../config/parse.ts'
import type { Config } from '../../../config/config.ts'
import type { BackendReport } from '../../../sentinels/reports.ts'
import {
  inFlightText,
  isBack,
  isIdle,
  isTakenOver,
  maintBy,
  mayLeave,
  notIdleText,
} from '../../../operate/decide.ts'
import { configOf, now, snapshotOf, type Files } from '../../fixtures/tables.ts'
import { aMap } from '../../fixtures/status-report.ts'

const up = { up: 100 }
const maint = { maint: true } as const

/** The status of these files; the monitor's report is `ageMs` old. */
function seen(
  config: Config,
  files: Readonly<Record<string, Files>>,
  ageMs = 0,
  unknown: readonly string[] = [],
): StatusReport {
  const writtenMs = now - ageMs
  return statusReport(
    config,
    snapshotOf(config, files, { ageMs, unknown }),
    { report: { pid: 7, backends: {} }, writtenMs, isRunning: true },
    [],
    now,
  )
}

const two = configOf('zope1 zope2')
const three = configOf('zope1 zope2 zope3', '{ minAlive: 2 }')

void t.test('whether zope1 may leave', t => {
  const cases: [string, Config, Record<string, Files>, string, RegExp?][] = [
    ['another one is up', two, { zope1: up, zope2: up }, 'yes'],
    [
      'another one is forced',
      two,
      { zope1: up, zope2: { force: true } },
      'yes',
    ],
    [
      'another one is the last resort',
      two,
      { zope1: up, zope2: { up: 0 } },
      'wait',
      /^pool default needs 1 other up \(minAlive 1\), got 0: zope2 is last-resort$/,
    ],
    [
      'the other one is down',
      two,
      { zope1: up },
      'no',
      /got 0: zope2 is down$/,
    ],
    [
      'the other one is out',
      two,
      { zope1: up, zope2: { ...up, ...maint } },
      'no',
    ],
    ['all are down', two, {}, 'yes'],
    [
      'it is forced, the other one is down',
      two,
      { zope1: { force: true } },
      'no',
    ],
    [
      'fewer than minAlive would be left',
      three,
      { zope1: up, zope2: up, zope3: maint },
      'no',
      /needs 2 others up \(minAlive 2\), got 1: zope2 is up, zope3 is maint$/,
    ],
    ['enough are left', three, { zope1: up, zope2: up, zope3: up }, 'yes'],
    [
      'one of two that must be up may become so',
      three,
      { zope1: up, zope2: up, zope3: { up: 0 } },
      'wait',
    ],
    [
      'it is alone in its pool',
      configOf('zope1'),
      { zope1: up },
      'no',
      /got 0: it has no other member$/,
    ],
    [
      'weight 0 gets no new visitors',
      configOf(
        'zope1 zope2',
        '{ members: [zope1, { name: zope2, weight: 0 }] }',
      ),
      { zope1: up, zope2: up },
      'no',
    ],
    [
      'of several pools the strictest counts',
      parseConfig(
        'directory: /nowhere\nbackends: { zope1: "http://a", zope2: "http://b" }\npools: { one: { members: [zope1, zope2] }, other: { members: [zope1] }, third: { members: [zope2] } }',
        'test.yaml',
      ),
      { zope1: up, zope2: up },
      'no',
      /^pool other /,
    ],
  ]
  for (const [title, config, files, kind, why] of cases) {
    const leave = mayLeave(config, seen(config, files), 'zope1')
    t.equal(leave.kind, kind, title)
    if (why !== undefined) t.match('why' in leave ? leave.why : '', why, title)
  }
  t.match(
    mayLeave(two, seen(two, { zope1: up, zope2: up }, 60_000), 'zope1'),
    { kind: 'no', why: /monitor is not running/ },
    'a monitor that is silent',
  )
  t.match(
    mayLeave(two, seen(two, { zope1: up }, 0, ['zope2']), 'zope1'),
    { kind: 'wait' },
    'one that has not been judged',
  )
  const status = seen(two, { zope1: up, zope2: up })
  t.match(
    mayLeave({ ...two, pools: [] }, status, 'zope1'),
    { kind: 'yes' },
    'a pool the configuration no longer has',
  )
  t.end()
})

void t.test("an operator's maint stays", t => {
  t.equal(maintBy(seen(two, { zope1: up }), 'zope1'), undefined)
  t.equal(maintBy(seen(two, { zope1: maint }), 'zope2'), undefined)
  t.equal(maintBy(seen(two, { zope1: maint }), 'unknown'), undefined)
  const rule = 'zope1 is already in maint'
  const remedy = '; to end that, type: zope-failover ready zope1'
  t.equal(maintBy(seen(two, { zope1: maint }), 'zope1'), `${rule}${remedy}`)
  const report = seen(two, { zope1: maint })
  const [backend, ...others] = report.backends
  if (backend === undefined) throw new Error('no backend')
  const admin = [
    { kind: 'maint', by: 'joe', reason: 'new disk', until: null } as const,
  ]
  t.equal(
    maintBy(
      { ...report, backends: [{ ...backend, admin }, ...others] },
      'zope1',
    ),
    `${rule} by joe: new disk${remedy}`,
  )
  t.end()
})

void t.test('whether the map programs know', t => {
  const withMaps = (...ages: number[]): StatusReport => ({
    ...seen(two, {}),
    maps: ages.map(ageMs => aMap({ kind: 'alive', pid: 1, ageMs })),
  })
  const changedMs = now - 500
  t.ok(isTakenOver(withMaps(100), changedMs, now), 'a report after the change')
  t.notOk(isTakenOver(withMaps(600), changedMs, now), 'one before it')
  t.notOk(isTakenOver(withMaps(400), changedMs, now), 'one just after it')
  t.notOk(isTakenOver(withMaps(100, 600), changedMs, now), 'not all of them')
  t.notOk(
    isTakenOver(
      {
        ...seen(two, {}),
        maps: [aMap({ kind: 'silent', pid: 1, ageMs: 6_000 })],
      },
      now - 2_000,
      now,
    ),
    'a silent one may answer by what it knew',
  )
  t.notOk(isTakenOver(withMaps(), changedMs, now), 'none, and no time is over')
  t.ok(isTakenOver(withMaps(), now - 1_250, now), 'none, and a beat is over')
  const dead: StatusReport = {
    ...seen(two, {}),
    maps: [aMap({ kind: 'dead', pid: 1, ageMs: 0 })],
  }
  t.notOk(isTakenOver(dead, changedMs, now), 'a dead one knows nothing')
  t.end()
})

void t.test('idle means three checks that find nothing', t => {
  t.notOk(isIdle([]))
  t.notOk(isIdle([0, 0]))
  t.ok(isIdle([3, 0, 0, 0]))
  t.notOk(isIdle([0, 0, 0, 1, 0, 0]))
  t.equal(inFlightText(1), '1 request in flight')
  t.equal(notIdleText(2, true, 300_000), '2 requests in flight after 5m')
  t.equal(
    notIdleText(0, true, 500),
    'it was not idle for long enough within 500ms',
  )
  t.equal(
    notIdleText(0, false, 500),
    "httpd's map program did not see that within 500ms",
  )
  t.end()
})

function at(ms: number): string {
  return new Date(ms).toISOString()
}

void t.test('whether the backend is back', t => {
  const report: BackendReport = {
    state: 'up',
    since: at(now),
    reason: 'it passed',
    share: 100,
    streak: 1,
    probes: [
      { at: at(now - 5), outcome: 'refused', ms: 1 },
      { at: at(now), outcome: 'pass', ms: 1 },
    ],
  }
  t.match(isBack(report, now, true), { kind: 'back' })
  t.match(isBack(report, now + 1, true), {
    kind: 'not-yet',
    why: 'no probe has passed since',
  })
  const warming: BackendReport = { ...report, state: 'warming' }
  t.match(isBack(warming, now, false), { kind: 'back' })
  t.match(isBack(warming, now, true), { why: 'warming: it passed' })
  t.match(
    isBack({ ...warming, cold: true }, now, false),
    { why: 'warming: it passed' },
    'the monitor fetches its pages',
  )
  t.match(isBack({ ...report, state: 'slow', reason: 'late' }, now, false), {
    why: 'slow: late',
  })
  t.match(isBack(undefined, now, false), {
    why: 'the monitor does not report it',
  })
  t.end()
})
