import t from 'tap'
import { effectOf, effectText } from '../../../cluster/effect.ts'
import type { Live } from '../../../cluster/keys.ts'
import type { ClusterReport } from '../../../sentinels/reports.ts'

const live: Live = {
  instance: 'i',
  version: '1',
  now: 0,
  applied: 7,
  states: {},
  settings: { '*': 'p', zope1: 'x' },
  own: [],
  maps: 0,
}
const away = {
  state: 'away' as const,
  ageMs: 40_900,
  version: '1',
  clockMs: 0,
  settingsDiffer: false,
  differing: [],
  maps: 0,
  own: [],
}
const report: ClusterReport = {
  name: 'fe1',
  state: 'together',
  since: '',
  engine: { url: null, problem: null },
  members: {
    fe3: away,
    fe4: { ...away, ageMs: null },
    fe5: { ...away, ageMs: 3 },
    fe6: { ...away, ageMs: 7_300_000 },
  },
  differs: {},
  orders: {},
}

void t.test('where an order took effect', t => {
  const effect = effectOf(
    'zope1',
    7,
    new Map([
      ['fe2', { ...live, own: ['zope1.drain', 'zope2.maint'] }],
      ['fe1', live],
      ['fe3', undefined],
      ['fe4', undefined],
      ['fe5', undefined],
      ['fe6', undefined],
      ['fe7', { ...live, applied: 6 }],
      ['fe8', { ...live, settings: { '*': 'p', other: 'x' } }],
    ]),
    report,
  )
  t.equal(
    effectText('drain', effect),
    'drain on fe1 fe2; not yet: fe3 (last seen 40 s ago) fe4 (no sign of life) fe5 (last seen 1 s ago) fe6 (last seen 2 h ago) fe7 (it has not answered yet); not configured on: fe8; files made by hand stay on: fe2 (zope1.drain)',
  )
  t.end()
})

void t.test('no machine yet', t => {
  t.equal(
    effectText('drain', effectOf('zope1', 7, new Map(), undefined)),
    'drain on no machine yet',
  )
  t.match(effectOf('zope1', 7, new Map([['fe1', undefined]]), undefined), {
    pending: [{ name: 'fe1', why: 'no sign of life' }],
  })
  t.end()
})
