// The monitor as users run it: real processes, signals, files and servers.
import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import { resolve } from 'node:path'
import t, { type Test } from 'tap'
import type { MonitorReport } from '../../../sentinels/reports.ts'
import {
  dist,
  freePort,
  jsonLines,
  publicDirectory,
  startProgram,
  textOf,
  until,
  type Line,
  type Program,
} from '../../../lab/processes.ts'
import { startZcMonitor } from '../../../lab/zc-monitor.ts'

const isRoot = process.getuid?.() === 0

type Zope = {
  readonly url: string
  /** how it answers: a status, or not at all */
  mood: number | 'silent'
  requests: number
  readonly server: Server
}

async function startZope(t: Test): Promise<Zope> {
  const server = createServer((_request, response) => {
    zope.requests += 1
    if (zope.mood === 'silent') return
    response.writeHead(zope.mood)
    response.end('OK')
  })
  // as waitress does: the request is not begun
  server.on('checkContinue', (_request, response) => {
    response.writeContinue()
  })
  const port = await freePort()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const zope: Zope = {
    url: `http://127.0.0.1:${port}`,
    mood: 200,
    requests: 0,
    server,
  }
  return zope
}

type Site = {
  readonly root: string
  readonly directory: string
  readonly configFile: string
  readonly path: (file: string) => string
  readonly has: (file: string) => boolean
  /** the report, as soon as there is one */
  readonly report: () => MonitorReport | undefined
  readonly state: (name: string) => string | undefined
  readonly start: (options?: StartOptions) => Program
}

type StartOptions = { readonly uid?: number; readonly level?: string }

const quickly = { interval: '100ms', fall: 3, rise: 2, slowStart: '0s' }

function siteOf(
  t: Test,
  backends: Record<string, string | object>,
  probe: object = quickly,
  at?: string,
): Site {
  const root = at ?? publicDirectory(t)
  const directory = `${root}/sentinels`
  const configFile = `${root}/zope-failover.yaml`
  writeFileSync(configFile, JSON.stringify({ directory, backends, probe }))
  const path = (file: string): string => `${directory}/${file}`
  const report = (): MonitorReport | undefined => {
    const text = textOf(path('monitor.json'))
    if (text === undefined) return undefined
    const read: MonitorReport = JSON.parse(text)
    return read
  }
  return {
    root,
    directory,
    configFile,
    path,
    // the lock is a link to nowhere
    has: file => lstatSync(path(file), { throwIfNoEntry: false }) !== undefined,
    report,
    state: name => report()?.backends[name]?.state,
    start: ({ uid, level = 'info' } = {}) => {
      const args = [
        resolve(dist, 'cli/main.js'),
        'monitor',
        `--config=${configFile}`,
        `--log-level=${level}`,
      ]
      return uid === undefined
        ? startProgram(t, process.execPath, args)
        : startProgram(t, 'setpriv', [
            `--reuid=${uid}`,
            '--clear-groups',
            process.execPath,
            ...args,
          ])
    },
  }
}

/** The lines with this message. */
function logged(program: Program, message: string): Line[] {
  return jsonLines(program.output()).filter(line => line['msg'] === message)
}

