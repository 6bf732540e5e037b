// What must neither hang nor silence the monitor: real processes, real files.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createNetServer } from 'node:net'
import t, { type Test } from 'tap'
import type { MonitorReport } from '../../../sentinels/reports.ts'
import {
  dist,
  freePort,
  fullPipe,
  publicDirectory,
  startProgram,
  textOf,
  until,
  type Program,
} from '../../../lab/processes.ts'

/** A backend that answers 200, and the URL of it. */
async function startBackend(t: Test): Promise<string> {
  const server = createServer((_request, response) => {
    response.end('OK')
  })
  server.listen(await freePort(), '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  if (address === null || typeof address === 'string')
    throw new Error('no port')
  return `http://127.0.0.1:${address.port}`
}

function startMonitor(t: Test, config: string): Program {
  return startProgram(t, process.execPath, [
    `${dist}/cli/main.js`,
    'monitor',
    `--config=${config}`,
  ])
}

async function beats(directory: string): Promise<void> {
  const before = textOf(`${directory}/monitor.json`)
  await until(
    'the next report',
    () => ![undefined, before].includes(textOf(`${directory}/monitor.json`)),
  )
}

void t.test(
  'a configuration that becomes a pipe is rejected and blocks nothing',
  async t => {
    const root = publicDirectory(t)
    const directory = `${root}/run`
    const config = `${root}/f.yaml`
    const url = await startBackend(t)
    writeFileSync(
      config,
      `directory: ${directory}\nbackends: { zope1: '${url}' }\n`,
    )
    const monitor = startMonitor(t, config)
    await beats(directory)
    execFileSync('mkfifo', [`${root}/pipe`])
    renameSync(`${root}/pipe`, config)
    await until('it is logged', () =>
      monitor.output().includes('must be a regular file, got a named pipe'),
    )
    await beats(directory)
    const observer = startProgram(
      t,
      process.execPath,
      [`${dist}/cli/main.js`, 'observe', `--config=${config}`],
      'pipe',
    )
    await until('the observer says so, too', () =>
      observer.output().includes('got a named pipe'),
    )
    observer.child.stdin?.end()
    await observer.gone
    await monitor.kill('SIGTERM')
    t.equal(monitor.child.exitCode, 0, 'it can be stopped')
  },
)

void t.test('no pattern can block the probes, whatever the answer', async t => {
  const root = publicDirectory(t)
  const directory = `${root}/run`
  const config = `${root}/f.yaml`
  const port = await freePort()
  const page = `${'a'.repeat(65_535)}!`
  const server = createServer((_request, response) => response.end(page))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const monitored = createNetServer(socket => {
    socket.on('error', () => undefined)
    socket.end(`${page}\n`)
  })
  monitored.listen(0, '127.0.0.1')
  await once(monitored, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
    monitored.close()
  })
  const address = monitored.address()
  const askPort = typeof address === 'object' ? (address?.port ?? 0) : 0
  const url = `http://127.0.0.1:${port}`
  const patterns = ['/(a+)+$/', '/^(a|a)*$/', '/(.*a){9}$/', '/a+a+a+$/']
  const expect = '/^(a+)+$/'
  const heartbeat = 'off'
  writeFileSync(
    config,
    JSON.stringify({
      directory,
      backends: {
        good: await startBackend(t),
        ...Object.fromEntries(
          patterns.map((body, at) => [
            `bad${at}`,
            { url, probe: { body, heartbeat } },
          ]),
        ),
        asked: {
          url,
          probe: {
            ask: { port: askPort, send: 'health_ok', expect },
            heartbeat,
          },
        },
      },
      probe: { maxBody: 65_536, interval: '200ms' },
    }),
  )
  const monitor = startMonitor(t, config)
  const states = () => {
    const text = textOf(`${directory}/monitor.json`)
    const report: MonitorReport | undefined =
      text === undefined ? undefined : JSON.parse(text)
    return Object.values(report?.backends ?? {}).map(({ state, probes }) => [
      state,
      probes.at(-1)?.outcome,
    ])
  }
  const wrong = ['down', 'content']
  await until('all are judged', () => {
    if (monitor.isGone()) throw new Error(monitor.output())
    return (
      JSON.stringify(states()) ===
      JSON.stringify([['up', 'pass'], wrong, wrong, wrong, wrong, wrong])
    )
  })
  await monitor.kill('SIGTERM')
  t.equal(monitor.child.exitCode, 0, 'it can be stopped')
})

void t.test('a log that is not read does not keep it from exiting', async t => {
  const root = publicDirectory(t)
  const directory = `${root}/run`
  const config = `${root}/f.yaml`
  const url = await startBackend(t)
  writeFileSync(
    config,
    `directory: ${directory}\nbackends: { zope1: '${url}' }\n`,
  )
  const child = spawn(
    process.execPath,
    [`${dist}/cli/main.js`, 'monitor', `--config=${config}`],
    { stdio: ['ignore', 'ignore', fullPipe(t)] },
  )
  t.teardown(() => child.kill('SIGKILL'))
  await beats(directory)
  await until('a verdict', () => textOf(`${directory}/zope1.up`))
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  await gone
  t.ok(textOf(`${directory}/zope1.up`), 'it has ended, the verdicts stay')
})
