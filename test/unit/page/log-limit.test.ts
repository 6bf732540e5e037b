import t from 'tap'
import { LogLimit } from '../../../page/log-limit.ts'

void t.test('five of a kind each minute, the others counted', t => {
  const limit = new LogLimit()
  const noted = (status: number, ...times: number[]) =>
    times.map(nowMs => limit.count(status, nowMs))
  t.strictSame(noted(401, 0, 1, 2, 3, 4), [0, 0, 0, 0, 0])
  t.strictSame(noted(401, 5, 59_999), [undefined, undefined])
  t.strictSame(noted(403, 5), [0], 'another kind')
  t.strictSame(noted(401, 60_000, 60_001), [2, 0])
  t.strictSame(noted(403, 200_000), [0])
  t.end()
})
