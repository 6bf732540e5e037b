import t from 'tap'
import {
  eventsBetween,
  maxEvents,
  remembered,
  toneOf,
  type StatusEvent,
} from '../../../page/events.ts'
import type { StatusReport } from '../../../status/report.ts'
import { aBackend, aMap, aReport } from '../../fixtures/status-report.ts'

const calm = aReport()

function events(
  changes: Partial<StatusReport>,
  before: Partial<StatusReport> = {},
) {
  return eventsBetween({ ...calm, ...before }, { ...calm, ...changes })
}

void t.test('nothing changed, nothing happened', t => {
  t.strictSame(events({}), [])
  t.strictSame(events({ time: '2026-11-22T18:00:01Z' }), [])
  t.end()
})

void t.test('a backend changes its state', t => {
  const since = '2026-11-22T17:59:59Z'
  const down = { ...aBackend, state: 'down', since, reason: 'refused' }
  t.strictSame(events({ backends: [down] }), [
    { at: since, tone: 'bad', subject: 'zope1', text: 'up → down: refused' },
  ])
  t.match(events({ backends: [{ ...down, since: null, reason: null }] }), [
    { at: calm.time, text: /^up → down$/ },
  ])
  t.end()
})

void t.test('an operator sets and removes an action', t => {
  const admin = [
    { kind: 'drain' as const, reason: 'upgrade', by: 'anna', until: null },
    { kind: 'force' as const, reason: null, by: null, until: null },
  ]
  const steered = { backends: [{ ...aBackend, admin }] }
  t.match(events(steered), [
    { subject: 'zope1', text: 'drain by anna: upgrade' },
    { subject: 'zope1', text: /^force$/ },
  ])
  t.match(events({}, steered), [
    { text: 'no longer drain' },
    { text: 'no longer force' },
  ])
  t.end()
})

void t.test('backends come and go with the configuration', t => {
  t.match(events({ backends: [] }), [
    { subject: 'zope1', text: 'removed from the configuration' },
  ])
  t.match(events({}, { backends: [] }), [
    { subject: 'zope1', text: 'added to the configuration' },
  ])
  t.end()
})

void t.test('a pool sends new visitors elsewhere', t => {
  const [pool] = calm.pools
  const other = (...newcomers: string[]) => ({
    pools: pool === undefined ? [] : [{ ...pool, newcomers }],
  })
  t.match(events(other('zope2', 'zope3')), [
    { subject: 'pool default', text: 'new visitors go to zope2, zope3' },
  ])
  t.match(events(other()), [{ tone: 'bad', text: 'NO BACKEND can serve' }])
  t.strictSame(events({}, { pools: [] }), [])
  t.end()
})

void t.test('programs start, fall silent and exit', t => {
  t.match(events({ monitor: { kind: 'silent', pid: 17, ageMs: 6_000 } }), [
    { tone: 'warn', subject: 'monitor', text: 'silent, pid 17' },
  ])
  t.match(events({ monitor: { kind: 'never-seen' } }), [
    { tone: 'bad', text: 'never-seen' },
  ])
  const map = aMap({ kind: 'alive', pid: 19, ageMs: 0 })
  t.match(events({ maps: [map] }), [
    { tone: 'good', subject: 'map', text: 'alive, pid 19' },
    { tone: 'note', subject: 'map', text: 'pid 18 has exited' },
  ])
  t.match(events({ monitor: { kind: 'alive', pid: 20, ageMs: 0 } }), [
    { text: 'alive, pid 20' },
  ])
  t.end()
})

function seen(state: 'ok' | 'hung'): Partial<StatusReport> {
  const since = '2026-11-22T17:00:00Z'
  const more = { since, reason: 'why', streak: 1, ms: 1, commandAt: null }
  return { mapSeen: { state, ...more } }
}

void t.test('the map program seen through httpd', t => {
  t.match(events(seen('hung')), [{ tone: 'bad', text: 'hung: why' }])
  t.match(events(seen('ok'), seen('hung')), [{ tone: 'good' }])
  t.strictSame(events(seen('ok'), seen('ok')), [])
  t.end()
})

void t.test('a problem is reported when it is new', t => {
  t.match(events({ problems: ['a', 'b'] }, { problems: ['a'] }), [
    { subject: 'problem', text: 'b' },
  ])
  t.end()
})

function event(text: string): StatusEvent {
  return { at: '', tone: 'note', subject: '', text }
}

void t.test('newest first, and bounded', t => {
  const old = [event('old')]
  t.equal(remembered(old, []), old)
  t.match(remembered(old, [event('a'), event('b')]), [
    { text: 'b' },
    { text: 'a' },
    { text: 'old' },
  ])
  const many = Array.from({ length: maxEvents }, (_, i) => event(String(i)))
  t.equal(remembered(old, many).length, maxEvents)
  t.equal(toneOf('a word of a later version'), 'note')
  t.equal(toneOf('constructor'), 'note')
  t.end()
})

void t.test('a Squid helper comes and goes', t => {
  const helper = {
    ...aMap({ kind: 'alive', pid: 20, ageMs: 0 }),
    program: 'squid-helper',
  }
  const at = calm.time
  t.strictSame(events({ readers: [helper] }), [
    { at, tone: 'good', subject: 'squid-helper', text: 'alive, pid 20' },
  ])
  t.strictSame(events({}, { readers: [helper] }), [
    { at, tone: 'note', subject: 'squid-helper', text: 'pid 20 has exited' },
  ])
  t.end()
})

void t.test('the front', t => {
  const front = { ...aBackend, name: 'front' }
  t.match(
    events(
      { front: { ...front, state: 'silent', reason: 'no answer' } },
      { front },
    ),
    [{ tone: 'bad', subject: 'front', text: 'up → silent: no answer' }],
  )
  t.equal(toneOf('last-resort'), 'warn')
  t.equal(toneOf('nobody'), 'bad')
  t.end()
})
