// TLS backends whose certificate is of a private authority: httpd and the monitor
// trust the same ones. Without Node's NODE_EXTRA_CA_CERTS, which would hide a fault.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { selfSigned } from '../../../lab/certificate.ts'
import { loadModules, startHttpd } from '../../../lab/httpd.ts'
import { Visitor } from '../../../lab/load.ts'
import {
  dist,
  freePort,
  jsonLines,
  publicDirectory,
  textOf,
  until,
} from '../../../lab/processes.ts'

/** A TLS backend on localhost, and its configuration without `probe.ca`. */
async function stage(t: Test) {
  const root = publicDirectory(t)
  const directory = `${root}/run`
  mkdirSync(directory)
  const { cert, key } = selfSigned('localhost')
  const server = createServer({ cert, key }, (_request, response) => {
    response.end('private')
  })
  server.on('checkContinue', (_request, response) => {
    response.writeContinue()
  })
  const port = await freePort()
  server.listen(port, 'localhost')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const configFile = `${root}/zope-failover.yaml`
  const configure = (probe: string): void => {
    writeFileSync(
      `${configFile}.new`,
      `directory: ${directory}\nbackends: { zope1: "https://localhost:${port}" }\nprobe: { interval: 100ms, heartbeat: { interval: 100ms }, deep: { path: /, interval: 1s }, ${probe} }\n`,
    )
    renameSync(`${configFile}.new`, configFile)
  }
  const environment = { ...process.env }
  delete environment['NODE_EXTRA_CA_CERTS']
  // not execFileSync: this process is the backend
  const run = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [`${dist}/cli/main.js`, ...args],
      { env: environment },
    )
    return stdout
  }
  const startMonitor = () => {
    const child = spawn(
      process.execPath,
      [`${dist}/cli/main.js`, 'monitor', `--config=${configFile}`],
      { env: environment, stdio: ['ignore', 'ignore', 'pipe'] },
    )
    let log = ''
    child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
    const gone = once(child, 'exit')
    t.teardown(async () => {
      child.kill('SIGKILL')
      await gone
    })
    return {
      logs: (text: string) =>
        until(`"${text}" in the log`, () =>
          jsonLines(log).some(line => JSON.stringify(line).includes(text)),
        ),
    }
  }
  const ca = `${root}/our-ca.pem`
  return { directory, configFile, configure, run, startMonitor, ca, cert }
}

void t.test('trusted with probe.ca, by both', async t => {
  const { directory, configFile, configure, run, startMonitor, ca, cert } =
    await stage(t)
  configure('')
  const monitor = startMonitor()
  await monitor.logs('set probe.ca to a file with it')
  t.equal(textOf(`${directory}/zope1.up`), undefined, 'not trusted')
  writeFileSync(ca, cert)
  configure(`ca: ${ca}`)
  await until('up', () => textOf(`${directory}/zope1.up`))
  t.match(await run('probe', 'zope1', `--config=${configFile}`), 'OK')
  const conf = await run('apache-conf', `--config=${configFile}`)
  t.match(conf, `SSLProxyCACertificateFile ${ca}\n`)
  const httpd = await startHttpd(t, {
    conf,
    extra: loadModules(['socache_shmcb', 'ssl']),
  })
  const visitor = new Visitor({ port: httpd.port })
  const { status } = await visitor.ask('/')
  t.equal(status, 200, status === 200 ? '' : httpd.errorLog())
  visitor.leave()
})
