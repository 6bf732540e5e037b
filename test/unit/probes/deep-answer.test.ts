import t from 'tap'
import { deepOutcome } from '../../../probes/deep-answer.ts'
import type { Outcome } from '../../../health/outcome.ts'

const pass = (status: number): Outcome => ({ kind: 'pass', status, bytes: 9 })
const own = { id: '03f8000000000001', time: 160 }
const view = (roundTrip: object = {}, transaction: object = {}): string =>
  JSON.stringify({
    version: 1,
    roundTrip: {
      ms: 1.5,
      ageMs: 3,
      pendingMs: null,
      error: null,
      ...roundTrip,
    },
    transaction: { own, server: null, ...transaction },
    workers: null,
  })

void t.test('the page of examples/zope', t => {
  t.same(deepOutcome(pass(200), true, 5, view()), {
    kind: 'fresh',
    ms: 1.5,
    own: { id: own.id, seconds: 160 },
    server: null,
  })
  t.match(deepOutcome(pass(200), true, 5, view({ ms: null })), { ms: 0 })
  t.match(deepOutcome(pass(503), false, 5, view({ pendingMs: 1000.4 })), {
    kind: 'gone',
    why: 'no answer for 1000 ms',
    own: { id: own.id },
  })
  t.match(deepOutcome(pass(503), false, 5, view({ error: 'A<b>\n1' })), {
    why: 'no round trip (Ab1)',
  })
  t.match(deepOutcome(pass(503), false, 5, view()), {
    why: 'no round trip (unknown)',
  })
  t.end()
})

void t.test('any page that must read from the database', t => {
  for (const body of ['OK', '{}', view({}, { own: { id: 'x', time: 1 } })]) {
    t.same(deepOutcome(pass(200), true, 5, body), {
      kind: 'fresh',
      ms: 5,
      own: null,
      server: null,
    })
    t.same(deepOutcome(pass(500), false, 5, body), {
      kind: 'gone',
      why: 'status 500',
      own: null,
    })
  }
  t.end()
})

void t.test('answers that say nothing about the database', t => {
  t.match(deepOutcome({ kind: 'refused' }, false, 5, ''), { kind: 'none' })
  t.match(
    deepOutcome({ kind: 'pass', by: 'tcp', said: '' }, true, 5, ''),
    { kind: 'none' },
    'it was no page',
  )
  t.match(
    deepOutcome({ kind: 'content', wanted: '"x"', bytes: 0 }, true, 5, ''),
    { kind: 'none' },
  )
  t.end()
})
