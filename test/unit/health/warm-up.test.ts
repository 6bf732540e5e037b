import t from 'tap'
import type { Outcome } from '../../../health/outcome.ts'
import { judgePage } from '../../../health/warm-up.ts'

const page = (status: number): Outcome => ({ kind: 'pass', status, bytes: 9 })
const see = (outcome: Outcome, ms = 5, location = ''): unknown => {
  const { isGood, complaint } = judgePage(outcome, ms, 1_000, location)
  return [isGood, complaint?.replace(/(?<=[,:]) .*/, '') ?? null]
}

void t.test('a page', t => {
  t.same(see(page(200)), [true, null])
  t.same(see(page(200), 1_000), [true, null])
  t.same(see(page(200), 1_001), [false, null], 'not warm yet')
  t.end()
})

void t.test('a misconfigured page is reported and keeps no backend out', t => {
  t.same(see(page(404)), [true, 'status 404,'])
  t.same(see(page(401), 2_000), [false, 'status 401,'])
  t.same(see(page(302), 5, '/login'), [true, 'status 302 to /login,'])
  t.same(see(page(304)), [true, 'status 304,'])
  t.end()
})

void t.test('a fault', t => {
  t.same(see(page(500)), [false, 'status 500:'])
  t.match(judgePage({ kind: 'timeout', limitMs: 60_000, bytes: 7 }, 9, 9, ''), {
    isGood: false,
    complaint: /^the answer did not end within 60000 ms/,
  })
  t.match(
    judgePage({ kind: 'first-byte-timeout', limitMs: 9 }, 9, 9, '').complaint,
    'choose a page that renders within seconds',
  )
  t.same(see({ kind: 'refused' }), [false, null], 'its probes find that')
  t.same(see({ kind: 'pass', by: 'tcp', said: '' }), [false, null])
  t.end()
})
