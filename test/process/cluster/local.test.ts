// The parts of a member that need no etcd.
import { mkdirSync, rmSync } from 'node:fs'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { Connection } from '../../../cluster/connection.ts'
import { ExpiredOrders } from '../../../cluster/expired-orders.ts'
import { Keys, type Order } from '../../../cluster/keys.ts'
import { Mirror } from '../../../cluster/mirror.ts'
import { SharedOrders } from '../../../cluster/orders.ts'
import { RestartAnswers } from '../../../cluster/restart-answers.ts'
import { removeFile, writeAside } from '../../../sentinels/write.ts'
import { clusterSettings } from '../../../lab/order-stream.ts'
import { publicDirectory, until } from '../../../lab/processes.ts'

const order: Order = {
  id: 'a',
  by: null,
  from: 'fe1',
  reason: null,
  written: 0,
  until: null,
  renewed: null,
  isEnded: false,
}

function startLog() {
  const lines: string[] = []
  return { lines, log: pino({}, { write: line => lines.push(line) }) }
}

/** No etcd answers there, and the client was never opened. */
function connect(t: Test) {
  const { lines, log } = startLog()
  const settings = clusterSettings(['http://127.0.0.1:1'], 'fe1')
  const connection = new Connection(settings, 'fe1', log, () => {})
  t.teardown(() => connection.stop())
  return { lines, connection }
}

void t.test('a file that cannot be read is reported once', t => {
  const directory = publicDirectory(t)
  const { lines, log } = startLog()
  const files = {
    writeFile: (file: string, text: string) => {
      writeAside(directory, file, text)
      return true
    },
    remove: (file: string) => removeFile(directory, file),
  }
  const orders = new SharedOrders('fe1')
  orders.put('zope1', 'drain', order, 1)
  const mirror = new Mirror(directory, files, log, new Map())
  const blocker = `${directory}/zope1.drain`
  mkdirSync(blocker)
  t.notOk(mirror.apply(orders.active(0), 0))
  t.notOk(mirror.apply(orders.active(0), 0))
  t.equal(lines.length, 1)
  t.match(JSON.parse(lines[0] ?? ''), {
    level: 50,
    file: 'zope1.drain',
    problem: 'it is a directory',
    remedy: `remove ${blocker}`,
  })
  // the next order is reported again
  t.ok(mirror.apply(new Map(), 0))
  t.notOk(mirror.apply(orders.active(0), 0))
  t.equal(lines.length, 2)
  rmSync(blocker, { recursive: true })
  t.ok(mirror.apply(orders.active(0), 0))
  t.match(lines[2], 'can be read again')
  t.strictSame([...mirror.lastTexts.keys()], ['zope1.drain'])
  t.end()
})

void t.test(
  'an order expires, and etcd goes away before its removal',
  async t => {
    const { lines, connection } = connect(t)
    const orders = new SharedOrders('fe1')
    orders.put('zope1', 'drain', { ...order, until: 1 }, 1)
    let isOver = false
    void new ExpiredOrders(connection, orders).remove(1).finally(() => {
      isOver = true
    })
    await until('its turn to remove it', () => isOver)
    t.strictSame(lines, [])
  },
)

void t.test('an error while a question is answered ends nothing', async t => {
  const { lines, connection } = connect(t)
  connection.recordEcho()
  let calls = 0
  const answers = new RestartAnswers(
    connection,
    () => {
      calls++
      return Promise.reject(new Error('a bug'))
    },
    () => undefined,
  )
  t.teardown(() => answers.stop())
  answers.onAsk('zope1', {
    key: new Keys('/site').ask('zope1'),
    value: JSON.stringify({ id: '1', step: 'leave' }),
    revision: 1,
  })
  await until('it is asked again', () => calls > 2)
  t.equal(lines.length, 1, 'logged once')
  t.equal(connection.problem, 'Error: a bug', 'and in the report')
  t.match(JSON.parse(lines[0] ?? ''), { level: 50, err: { message: 'a bug' } })
})
