// The units as systemd reads them, and the monitor as it talks to systemd.
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { resolve } from 'node:path'
import t, { type Test } from 'tap'
import {
  checkout,
  dist,
  freePort,
  hasEnded,
  publicDirectory,
  startProgram,
  until,
  written,
} from '../../../lab/processes.ts'

const folder = resolve(dist, '../examples/systemd')
const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' })

void t.test('systemd finds nothing wrong with the units', t => {
  const directory = publicDirectory(t)
  for (const [example, unit] of [
    ['systemd', 'zope-failover-monitor.service'],
    ['systemd', 'zope@.service'],
    ['nat', 'zope-failover-nat.service'],
    ['nat', 'zope-failover-page.service'],
    ['tiers', 'zeo.service'],
    ['squid-icp', 'zope-failover-icp@.service'],
    ['squid-icp', 'zope-failover-icp.socket'],
  ] as const) {
    const text = readFileSync(`${folder}/../${example}/${unit}`, 'utf8')
    // no Zope is installed here, nor is an example
    writeFileSync(
      `${directory}/${unit}`,
      text
        .replace(
          /\/srv\/zope\/%i\/bin\/runwsgi|\/srv\/zeo\/bin\/runzeo/,
          '/usr/bin/env',
        )
        .replace(/^ExecStart=\/usr\/local\/\S+/m, 'ExecStart=/usr/bin/env'),
    )
    const instance = unit.replace('@.', '@zope1.')
    const analyze = (): string =>
      run('systemd-analyze', 'verify', '--man=no', `${directory}/${instance}`)
    t.doesNotThrow(analyze, unit)
  }
  t.doesNotThrow(
    () =>
      run(
        'systemd-analyze',
        ...['security', '--offline=true', '--threshold=20'],
        `${folder}/zope-failover-monitor.service`,
      ),
    'exposure of 2.0 at most',
  )
  t.match(
    readFileSync(`${folder}/zope@.service`, 'utf8'),
    /^KillSignal=SIGINT$/m,
  )
  t.end()
})

const notRoot = process.getuid?.() !== 0 && 'only root gives files away'

void t.test('tmpfiles makes the directory', { skip: notRoot }, t => {
  const root = publicDirectory(t)
  for (const path of ['etc', 'run']) mkdirSync(`${root}/${path}`)
  writeFileSync(
    `${root}/etc/passwd`,
    'root:x:0:0::/:/bin/sh\nzope-failover:x:4711:4712::/:/bin/false\n',
  )
  writeFileSync(`${root}/etc/group`, 'root:x:0:\nzope-failover:x:4712:\n')
  mkdirSync(`${root}/etc/tmpfiles.d`)
  copyFileSync(
    `${folder}/zope-failover.tmpfiles.conf`,
    `${root}/etc/tmpfiles.d/zope-failover.conf`,
  )
  run('systemd-tmpfiles', '--create', `--root=${root}`, 'zope-failover.conf')
  const { uid, gid, mode } = statSync(`${root}/run/zope-failover`)
  t.strictSame(
    { uid, gid, mode: mode & 0o7777 },
    { uid: 4711, gid: 4712, mode: 0o755 },
  )
  t.end()
})

async function startManager(t: Test, directory: string) {
  const socket = `${directory}/notify`
  const manager = startProgram(t, 'python3', [
    resolve(checkout, 'test/fixtures/notify-socket.py'),
    socket,
  ])
  await until('the socket', () => manager.output().includes('listening'))
  return { socket, said: () => manager.output().split('\n').slice(1, -1) }
}

function startMonitor(t: Test, directory: string, url: string, env: string[]) {
  const config = `${directory}/zope-failover.yaml`
  writeFileSync(
    config,
    JSON.stringify({
      directory: `${directory}/run`,
      backends: { zope1: url },
      probe: { heartbeat: 'off' },
      notify: {
        command: `env >${directory}/environment`,
        groupWait: '1s',
      },
    }),
  )
  return startProgram(t, 'env', [
    ...env,
    process.execPath,
    `${dist}/cli/main.js`,
    'monitor',
    `--config=${config}`,
  ])
}

void t.test('ready with the first report, alive, stopping', async t => {
  const directory = publicDirectory(t)
  const { socket, said } = await startManager(t, directory)
  // answers when the test wants it
  const zope = createServer()
  const port = await freePort()
  zope.listen(port, '127.0.0.1')
  t.teardown(() => {
    zope.close()
    zope.closeAllConnections()
  })
  const monitor = startMonitor(t, directory, `http://127.0.0.1:${port}`, [
    `NOTIFY_SOCKET=${socket}`,
    'WATCHDOG_USEC=600000',
  ])
  const [, response] = await once(zope, 'request')
  t.strictSame(said(), [], 'no verdict yet')
  zope.on('request', (_request, later) => later.end('OK'))
  response.end('OK')
  await until('more than one sign of life', () => alive() > 3)
  t.equal(said()[0], 'READY=1 WATCHDOG=1')
  t.ok(statSync(`${directory}/run/monitor.json`).isFile(), 'after the report')

  // it goes down, which is a notice
  zope.close()
  zope.closeAllConnections()
  t.notMatch(
    await written(`${directory}/environment`),
    /NOTIFY_SOCKET|WATCHDOG/,
    "a command does not speak in the monitor's name",
  )
  await monitor.kill('SIGTERM')
  t.equal(monitor.child.exitCode, 0)
  await until('the end to be reported', () => said().includes('STOPPING=1'))
  t.strictSame(
    new Set(said()),
    new Set(['READY=1 WATCHDOG=1', 'WATCHDOG=1', 'STOPPING=1']),
  )

  function alive(): number {
    return said().filter(line => line.includes('WATCHDOG=1')).length
  }
})

void t.test('without systemd, and without systemd-notify', async t => {
  for (const env of [
    ['-u', 'NOTIFY_SOCKET'],
    ['PATH=/none', 'NOTIFY_SOCKET=/x'],
  ]) {
    const directory = publicDirectory(t)
    const monitor = startMonitor(t, directory, 'http://127.0.0.1:1', env)
    const isNamed = (): boolean =>
      monitor.output().includes('systemd-notify failed')
    await until(
      'what there is to see',
      () =>
        monitor.output().includes('changed state') &&
        (env[0] === '-u' || isNamed()),
    )
    await monitor.kill('SIGTERM')
    t.equal(monitor.child.exitCode, 0)
    t.equal(isNamed(), env[0] !== '-u')
    t.ok(hasEnded(`${monitor.pid}`))
  }
})
