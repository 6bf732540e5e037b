import t from 'tap'
import { Starvation } from '../../../../monitor/backend/starvation.ts'

void t.test('a pause of the process is noticed', t => {
  let nowMs = 0
  const starvation = new Starvation(() => nowMs)
  t.teardown(() => starvation.stop())
  nowMs = 900
  t.equal(starvation.lateSince(0), 0, 'a busy machine is no pause')
  nowMs = 5_900
  t.equal(starvation.lateSince(800), 4_750, 'even before its own timer ran')
  nowMs = 6_100
  t.equal(starvation.lateSince(800), 4_750, 'a probe started before it')
  t.equal(starvation.lateSince(6_000), 0, 'not one started after it')
  t.end()
})
