import t from 'tap'
import type { StatusReport } from '../../../../status/report.ts'
import type { HttpdFacts } from '../../../../check/facts.ts'
import { parseConfig } from '../../../../config/parse.ts'
import {
  frontFindings,
  caFindings,
  commandFindings,
  ownFindings,
  runningMapFindings,
  tokenFindings,
} from '../../../../check/findings/own.ts'
import {
  directory,
  factsWith,
  heads,
  httpdWith,
  ownProgram,
  type SmallFile,
} from '../facts.ts'

const well: StatusReport = {
  version: '1.0',
  time: '2026-11-22T12:00:00Z',
  directory,
  verdictsCount: true,
  monitor: { kind: 'alive', pid: 1, ageMs: 1 },
  maps: [],
  backends: [],
  pools: [
    { name: 'default', policy: 'failover', newcomers: ['zope1'], members: [] },
  ],
  problems: [],
}
const found = (
  status: Partial<StatusReport>,
  place: SmallFile = { kind: 'directory' },
) =>
  heads(ownFindings({ ...well, ...status }, factsWith({ [directory]: place })))

void t.test('directory, monitor and pools', t => {
  t.strictSame(found({}), [])
  t.strictSame(found({}, 'hidden'), [])
  t.strictSame(found({}, 'missing'), ['warning directory-missing'])
  for (const kind of ['file', 'other'] as const)
    t.strictSame(found({}, { kind }), ['error directory-is-no-directory'])
  t.strictSame(found({ problems: ['a', 'b'] }), [
    'warning directory-problem',
    'warning directory-problem',
  ])
  t.strictSame(found({ monitor: { kind: 'never-seen' } }), [
    'warning monitor-not-alive',
  ])
  t.strictSame(
    found({ monitor: { kind: 'dead', pid: 1, ageMs: 1 } }, 'hidden'),
    ['warning monitor-not-alive'],
  )
  t.strictSame(
    found({
      pools: [
        { name: 'default', policy: 'failover', newcomers: [], members: [] },
      ],
    }),
    ['warning pool-without-backend'],
  )
  t.end()
})

