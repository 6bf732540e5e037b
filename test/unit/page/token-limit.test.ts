import t from 'tap'
import { TokenLimit } from '../../../page/token-limit.ts'

void t.test('five a minute, then a pause', t => {
  const wrong = new TokenLimit()
  t.equal(wrong.pauseMs(0), 0)
  for (const nowMs of [0, 1_000, 2_000, 3_000]) wrong.recordWrong(nowMs)
  t.equal(wrong.pauseMs(3_000), 0)
  wrong.recordWrong(4_000)
  t.equal(wrong.pauseMs(4_000), 56_000)
  t.equal(wrong.pauseMs(59_999), 1)
  t.equal(wrong.pauseMs(60_000), 0)
  wrong.recordWrong(60_000)
  t.equal(wrong.pauseMs(60_000), 1_000, 'there were five within a minute again')
  t.equal(wrong.pauseMs(500_000), 0)
  t.end()
})