void t.test('verdicts, the report and the log', async t => {
  const zope = await startZope(t)
  const site = siteOf(t, {
    zope1: zope.url,
    zope2: `http://127.0.0.1:${await freePort()}`,
  })
  const monitor = site.start()
  await until('the report', site.report)
  // not at every moment: a temporary file may exist
  await until(
    'these files and no others',
    () =>
      readdirSync(site.directory).sort(byText).join() ===
      '.monitor.lock,monitor.json,zope-failover.map,zope1.up',
  )
  t.equal(readFileSync(site.path('zope1.up'), 'utf8'), '100\n')
  t.match(site.report(), {
    version: /^\d+\.\d+\.\d+$/,
    pid: monitor.pid,
    config: site.configFile,
    backends: {
      zope1: { state: 'up', share: 100, probes: [{ outcome: 'pass' }] },
      zope2: { state: 'down', share: null, probes: [{ outcome: 'refused' }] },
    },
  })
  const written = site.report()?.written
  await until('the next heartbeat', () => site.report()?.written !== written)

  zope.mood = 500
  await until('down', () => !site.has('zope1.up'))
  zope.mood = 200
  await until('up again', () => site.has('zope1.up'))
  // the log may come a little after the files
  const changes = await until('three changes logged', () => {
    const lines = logged(monitor, 'backend changed state').filter(
      line => line['backend'] === 'zope1',
    )
    return lines.length === 3 && lines
  })
  t.match(changes, [
    { state: 'up', was: 'unknown', outcome: 'pass', level: 'info' },
    {
      state: 'down',
      was: 'up',
      outcome: 'status',
      good: -3,
      level: 'warn',
      reason:
        'failed 3 times in a row (fall 3): status 500, but only 200-399 passes',
    },
    { state: 'up', was: 'down', outcome: 'pass', good: 2, level: 'info' },
  ])

  monitor.child.kill('SIGTERM')
  await monitor.gone
  t.equal(monitor.child.exitCode, 0)
  t.ok(site.has('zope1.up'), 'the verdicts stay')
  t.notOk(site.has('.monitor.lock'))
  const stopped = 'monitor stopped, its verdicts stay in effect'
  await until('the log line', () => logged(monitor, stopped).length === 1)
})

void t.test('a restart changes nothing', async t => {
  const [zope1, zope2] = [await startZope(t), await startZope(t)]
  zope2.mood = 500
  const site = siteOf(t, { zope1: zope1.url, zope2: zope2.url })
  const first = site.start()
  await until('the report', site.report)
  const before = site.report()
  await first.kill('SIGKILL')
  t.ok(site.has('.monitor.lock'), 'killed without a word')

  // both have changed in the meantime; rise and fall still apply
  zope1.mood = 500
  zope2.mood = 200
  const second = site.start({ level: 'debug' })
  await until('zope1 is down', () => site.state('zope1') === 'down')
  await until('zope2 is up', () => site.state('zope2') === 'up')
  const change = (name: string): Promise<Line> =>
    until(`the change of ${name} logged`, () =>
      logged(second, 'backend changed state').find(
        line => line['backend'] === name,
      ),
    )
  t.match(await change('zope1'), { was: 'up', state: 'down', good: -3 })
  t.match(await change('zope2'), { was: 'down', state: 'up', good: 2 })
  await second.kill('SIGINT')
  t.equal(second.child.exitCode, 0)

  const since = site.report()?.backends['zope1']?.since
  t.not(since, before?.backends['zope1']?.since)
  const third = site.start()
  await until('its report', () => site.report()?.pid === third.pid)
  t.equal(
    site.report()?.backends['zope1']?.since,
    since,
    'an unchanged state keeps its start time',
  )
})

void t.test('a hanging backend delays no other', async t => {
  const [zope1, zope2] = [await startZope(t), await startZope(t)]
  zope1.mood = 'silent'
  const site = siteOf(
    t,
    { zope1: zope1.url, zope2: zope2.url },
    { ...quickly, slow: '100ms', timeout: '60s' },
  )
  site.start()
  await until('zope2 is up', () => site.has('zope2.up'))
  await until('zope2 is probed on', () => zope2.requests > 10)
  t.equal(zope1.requests, 1, 'and one probe at a time')
  t.notOk(site.has('monitor.json'), 'no report before every backend was probed')
})

void t.test('an answer that is overdue costs the share at once', async t => {
  const zope = await startZope(t)
  const site = siteOf(
    t,
    { zope1: zope.url },
    { ...quickly, slow: '200ms', timeout: '60s' },
  )
  site.start()
  const share = (): string | undefined => textOf(site.path('zope1.up'))
  await until('up', () => share() === '100\n')
  zope.mood = 'silent'
  await until('share 0', () => share() === '0\n')
  await until('the log line', () => site.state('zope1') === 'busy')
})