void t.test('the token of the status page', t => {
  const file = '/etc/token'
  const good = { kind: 'token', token: '' } as const
  const bad = { kind: 'unusable', why: 'short', remedy: '' } as const
  const shown = (
    token: Parameters<typeof tokenFindings>[1],
    place: SmallFile = { mode: 0o640, gid: 500 },
    run: SmallFile = { kind: 'directory', uid: 500, gid: 500 },
  ) => {
    const facts = factsWith({ [directory]: run, [file]: place })
    return tokenFindings(file, token, facts).map(({ what }) => what)
  }
  t.strictSame(shown(good), [])
  t.strictSame(shown({ ...bad, isClosed: false }), ['short'])
  t.strictSame(shown({ ...bad, isClosed: false }, 'missing'), ['short'])
  t.strictSame(shown({ ...bad, isClosed: true }), [])
  t.match(shown(good, { mode: 0o600 }), [
    /^\/etc\/token may not be read by zope \(mode 600/,
  ])
  t.strictSame(shown(good, { mode: 0o600 }, 'missing'), [])
  t.end()
})

void t.test('the file of certificate authorities', t => {
  const file = '/etc/ca.pem'
  const facts = factsWith({ [file]: { mode: 0o600 } })
  const config = parseConfig(
    `{ backends: { zope1: "https://h:1", zope2: "https://h:2", zope3: "http://h:3" }, probe: { ca: ${file} } }`,
    'test',
  )
  const found = (problem: string | null, files = {}) =>
    caFindings({ ...factsWith(files), config }, () => problem)
  const open = { [file]: { mode: 0o644 } }
  const hasOwner = { [directory]: { kind: 'directory', uid: 500 } as const }
  t.strictSame(found(null, open), [])
  t.match(found('got it: ENOENT', { [file]: 'missing' }), [
    { code: 'ca-unusable', what: 'zope1, zope2: got it: ENOENT', where: file },
  ])
  t.strictSame(found('got it: EACCES', { ...open, ...hasOwner }), [], 'unseen')
  t.match(found(null, { ...hasOwner, [file]: { mode: 0o600 } }), [
    {
      what: /monitor must be able to read probe.ca: \/etc\/ca\.pem may not be read by zope \(mode 600/,
    },
  ])
  t.match(found('no certificate', { [directory]: 'missing', ...open }), [
    { what: 'zope1, zope2: no certificate' },
  ])
  t.strictSame(
    caFindings(facts, () => 'not asked'),
    [],
    'no TLS backend',
  )
  const plain = parseConfig('{ backends: { zope1: "https://h:1" } }', 'test')
  t.strictSame(
    caFindings({ ...facts, config: plain }, () => 'not asked'),
    [],
    "the system's authorities",
  )
  t.end()
})

void t.test('what a running monitor cannot do', t => {
  const severity = 'warning' as const
  const limits = [{ severity, what: 'no', why: 'so', remedy: 'do' }]
  const monitor = { kind: 'alive', pid: 2, ageMs: 1 } as const
  t.match(
    ownFindings(
      { ...well, monitor, limits },
      factsWith({ [directory]: { kind: 'directory', uid: 500 } }),
    ),
    [{ code: 'monitor-limit', severity: 'warning', what: 'no', remedy: 'do' }],
  )
  t.end()
})

const mapConf = (user: string) => `RewriteMap z "prg:${ownProgram}" ${user}`

const running = (
  maps: StatusReport['maps'],
  more: Partial<HttpdFacts> = {},
  user = '',
) =>
  heads(
    runningMapFindings(
      { ...well, problems: ['known'], maps },
      httpdWith(mapConf(user), { isRunning: true, ...more }),
      factsWith({ [directory]: { kind: 'directory', uid: 500 } }),
    ),
  )

void t.test('running maps', t => {
  const map = {
    lookups: 0,
    malformed: 0,
    unanswered: 0,
    faults: 0,
    outOfStep: 0,
    started: '',
    answers: {},
    problems: [],
  }
  const alive = { ...map, kind: 'alive', pid: 2, ageMs: 1 } as const
  t.strictSame(running([alive]), [])
  t.strictSame(running([{ ...alive, problems: ['known', 'new'] }]), [
    'warning map-problem',
  ])
  t.strictSame(running([]), ['error no-map-alive'])
  t.strictSame(running([{ ...alive, kind: 'dead', problems: ['x'] }]), [
    'error no-map-alive',
  ])
  t.strictSame(running([{ ...alive, kind: 'silent' }]), ['error map-silent'])
  t.strictSame(running([], { isRunning: false }), [])
  t.strictSame(running([], { isReloadDue: true }), [])
  t.strictSame(running([], {}, 'www-data'), [], 'it cannot report')
  t.strictSame(running([], {}, 'no-such-user'), [])
  t.strictSame(running([], { conf: httpdWith('').conf }), [])
  t.end()
})

const foundOfUnit = (
  settings: Record<string, string> | undefined,
  text = 'front: {}',
) =>
  heads(
    frontFindings(
      settings && {
        file: '/etc/systemd/system/m.service',
        settings: new Map(Object.entries(settings)),
      },
      {
        ...factsWith({}),
        config: parseConfig(
          `directory: /run/zope-failover\nbackends: { a: http://a }\n${text}`,
          'f',
        ),
      },
    ),
  )

void t.test('what systemd does to front.up', t => {
  const removed = ['warning front-directory-removed']
  const ours = { RuntimeDirectory: 'other zope-failover' }
  t.strictSame(foundOfUnit(ours), removed)
  t.strictSame(foundOfUnit({ RuntimeDirectory: 'zope-failover:link' }), removed)
  for (const kept of ['no', 'restart'])
    t.strictSame(
      foundOfUnit({ ...ours, RuntimeDirectoryPreserve: kept }),
      removed,
    )
  t.strictSame(foundOfUnit({ ...ours, RuntimeDirectoryPreserve: 'yes' }), [])
  t.strictSame(foundOfUnit({ RuntimeDirectory: 'zope' }), [], 'another one')
  t.strictSame(foundOfUnit({}), [])
  t.strictSame(foundOfUnit(undefined), [], 'no unit is known')
  t.strictSame(foundOfUnit(ours, ''), [], 'nothing is tracked there')
  t.end()
})

void t.test('a configuration that others can write', t => {
  t.strictSame(commandFindings(undefined), [])
  t.match(commandFindings('/c.yaml is open: why; type: chmod go-w /c.yaml'), [
    {
      code: 'configuration-open',
      what: '/c.yaml is open: why',
      remedy: 'chmod go-w /c.yaml',
    },
  ])
  t.end()
})
