import { once } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import t from 'tap'
import { patientTimeout } from '../../../system/patient-timeout.ts'

void t.test('data that has arrived counts before the limit', async t => {
  const { port1, port2 } = new MessageChannel()
  t.teardown(() => port1.close())
  const order: string[] = []
  port2.on('message', () => order.push('data'))
  await new Promise<void>(done => {
    patientTimeout(1, () => {
      order.push('limit')
      done()
    })
    // the data arrives, and the limit passes, while this process does not run
    port1.postMessage('data')
    const endMs = performance.now() + 20
    while (performance.now() < endMs);
  })
  t.strictSame(order, ['data', 'limit'])
  port1.close()
  await once(port2, 'close')
})

void t.test('a canceled one never calls', async t => {
  let calls = 0
  await new Promise<void>(done => {
    const cancel = patientTimeout(1, () => calls++)
    setTimeout(() => {
      // due, but its callback has not run
      cancel()
      setImmediate(() => setImmediate(done))
    }, 1)
    const endMs = performance.now() + 20
    while (performance.now() < endMs);
  })
  t.equal(calls, 0)
})
