// Notices reach a real receiver, whatever happens to it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import type { NotifySettings } from '../../../../config/config.ts'
import type { Fact } from '../../../../monitor/notify/fact.ts'
import { Notices } from '../../../../monitor/notify/notices.ts'
import { Publisher } from '../../../../monitor/directory/publisher.ts'
import {
  dist,
  freePort,
  publicDirectory,
  startProgram,
  textOf,
  until,
  written,
} from '../../../../lab/processes.ts'
import { startReceiver } from '../../../fixtures/receiver.ts'

const settings: NotifySettings = {
  headers: { Authorization: 'Bearer SECRET-TOKEN' },
  minSeverity: 'warning',
  groupWaitMs: 0,
  warningAfterMs: 0,
  repeatIntervalMs: 0,
  limit: { count: 100, perMs: 1_000 },
  timeoutMs: 500,
}
const fact = (severity: 'info' | 'critical', name = 'zope1'): Fact => ({
  what: 'backend',
  name,
  state: severity === 'info' ? 'up' : 'down',
  severity,
  reason: 'refused',
  since: '2026-11-23T00:00:00.000Z',
})

function startNotices(t: Test, own: Partial<NotifySettings>) {
  const directory = publicDirectory(t)
  const lines: string[] = []
  const log = pino(
    { level: 'debug' },
    { write: (line: string) => void lines.push(line) },
  )
  const publisher = new Publisher(directory, log)
  publisher.allow(true)
  const notices = new Notices(
    { ...settings, ...own },
    directory,
    publisher,
    log,
  )
  notices.start()
  t.teardown(() => notices.stop())
  return {
    notices,
    said: (text: string) => lines.some(line => line.includes(text)),
    log: () => lines.join(''),
    memory: `${directory}/.notices.json`,
  }
}

void t.test('a receiver that fails, hangs, is away and comes back', async t => {
  const receiver = await startReceiver(t)
  const { notices, said, log, memory } = startNotices(t, {
    webhook: receiver.url,
  })
  receiver.mood = 500
  notices.update([fact('critical')])
  await until('the first attempt', () => said('status 500'))
  receiver.mood = 'silent'
  await until('another one, hanging', () => said('ETIMEDOUT'))
  await receiver.goAway()
  await until('one that is refused', () => said('ECONNREFUSED'))
  t.ok(existsSync(memory), 'it waits on disk')
  notices.update([fact('info')])
  receiver.mood = 200
  await receiver.comeBack()
  // perhaps one of them twice, if this test answered late
  const arrived = () => [
    ...new Map(receiver.arrived.map(notice => [notice.id, notice])).values(),
  ]
  await until('both to arrive', () => arrived().length === 2)
  t.match(arrived(), [
    {
      title: 'CRITICAL: backend zope1 down',
      changes: [{ name: 'zope1', state: 'down', was: 'well' }],
    },
    { title: 'RESOLVED: backend zope1 up', severity: 'info', bad: [] },
  ])
  t.equal(
    new Set(receiver.got.map(({ id }) => id)).size,
    2,
    'the same id at each attempt',
  )
  t.match(receiver.headers[0], {
    authorization: 'Bearer SECRET-TOKEN',
    'content-type': 'application/json',
  })
  await until('nothing left to remember', () => !existsSync(memory))
  t.ok(said('the receiver is back'))
  t.notMatch(log(), /SECRET/)
})

void t.test('rejected for good, and a redirect', async t => {
  const elsewhere = createServer(() => t.fail('it must not be followed'))
  elsewhere.listen(0, '127.0.0.1')
  await once(elsewhere, 'listening')
  t.teardown(() => elsewhere.close())
  const receiver = await startReceiver(t)
  const { notices, said } = startNotices(t, { webhook: receiver.url })
  receiver.mood = 413
  notices.update([fact('critical')])
  await until('it to be given up', () => said('giving up'))
  receiver.mood = 307
  notices.update([fact('info')])
  await until('the redirect', () =>
    said('status 307: redirects are not followed'),
  )
  receiver.mood = 204
  await until('the next one', () => receiver.arrived.length > 0)
  t.match(receiver.arrived, [{ severity: 'info' }])
})

void t.test('the command', async t => {
  const directory = publicDirectory(t)
  const gate = `${directory}/gate`
  const { notices, said, memory } = startNotices(t, {
    command: `cat >${directory}/input; echo not yet; [ -e ${gate} ] && echo "$ZOPE_FAILOVER_SEVERITY $ZOPE_FAILOVER_KIND $ZOPE_FAILOVER_TITLE" >${directory}/told`,
    timeoutMs: 60_000,
  })
  notices.update([fact('critical')])
  await until('it to fail', () => said('exited 1: not yet'))
  writeFileSync(gate, '')
  t.equal(
    await written(`${directory}/told`),
    'critical change CRITICAL: backend zope1 down',
  )
  t.match(JSON.parse(readFileSync(`${directory}/input`, 'utf8')), {
    version: 1,
    bad: [{ name: 'zope1' }],
  })
  await until('arrival', () => said('the receiver is back'))
  t.ok(existsSync(memory), 'it is still down')
  notices.reconfigure(undefined)
  t.notOk(existsSync(memory), 'switched off')
  t.notOk(notices.isOn)
  t.equal(notices.seen, undefined)
  notices.update([fact('critical')])
  notices.reconfigure({ ...settings, command: `echo >${directory}/again` })
  notices.update([fact('critical')])
  await until('on again', () => existsSync(`${directory}/again`))
})

