// `npm start` without a terminal, as a new user's script would run it.
import { createServer } from 'node:net'
import { once } from 'node:events'
import { resolve } from 'node:path'
import t from 'tap'
import {
  dist,
  processesWith,
  startProgram,
  until,
} from '../../../lab/processes.ts'

const main = resolve(dist, 'demo/main.js')

for (const [front, ...args] of [['httpd'], ['Squid', '--squid']])
  await t.test(`every step holds behind ${front}, nothing is left`, async t => {
    const tour = startProgram(t, process.execPath, [main, ...args])
    const url = await until(
      'the addresses',
      () => /status page (\S+)\n/.exec(tour.output())?.[1],
    )
    const page = await (await fetch(url)).text()
    t.match(page, /zope1.*zope2.*zope3/s)
    await tour.gone
    t.comment(tour.output())
    t.equal(tour.child.exitCode, 0)
    t.match(tour.output(), `Starting ${front}, `)
    t.match(tour.output(), 'Every step held.')
    t.notMatch(tour.output(), 'FAIL')
    t.same(processesWith('zope-failover-demo-'), [])
  })

await t.test('a signal in the middle leaves nothing either', async t => {
  const tour = startProgram(t, process.execPath, [main])
  await until('the second step', () => tour.output().includes('\n2. '))
  await tour.kill('SIGTERM')
  t.equal(tour.child.exitCode, 1)
  t.same(processesWith('zope-failover-demo-'), [])
})

await t.test('a port in use is reported, with a remedy', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const tour = startProgram(t, process.execPath, [main, '--port', String(port)])
  await tour.gone
  t.equal(tour.child.exitCode, 1)
  t.match(tour.output(), `port ${port} of 127.0.0.1 is in use`)
  t.match(tour.output(), '--port NUMBER')
})