void t.test('a vanished directory is recreated', async t => {
  const zope = await startZope(t)
  const site = siteOf(t, { zope1: zope.url }, { ...quickly, interval: '1h' })
  const monitor = site.start()
  const whole = (): boolean =>
    ['zope1.up', 'monitor.json', '.monitor.lock'].every(site.has)
  await until('the report', whole)
  // a rename, at once: a directory that is being written to cannot be removed
  const vanish = (): void => {
    renameSync(site.directory, `${site.root}/removed`)
    rmSync(`${site.root}/removed`, { recursive: true })
  }
  for (const [title, spoil] of [
    ['removed', vanish],
    [
      'removed and made again',
      () => {
        vanish()
        mkdirSync(site.directory, { recursive: true })
      },
    ],
    [
      'another renamed into its place',
      () => {
        mkdirSync(`${site.root}/other`)
        renameSync(site.directory, `${site.root}/old`)
        renameSync(`${site.root}/other`, site.directory)
      },
    ],
  ] as const) {
    spoil()
    await until(title, whole)
  }
  t.equal(zope.requests, 1, 'without a probe')
  const lost = 'directory was lost or replaced, writing everything again'
  await until('the log line', () => logged(monitor, lost).length === 3)
})

void t.test('a full disk', async t => {
  const root = publicDirectory(t)
  mkdirSync(`${root}/sentinels`)
  execFileSync('mount', [
    '-t',
    'tmpfs',
    '-o',
    'size=64k,mode=755',
    'none',
    `${root}/sentinels`,
  ])
  t.teardown(() => execFileSync('umount', ['-l', `${root}/sentinels`]))
  const [zope1, zope2] = [await startZope(t), await startZope(t)]
  zope2.mood = 500
  const site = siteOf(t, { zope1: zope1.url, zope2: zope2.url }, quickly, root)
  const monitor = site.start()
  await until('the report', site.report)
  execFileSync('sh', ['-c', `cat /dev/zero > ${site.path('.ballast')} || :`], {
    stdio: 'ignore',
  })
  const trouble = 'directory is not writable, retrying every second'
  await until('trouble', () => logged(monitor, trouble).length > 0)
  zope2.mood = 200
  const probed = zope2.requests
  await until('zope2 is probed on', () => zope2.requests > probed + 10)
  const touched = (): number => statSync(site.path('monitor.json')).mtimeMs
  const before = touched()
  await until('the heart still beats', () => touched() > before)
  t.match(logged(monitor, trouble), [{ err: 'ENOSPC', remedy: /make room/ }])
  zope1.mood = 500
  await until('down can be said all the same', () => !site.has('zope1.up'))
  rmSync(site.path('.ballast'))
  await until('zope2 is up', () => site.has('zope2.up'))
  await until('the report is true', () => site.state('zope1') === 'down')
  await until(
    'well again',
    () => logged(monitor, 'directory is writable again').length === 1,
  )
  t.equal(logged(monitor, trouble).length, 1, 'logged once')
  await monitor.kill('SIGTERM')
})

void t.test('missing rights', async t => {
  const zope = await startZope(t)
  const site = siteOf(t, { zope1: zope.url })
  mkdirSync(site.directory)
  // owned by another user, so this user has no rights
  chmodSync(site.directory, 0o755)
  const uid = 65_534
  const monitor = site.start({ uid })
  const trouble = 'cannot take the lock, writing nothing until it can'
  await until('trouble', () => logged(monitor, trouble).length > 0)
  await until('it probes on', () => zope.requests > 10)
  t.match(logged(monitor, trouble), [{ err: 'EACCES', remedy: /uid 65534/ }])
  chownSync(site.directory, uid, uid)
  await until('the verdict', () => site.has('zope1.up'))
  await monitor.kill('SIGTERM')
  t.equal(monitor.child.exitCode, 0)
})

void t.test('directories on which it does not start', async t => {
  const site = siteOf(t, { zope1: 'http://127.0.0.1:1' })
  const refused = async (err: RegExp): Promise<void> => {
    const monitor = site.start()
    await monitor.gone
    t.equal(monitor.child.exitCode, 1)
    await until(
      'the log line',
      () => logged(monitor, 'cannot start').length === 1,
    )
    t.match(logged(monitor, 'cannot start'), [{ err, level: 'fatal' }])
  }
  writeFileSync(site.directory, '')
  await refused(/must be a directory.*something else is in its place/)
  rmSync(site.directory)
  mkdirSync(site.directory)
  chmodSync(site.directory, 0o777)
  await refused(/must not be writable by all users.*type: chmod o-w/)
  chmodSync(site.directory, 0o755)
  if (isRoot) {
    chownSync(site.directory, 12_345, 12_345)
    await refused(
      /must belong to root while the monitor runs as root, got uid 12345; .*setpriv --reuid=12345 .*or type: chown root/,
    )
    t.notOk(site.has('monitor.json'), 'nothing is written there')
  }
  writeFileSync(site.configFile, 'backends: {}')
  const monitor = site.start()
  await monitor.gone
  t.equal(monitor.child.exitCode, 2)
})

