import t from 'tap'
import { buildTable, isFreshAt, isInEffect } from '../../../choice/table.ts'
import { noSentinels } from '../../../sentinels/snapshot.ts'
import {
  configOf,
  now,
  poolOf,
  snapshotOf,
  tableOf,
  type Files,
  type Monitor,
} from '../../fixtures/tables.ts'

const past = { until: now - 1 }
const future = { until: now + 1 }
const stale = { ageMs: 15_001 }

/** The eligibility of member a in a pool with b, which is up. */
function eligibilityOf(files: Files, monitor?: Monitor, pool?: string) {
  const [member] = poolOf(
    'a b',
    pool,
    { a: files, b: { up: 100 } },
    monitor,
  ).members
  if (member === undefined) throw new Error('no member')
  const { standing, preference, weight, keepsSession, isLastResort } = member
  return { standing, preference, weight, keepsSession, isLastResort }
}

const up = {
  standing: 'up',
  preference: 0,
  weight: 1,
  keepsSession: true,
  isLastResort: false,
}
const down = {
  standing: 'down',
  preference: null,
  weight: 1,
  keepsSession: false,
  isLastResort: false,
}
const maint = { ...down, standing: 'maint' }
const drain = { ...up, standing: 'drain', preference: null }
const force = { ...up, standing: 'force' }
const presumed = { ...down, standing: 'presumed-down', preference: 2 }
const lastResort = {
  ...up,
  standing: 'last-resort',
  preference: 1,
  isLastResort: true,
}
const unknown = { ...lastResort, standing: 'unknown' }

void t.test('what the files of a backend mean for it', t => {
  for (const [name, files, expected] of [
    ['no file', {}, down],
    ['up', { up: 100 }, up],
    ['half its share', { up: 50 }, { ...up, weight: 0.5 }],
    ['the smallest share', { up: 1 }, { ...up, weight: 0.01 }],
    ['share 0 is last resort', { up: 0 }, lastResort],
    ['maintenance', { up: 100, maint: true }, maint],
    ['drained', { up: 100, drain: true }, drain],
    [
      'drained and last resort',
      { up: 0, drain: true },
      { ...drain, isLastResort: true },
    ],
    ['drained and down', { drain: true }, { ...drain, keepsSession: false }],
    ['drained, down and forced', { drain: true, force: true }, drain],
    ['forced while down', { force: true }, force],
    ['forced while share 0', { up: 0, force: true }, force],
    ['forced ignores the share', { up: 10, force: true }, force],
    ['maintenance beats drain', { up: 100, maint: true, drain: true }, maint],
    ['maintenance beats force', { up: 100, maint: true, force: true }, maint],
    ['drain beats force', { up: 100, drain: true, force: true }, drain],
    ['maintenance has ended', { up: 100, maint: past }, up],
    ['maintenance has not ended', { up: 100, maint: future }, maint],
    ['maintenance ends this instant', { up: 100, maint: { until: now } }, up],
    ['drain has ended', { up: 100, drain: past }, up],
    ['force has ended', { force: past }, down],
    [
      'maintenance has ended, drain has not',
      { up: 100, maint: past, drain: true },
      drain,
    ],
  ] as const)
    t.strictSame(eligibilityOf(files), expected, name)
  t.end()
})

void t.test('without a live monitor no backend counts as down', t => {
  for (const [name, files, monitor, expected] of [
    ['no verdict', {}, stale, presumed],
    ['no monitor.json at all', {}, { ageMs: null }, presumed],
    ['the last verdict up counts', { up: 100 }, stale, up],
    ['the last share counts', { up: 0 }, stale, lastResort],
    ['maintenance counts', { up: 100, maint: true }, stale, maint],
    [
      'drained ones come last',
      { up: 100, drain: true },
      stale,
      { ...drain, preference: 4 },
    ],
    ['forced', { force: true }, stale, force],
    ['not judged yet', {}, { unknown: ['a'] }, unknown],
    [
      'not judged yet, but with a verdict up',
      { up: 100 },
      { unknown: ['a'] },
      up,
    ],
    [
      'not judged and drained',
      { drain: true },
      { unknown: ['a'] },
      { ...drain, preference: 4, isLastResort: true },
    ],
    ['not judged, in maintenance', { maint: true }, { unknown: ['a'] }, maint],
    [
      'not judged, but the monitor is gone',
      {},
      { ...stale, unknown: ['a'] },
      presumed,
    ],
  ] as const)
    t.strictSame(eligibilityOf(files, monitor), expected, name)
  t.end()
})

