import t from 'tap'
import { Machines, hasBackend } from '../../../cluster/machines.ts'
import type { Live } from '../../../cluster/keys.ts'

const live: Live = {
  instance: 'i',
  version: '1',
  now: 1_000,
  applied: 0,
  states: {},
  settings: { '*': 'p', zope1: 'x', zope2: 'y' },
  own: ['zope1.drain'],
  maps: 2,
}
const self = { states: {}, settings: live.settings }
const nothing = {
  state: 'away',
  ageMs: null,
  version: null,
  clockMs: null,
  settingsDiffer: false,
  differing: [],
  maps: 0,
  own: [],
}

void t.test('members, live or not', t => {
  const machines = new Machines()
  machines.setMember('fe1', true)
  machines.setMember('fe2', true)
  machines.setMember('fe3', true)
  machines.setLive('fe1', live, true, 900)
  machines.setLive('fe2', live, false, 1_000)
  t.strictSame(machines.report(self, 2_000), {
    fe1: {
      state: 'live',
      ageMs: 1_100,
      version: '1',
      clockMs: 100,
      settingsDiffer: false,
      differing: [],
      maps: 2,
      own: ['zope1.drain'],
    },
    fe2: {
      state: 'live',
      ageMs: 1_000,
      version: '1',
      clockMs: null,
      settingsDiffer: false,
      differing: [],
      maps: 2,
      own: ['zope1.drain'],
    },
    fe3: nothing,
  })
  t.equal(machines.offsetOf('fe1'), 100)
  t.equal(machines.report(self, 900_000)['fe1']?.state, 'away', 'too old')
  machines.setAway('fe1')
  machines.setAway('never')
  t.match(machines.report(self, 2_000)['fe1'], { state: 'away', ageMs: 1_100 })
  // forgotten while away, and while live
  machines.setMember('fe1', false)
  machines.setMember('fe2', false)
  t.strictSame(Object.keys(machines.report(self, 2_000)), ['fe2', 'fe3'])
  machines.setAway('fe2')
  t.strictSame(Object.keys(machines.report(self, 2_000)), ['fe3'])
  t.equal(machines.offsetOf('fe1'), undefined)
  t.end()
})

void t.test('what differs', t => {
  const machines = new Machines()
  machines.setLive('fe1', live, true, 0)
  machines.setLive(
    'fe2',
    {
      ...live,
      states: { zope1: 'down', gone: 'down' },
      settings: { '*': 'q', zope1: 'x', more: 'm' },
    },
    true,
    0,
  )
  const own = { ...self, states: { zope2: 'slow' } }
  t.strictSame(machines.report(own, 0)['fe2']?.differing, [
    '*',
    'more',
    'zope2',
  ])
  // fe2 has no zope2
  t.strictSame(machines.differs(own, 'fe1'), { zope1: { fe2: 'down' } })
  machines.setLive('fe3', { ...live, states: { zope1: 'slow' } }, true, 0)
  t.strictSame(machines.differs(own, 'fe1'), {
    zope1: { fe2: 'down', fe3: 'slow' },
    zope2: { fe3: 'up' },
  })
  machines.setAway('fe2')
  machines.setAway('fe3')
  t.strictSame(machines.differs(own, 'fe1'), {})
  t.end()
})

void t.test('a machine with many backends sends no hash of each', t => {
  const machines = new Machines()
  machines.setLive('fe2', { ...live, settings: { '*': 'z' } }, true, 0)
  t.strictSame(machines.report(self, 0)['fe2']?.differing, [])
  t.ok(hasBackend({ ...live, settings: { '*': 'z' } }, 'zope9'))
  t.notOk(hasBackend(live, 'zope9'))
  t.end()
})