void t.test(
  'a configuration with commands that other users can change is rejected',
  async t => {
    const zope = await startZope(t)
    const site = siteOf(t, { zope1: zope.url })
    const monitor = site.start()
    await until('the report', site.report)
    // the command would leave a trace
    const config = {
      directory: site.directory,
      backends: { zope1: zope.url },
      notify: { command: `touch ${site.root}/run` },
    }
    chmodSync(site.configFile, 0o646)
    writeFileSync(site.configFile, JSON.stringify(config))
    const refusal = 'configuration rejected, keeping the previous one'
    await until('the log line', () => logged(monitor, refusal).length > 0)
    const why =
      /a configuration with notify.command .* is writable by all users; type: chmod o-w/
    t.match(logged(monitor, refusal), [{ problems: [why] }])
    await monitor.kill('SIGTERM')
    t.equal(monitor.child.exitCode, 0)

    const next = site.start()
    await next.gone
    t.equal(next.child.exitCode, 2)
    await until('the log line', () => next.output().endsWith('\n'))
    t.match(next.output(), why)
    t.equal(existsSync(`${site.root}/run`), false)
  },
)

void t.test(
  'which owner of the configuration is trusted by which user',
  { skip: isRoot ? false : 'only root can become another user' },
  async t => {
    const zope = await startZope(t)
    const uid = 65_534
    const site = siteOf(t, { zope1: zope.url })
    mkdirSync(site.directory)
    writeFileSync(
      site.configFile,
      JSON.stringify({
        directory: site.directory,
        backends: { zope1: zope.url },
        notify: { command: '/bin/true' },
      }),
    )
    chownSync(site.configFile, uid, uid)
    const asRoot = site.start()
    await asRoot.gone
    t.equal(asRoot.child.exitCode, 2)
    await until('the log line', () => asRoot.output().endsWith('\n'))
    t.match(asRoot.output(), `belongs to uid ${uid}; type: chown root`)
    chownSync(site.directory, uid, uid)
    const asOwner = site.start({ uid })
    await until('the report', site.report)
    await asOwner.kill('SIGTERM')
    t.equal(asOwner.child.exitCode, 0)
  },
)

void t.test('never two on one directory', async t => {
  const zope = await startZope(t)
  const site = siteOf(t, { zope1: zope.url })
  const first = site.start()
  await until('the report', site.report)
  const second = site.start()
  await second.gone
  t.equal(second.child.exitCode, 1)
  const taken = 'another monitor runs on this directory'
  await until('the log line', () => logged(second, taken).length === 1)
  t.match(logged(second, taken), [{ pid: first.pid }])
  t.ok(site.has('zope1.up'))
  t.equal(first.isGone(), false)
  // stopped is not dead
  first.child.kill('SIGSTOP')
  const third = site.start()
  await third.gone
  t.equal(third.child.exitCode, 1)
})

void t.test('files made by hand', async t => {
  const [zope1, zope2] = [await startZope(t), await startZope(t)]
  zope2.mood = 500
  const site = siteOf(t, { zope1: zope1.url, zope2: zope2.url })
  const monitor = site.start()
  await until('the report', site.report)
  writeFileSync(site.path('zope2.up'), '')
  await until('a wrong verdict is taken away', () => !site.has('zope2.up'))
  rmSync(site.path('zope1.up'))
  await until('a lost one put back', () => site.has('zope1.up'))
  writeFileSync(site.path('zope1.drain'), 'until: 2020-01-01T00:00:00Z\n')
  await until('what is over goes', () => !site.has('zope1.drain'))
  writeFileSync(site.path('zope3.up'), '')
  await until(
    'the unexpected file to be logged',
    () => logged(monitor, 'directory has a problem').length > 0,
  )
  const expired = "administrator's file expired and was removed"
  await until(
    'its expiry to be logged',
    () => logged(monitor, expired).length > 0,
  )
  t.match(logged(monitor, expired), [{ backend: 'zope1', file: 'zope1.drain' }])
})

