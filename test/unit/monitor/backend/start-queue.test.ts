import t from 'tap'
import { startQueue } from '../../../../monitor/backend/start-queue.ts'

void t.test(
  'few start at a time, in order, and arrived data is read in between',
  async t => {
    const turn = startQueue()
    const seen: (number | string)[] = []
    const all = Array.from({ length: 20 }, async (_value, index) => {
      await turn()
      seen.push(index)
    })
    await new Promise(setImmediate)
    await new Promise(setImmediate)
    seen.push('between')
    await Promise.all(all)
    t.same(
      seen.filter(one => one !== 'between'),
      Array.from({ length: 20 }, (_value, index) => index),
    )
    t.ok(seen.indexOf('between') < 20, 'others had their turn, too')
    await turn()
  },
)