void t.test('a monitor that is killed while the receiver is away', async t => {
  const receiver = await startReceiver(t)
  await receiver.goAway()
  const root = publicDirectory(t)
  const [port, other] = [await freePort(), await freePort()]
  const zope = createServer((_request, response) => response.end('OK'))
  const configFile = `${root}/zope-failover.yaml`
  writeFileSync(
    configFile,
    JSON.stringify({
      directory: `${root}/run`,
      backends: {
        zope1: `http://127.0.0.1:${port}`,
        zope2: `http://127.0.0.1:${other}`,
      },
      // however slow this test is, nothing is slow
      probe: {
        interval: '100ms',
        slowStart: '0s',
        slow: '60s',
        timeout: '60s',
        heartbeat: 'off',
      },
      notify: {
        webhook: receiver.url,
        headers: { authorization: 'SECRET-TOKEN' },
        groupWait: '1s',
        timeout: '60s',
      },
    }),
  )
  const start = () =>
    startProgram(t, process.execPath, [
      `${dist}/cli/main.js`,
      'monitor',
      `--config=${configFile}`,
    ])
  const first = start()
  const memory = await written(`${root}/run/.notices.json`)
  await until('an attempt', () => first.output().includes('not delivered'))
  await first.kill('SIGKILL')
  const second = start()
  await receiver.comeBack()
  await until('the notice', () => receiver.arrived.length > 0)
  const [notice] = receiver.arrived
  t.match(notice, {
    severity: 'critical',
    title:
      'CRITICAL: backend zope1 down, backend zope2 down, pool default nobody',
    text: /^backend zope1: down, .*refused.* \(was well\)$/m,
  })
  t.match(memory, notice?.id ?? 'none', 'made by the first monitor')
  zope.listen(port, '127.0.0.1')
  t.teardown(() => {
    zope.close()
    zope.closeAllConnections()
  })
  await until('the change', () => receiver.arrived.length > 1)
  t.equal(receiver.got.length, 2, 'none twice')
  t.match(receiver.arrived[1], {
    changes: [
      { name: 'zope1', state: 'up', was: 'down' },
      { name: 'default', state: 'one-left', was: 'nobody' },
    ],
    bad: [{ name: 'zope2' }, { name: 'default' }],
  })
  await second.kill('SIGTERM')
  t.equal(second.child.exitCode, 0)
  t.notMatch(first.output() + second.output(), /SECRET/)
})

void t.test('one notice that never arrives does not block others', async t => {
  const receiver = await startReceiver(t)
  const { notices, said, memory } = startNotices(t, {
    webhook: receiver.url,
    // a receiver that is late would count as away
    timeoutMs: 60_000,
  })
  // like a filter in front of a chat that rejects a word
  receiver.fails = ({ title }) => title.includes('unwanted')
  const facts = [fact('critical', 'unwanted')]
  notices.update(facts)
  await until('it to fail', () => said('status 500'))
  for (let at = 2; !said('giving up'); at++) {
    const name = `zope${at}`
    facts.push(fact('critical', name))
    notices.update(facts)
    await until(`the one about ${name}`, () =>
      receiver.arrived.some(({ title }) => title.includes(`${name} down`)),
    )
  }
  t.ok(said('trying a shorter one'))
  // the receiver has the last one before the sender knows
  await until('nothing waits', () =>
    textOf(memory)?.includes('"webhook":{"notices":[]'),
  )
  t.strictSame(notices.seen, { webhook: { waiting: 0, dropped: 1 } })
})

void t.test('too much for a command: shorter, then given up', async t => {
  const directory = publicDirectory(t)
  const huge = { ZOPE_FAILOVER_TEST_HUGE: 'x'.repeat(131_072) }
  const { notices, said } = startNotices(t, {
    command: `cat >${directory}/told`,
    timeoutMs: 60_000,
  })
  t.intercept(process, 'env', { value: { ...process.env, ...huge } })
  notices.update([fact('critical')])
  await until('a shorter one', () => said('trying a shorter one'))
  await until('its end', () => said('giving up'))
  t.ok(said('E2BIG'))
  t.strictSame(notices.seen, { command: { waiting: 0, dropped: 1 } })
  t.intercept(process, 'env', { value: process.env })
})