void t.test('a suspicion triggers a probe at once', async t => {
  const zope = await startZope(t)
  const site = siteOf(t, { zope1: zope.url }, { ...quickly, interval: '1h' })
  site.start()
  await until('the report', site.report)
  t.equal(zope.requests, 1)
  for (const requests of [2, 3]) {
    writeFileSync(site.path('zope1.suspect'), '')
    await until('a probe', () => zope.requests === requests)
    t.notOk(site.has('zope1.suspect'), 'the file went before it')
  }
})

void t.test('reload', async t => {
  const [zope1, zope2] = [await startZope(t), await startZope(t)]
  const site = siteOf(t, { zope1: zope1.url })
  const monitor = site.start()
  await until('the report', site.report)
  const write = (backends: object, extra: object = {}): string =>
    JSON.stringify({
      directory: site.directory,
      backends,
      probe: quickly,
      ...extra,
    })
  const both = { zope1: zope1.url, zope2: zope2.url }

  writeFileSync(site.configFile, write(both))
  await until('one more, written in place', () => site.has('zope2.up'))

  writeFileSync(site.path('zope2.drain'), '')
  writeFileSync(`${site.root}/new`, write({ zope1: zope1.url }))
  renameSync(`${site.root}/new`, site.configFile)
  await until('one less, renamed over', () => !site.has('zope2.up'))
  t.notOk(site.has('zope2.drain'))
  await until('not reported', () => site.state('zope2') === undefined)

  rmSync(site.configFile)
  const refused = 'configuration rejected, keeping the previous one'
  await until('no file', () => logged(monitor, refused).length === 1)
  writeFileSync(site.configFile, write({ zope3: zope2.url, ...both }))
  await until('deleted and made again', () => site.has('zope3.up'))

  writeFileSync(site.configFile, 'backends: {')
  monitor.child.kill('SIGHUP')
  await until('a bad one', () => logged(monitor, refused).length === 2)
  writeFileSync(
    site.configFile,
    write(both, { directory: `${site.root}/elsewhere` }),
  )
  await until('another directory', () => logged(monitor, refused).length === 3)
  t.match(logged(monitor, refused)[2], { problems: [/must stay .* restart/s] })
  t.ok(['zope1', 'zope2', 'zope3'].every(name => site.has(`${name}.up`)))

  const moved = await freePort()
  writeFileSync(
    site.configFile,
    write({ ...both, zope2: `http://127.0.0.1:${moved}` }),
  )
  await until('one that moved is judged by one probe', () => {
    const [last] = logged(monitor, 'backend changed state').slice(-1)
    return last?.['backend'] === 'zope2' && last['state'] === 'down'
  })
  t.match(logged(monitor, 'backend changed state').at(-1), {
    was: 'unknown',
    good: -1,
  })
})

void t.test('a monitor that was stopped blames no backend', async t => {
  const zope = await startZope(t)
  const site = siteOf(
    t,
    { zope1: zope.url },
    // its heartbeat is alive, so an unanswered probe is given `busyTimeout`
    {
      ...quickly,
      ...{ slow: '100ms', timeout: '1500ms', busyTimeout: '3s', fall: 1 },
    },
  )
  const monitor = site.start({ level: 'debug' })
  await until('the report', site.report)
  zope.mood = 'silent'
  const requests = zope.requests
  await until('a probe in flight', () => zope.requests > requests)
  monitor.child.kill('SIGSTOP')
  const end = performance.now() + 4_000
  await until('a long pause', () => performance.now() > end)
  zope.mood = 200
  monitor.child.kill('SIGCONT')
  await until('it noticed', () =>
    logged(monitor, 'probed').some(line => line['outcome'] === 'starved'),
  )
  await until(
    'a probe after it',
    () => logged(monitor, 'probed').at(-1)?.['outcome'] === 'pass',
  )
  t.same(
    logged(monitor, 'backend changed state').filter(
      line => line['state'] === 'down',
    ),
    [],
  )
})

