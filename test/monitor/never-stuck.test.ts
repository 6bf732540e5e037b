// What must not hang the monitor, nor silence it: real processes, real files.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import t from 'tap'
import type { Test } from 'tap'
import {
  dist,
  freePort,
  fullPipe,
  publicDirectory,
  startProgram,
  textOf,
  until,
} from '../fixtures/processes.ts'
import type { Program } from '../fixtures/processes.ts'

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
  'a configuration that becomes a pipe is refused, and nothing stands still',
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
    await until('it is told', () =>
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

void t.test('a log that nobody reads does not keep it from ending', async t => {
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