void t.test('a pool that tries all uses everything but maintenance', t => {
  const pool = '{ whenAllDown: try-all }'
  for (const [name, files, expected] of [
    ['down', {}, { ...down, preference: 2 }],
    ['drained', { up: 100, drain: true }, { ...drain, preference: 4 }],
    [
      'drained and down',
      { drain: true },
      { ...drain, preference: 4, keepsSession: false },
    ],
    ['maintenance', { maint: true }, maint],
    ['up', { up: 100 }, up],
    ['share 0', { up: 0 }, lastResort],
  ] as const)
    t.strictSame(eligibilityOf(files, {}, pool), expected, name)
  t.end()
})

const weightless = (rest: string) =>
  `{ policy: balance, ${rest} members: [{ name: a, weight: 0 }, b] }`

void t.test('weight 0 is only for sticky visitors', t => {
  for (const [name, pool, files, monitor, preference] of [
    ['up', '', { up: 100 }, {}, null],
    ['share 0', '', { up: 0 }, {}, null],
    ['down', '', {}, {}, null],
    ['forced', '', { force: true }, {}, null],
    [
      'up, in a pool that tries all',
      'whenAllDown: try-all,',
      { up: 100 },
      {},
      3,
    ],
    ['down, in a pool that tries all', 'whenAllDown: try-all,', {}, {}, 3],
    [
      'drained, in a pool that tries all',
      'whenAllDown: try-all,',
      { drain: true },
      {},
      4,
    ],
    [
      'maintenance, in a pool that tries all',
      'whenAllDown: try-all,',
      { maint: true },
      {},
      null,
    ],
    ['up, while the monitor is gone', '', { up: 100 }, stale, 3],
    ['no verdict, while the monitor is gone', '', {}, stale, 3],
    ['not judged yet', '', {}, { unknown: ['a'] }, 3],
  ] as const) {
    const eligibility = eligibilityOf(files, monitor, weightless(pool))
    t.equal(eligibility.preference, preference, name)
    if (preference !== null)
      t.equal(eligibility.weight, 1, 'all have the same weight')
  }
  t.ok(eligibilityOf({ up: 100 }, {}, weightless('')).keepsSession)
  t.end()
})

void t.test(
  'weights count with the share; last resorts share by weight alone',
  t => {
    const pool = '{ policy: balance, members: [{ name: a, weight: 8 }, b] }'
    t.equal(eligibilityOf({ up: 25 }, {}, pool).weight, 2)
    t.equal(eligibilityOf({ up: 0 }, {}, pool).weight, 8)
    t.equal(eligibilityOf({}, stale, pool).weight, 8)
    t.end()
  },
)

void t.test('the age of monitor.json', t => {
  for (const [name, ageMs, expected] of [
    ['just written', 0, true],
    ['as old as allowed', 15_000, true],
    ['older', 15_001, false],
    ['as far in the future as allowed', -15_000, true],
    ['further in the future', -15_001, false],
    ['never written', null, false],
  ] as const) {
    const snapshot = snapshotOf(configOf('a'), {}, { ageMs })
    t.equal(isFreshAt(snapshot, 15_000, now), expected, name)
    t.equal(tableOf('a', undefined, {}, { ageMs }).isFresh, expected, name)
  }
  t.end()
})

void t.test('an administrator’s file counts until its end', t => {
  const note = { reason: null, by: null }
  t.equal(isInEffect(null, now), false)
  t.equal(isInEffect({ ...note, until: null }, now), true, 'without end')
  t.equal(isInEffect({ ...note, until: now + 1 }, now), true)
  t.equal(isInEffect({ ...note, until: now }, now), false)
  t.end()
})

void t.test('pools keep their members in the order of the file', t => {
  const config = configOf('a b c', '{ members: [c, { name: a, tier: 7 }] }')
  const table = buildTable(config, snapshotOf(config, {}), now)
  t.strictSame(
    table.pools
      .get('default')
      ?.members.map(({ name, tier, address, backend }) => [
        name,
        tier,
        address,
        backend,
      ]),
    [
      ['c', 1, '10.0.0.3:8080', 2],
      ['a', 7, '10.0.0.1:8080', 0],
    ],
  )
  t.strictSame([...table.pools.keys()], ['default'])
  t.end()
})

void t.test('only configured backends and members are in the table', t => {
  const config = configOf('a')
  const snapshot = snapshotOf(config, { a: { up: 100 } })
  const more = new Map([
    ...snapshot.backends,
    ['ghost', { ...noSentinels, share: 100 }],
  ])
  const table = buildTable(config, { ...snapshot, backends: more }, now)
  t.strictSame(
    table.pools.get('default')?.members.map(({ name }) => name),
    ['a'],
  )
  const [pool] = config.pools
  if (pool === undefined) throw new Error('no pool')
  const ghost = { name: 'ghost', weight: 1, tier: 1 }
  const haunted = { ...config, pools: [{ ...pool, members: [ghost] }] }
  t.strictSame(
    buildTable(haunted, snapshot, now).pools.get('default')?.members,
    [],
  )
  t.end()
})