void t.test('a hanging name server delays no other backend', async t => {
  const nameServer = createSocket('udp4')
  nameServer.bind(53, '127.0.0.99')
  await once(nameServer, 'listening')
  t.teardown(() => nameServer.close())
  const zope = await startZope(t)
  const site = siteOf(t, {
    zope1: 'http://zope1.test:1',
    zope2: 'http://zope2.test:1',
    zope3: 'http://zope3.test:1',
    zope4: zope.url,
  })
  // it waits longer than this test does
  writeFileSync(
    `${site.root}/resolv.conf`,
    'nameserver 127.0.0.99\noptions timeout:30 attempts:5\n',
  )
  const monitor = startProgram(t, 'unshare', [
    '--mount',
    'sh',
    '-c',
    'mount --bind "$1" /etc/resolv.conf && exec "$2" "$3" monitor --config="$4"',
    'sh',
    `${site.root}/resolv.conf`,
    process.execPath,
    resolve(dist, 'cli/main.js'),
    site.configFile,
  ])
  await until('zope4 is up', () => site.has('zope4.up'))
  await until('zope4 is probed on', () => zope.requests > 10)
  await until('the report', site.report)
  t.match(site.report()?.backends['zope1'], {
    state: 'unknown',
    reason: /^resolving the host name zope1\.test took longer than/,
    probes: [{ outcome: 'dns-timeout' }],
  })
  monitor.child.kill('SIGTERM')
  await monitor.gone
  t.notOk(site.has('.monitor.lock'), 'in good order')
})

void t.test('each kind of light probe takes out and brings back', async t => {
  const port = await freePort()
  const listen = async (): Promise<Server> => {
    const server = createServer()
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    return server
  }
  let server = await listen()
  const zcMonitor = await startZcMonitor(t)
  const root = publicDirectory(t)
  const broken = `${root}/broken`
  const url = `http://127.0.0.1:${port}`
  const expect = '/^OK$/'
  const site = siteOf(
    t,
    {
      tcp: { url, probe: { tcp: true } },
      ask: {
        url: 'http://127.0.0.1:1',
        probe: {
          ask: { port: zcMonitor.port, send: 'health_ok', expect },
        },
      },
      command: {
        url: 'http://127.0.0.1:1',
        probe: {
          command: [
            '/bin/sh',
            '-c',
            `if [ -e ${broken} ]; then echo "$ZOPE_FAILOVER_BACKEND is broken"; exit 2; fi`,
          ],
        },
      },
      missing: { url, probe: { command: ['/does/not/exist'] } },
    },
    { ...quickly, heartbeat: 'off' },
    root,
  )
  const monitor = site.start()
  const names = ['tcp', 'ask', 'command']
  const isUp = (name: string): boolean => site.has(`${name}.up`)
  await until('all are up', () => names.every(isUp))
  await until('the report', site.report)
  t.match(site.report()?.backends, {
    tcp: { probes: [{ outcome: 'pass' }] },
    ask: { probes: [{ outcome: 'pass' }] },
    command: { probes: [{ outcome: 'pass' }] },
    // it was not probed: neither up nor down
    missing: { state: 'unknown', probes: [{ outcome: 'local' }] },
  })
  const cannot = 'the monitor itself cannot probe, backend state unchanged'
  t.match(await until('it is logged', () => logged(monitor, cannot)[0]), {
    backend: 'missing',
    err: /ENOENT/,
  })

  server.close()
  zcMonitor.answers.set('health_ok', 'Warmup in progress\n')
  writeFileSync(broken, '')
  await until('all are out', () => !names.some(isUp))
  const outOf = (name: string): Promise<Line> =>
    until(`the end of ${name} logged`, () =>
      logged(monitor, 'backend changed state').find(
        line => line['backend'] === name && line['state'] === 'down',
      ),
    )
  const thrice = 'failed 3 times in a row (fall 3): '
  t.match(await outOf('tcp'), { outcome: 'refused', good: -3 })
  t.match(await outOf('ask'), {
    outcome: 'content',
    reason: `${thrice}the answer "Warmup in progress" does not match /^OK$/`,
  })
  t.match(await outOf('command'), {
    outcome: 'exit',
    reason: `${thrice}the command ended with 2: "command is broken"`,
  })

  server = await listen()
  zcMonitor.answers.set('health_ok', 'OK\n')
  rmSync(broken)
  await until('all are back', () => names.every(isUp))
  t.equal(logged(monitor, cannot).length, 1, 'logged once')
})

function byText(a: string, b: string): number {
  return a < b ? -1 : 1
}
