// The status page as a part of the monitor: reload, errors, and proof that the
// monitor is never affected.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import type { Config } from '../../../config/config.ts'
import { parseConfig } from '../../../config/parse.ts'
import { Telemetry } from '../../../page/telemetry.ts'
import { StatusThread } from '../../../page/page-thread.ts'
import {
  closed,
  dist,
  freePort,
  publicDirectory,
  startProgram,
  until,
} from '../../../lab/processes.ts'

/** The response of that port; undefined = none. */
async function served(port: number, path: string): Promise<string | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return await response.text()
  } catch {
    // refused, or closed in the middle
    return undefined
  }
}

void t.test('a port that is taken, freed, and changed by reload', async t => {
  const root = publicDirectory(t)
  const directory = `${root}/sentinels`
  const configFile = `${root}/zope-failover.yaml`
  const [port, other] = [await freePort(), await freePort()]
  const configure = (more: object): void => {
    const backends = { zope1: `http://127.0.0.1:${other}` }
    writeFileSync(configFile, JSON.stringify({ directory, backends, ...more }))
  }
  mkdirSync(directory)
  const tokenFile = `${root}/token`
  configure({ status: { listen: `127.0.0.1:${port}`, tokenFile } })
  const holder = createServer((_request, response) => response.end('mine'))
  holder.listen(port, '127.0.0.1')
  await once(holder, 'listening')
  const monitor = startProgram(t, process.execPath, [
    resolve(dist, 'cli/main.js'),
    'monitor',
    `--config=${configFile}`,
  ])
  await until('a line about it', () => monitor.output().includes('EADDRINUSE'))
  t.match(monitor.output(), 'another program has the port')
  holder.close()
  holder.closeAllConnections()
  await until('the page', async () =>
    (await served(port, '/'))?.includes('zope1'),
  )
  for (const told of ['EADDRINUSE', 'token does not exist'])
    t.equal(monitor.output().split(told).length, 2, `${told} is logged once`)
  const counted =
    /^zope_failover_probes_total\{backend="zope1",kind="light",outcome="refused"\} [1-9]/m
  await until('its probes in the metrics', async () =>
    counted.test((await served(port, '/metrics')) ?? ''),
  )

  configure({ status: { listen: 'nonsense' } })
  await until('the refusal on the page', async () =>
    (await served(port, '/status.json'))?.includes('status.listen'),
  )
  configure({})
  await until('no page', async () => (await served(port, '/')) === undefined)
  t.notOk(monitor.isGone())
})

/** The agent's answer to a line; '' = none, or nothing listens. */
async function agentSays(port: number, line: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let said = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  socket.write(`${line}\n`)
  await closed(socket)
  return said
}

void t.test('the agent for HAProxy, without a page', async t => {
  const root = publicDirectory(t)
  const directory = `${root}/sentinels`
  const configFile = `${root}/zope-failover.yaml`
  const [port, closedPort] = [await freePort(), await freePort()]
  const configure = (more: object): void => {
    const backends = { zope1: `http://127.0.0.1:${closedPort}` }
    writeFileSync(configFile, JSON.stringify({ directory, backends, ...more }))
  }
  configure({ agent: { listen: `127.0.0.1:${port}` } })
  const monitor = startProgram(t, process.execPath, [
    resolve(dist, 'cli/main.js'),
    'monitor',
    `--config=${configFile}`,
  ])
  const becomes = (answer: string) =>
    until(answer, async () => {
      if (monitor.isGone()) throw new Error(monitor.output())
      return (await agentSays(port, 'zope1')) === answer
    })
  await becomes('ready down 0% # down\n')
  t.match(monitor.output(), 'agent for HAProxy is served')
  writeFileSync(`${directory}/zope1.maint`, '')
  await becomes('maint up 100% # in maintenance\n')
  configure({})
  await becomes('')
  await monitor.kill('SIGTERM')
  t.equal(monitor.child.exitCode, 0)
})

void t.test('a thread that dies is restarted', async t => {
  const directory = publicDirectory(t)
  const port = await freePort()
  const text = JSON.stringify({
    directory,
    backends: { zope1: 'http://127.0.0.1:1' },
    status: { listen: `127.0.0.1:${port}` },
  })
  const lines: string[] = []
  const log = pino({}, { write: line => lines.push(line) })
  const config = parseConfig(text, 'f')
  // simulates a bug: the thread cannot continue with such a configuration
  const broken: Config = { ...config, backends: JSON.parse('null') }
  const thread = new StatusThread(broken, log)
  t.teardown(() => thread.stop())
  const deaths = (): number =>
    lines.filter(line => line.includes('has died')).length
  await until('it to die twice', () => deaths() === 2)
  t.match(lines.join(''), /"err":"[^"]/)
  thread.reconfigure(config)
  await until('the page', async () =>
    (await served(port, '/'))?.includes('never seen'),
  )
  t.equal(deaths(), 2)
})

void t.test('a thread that hangs is restarted', async t => {
  const config = parseConfig(
    JSON.stringify({
      backends: { zope1: 'http://127.0.0.1:1' },
      status: { listen: '127.0.0.1:1' },
    }),
    'f',
  )
  const lines: string[] = []
  const log = pino({}, { write: line => lines.push(line) })
  // the real program never hangs
  const thread = new StatusThread(
    config,
    log,
    new URL('data:text/javascript,for(;;);'),
  )
  t.teardown(() => thread.stop())
  const telemetry = new Telemetry()
  const deaths = (): number =>
    lines.filter(line => line.includes('30 s without an answer')).length
  await until('it to be ended twice', () => {
    // as if a second had passed
    thread.count(telemetry)
    return deaths() === 2
  })
  t.equal(lines.length, 2, 'and nothing else')
})
