// Which processes the monitor kills: real map programs, stopped or looping, and
// others that look like them.
import { chownSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { MapSupervisor } from '../../../../monitor/map-check/map-supervisor.ts'
import { startTimeOf } from '../../../../system/process.ts'
import {
  loopingMap,
  putUp,
  reportOf,
  startMap,
  writeConfig,
  type MapProgram,
  type StartOptions,
} from '../../../../lab/map.ts'
import {
  dist,
  jsonLines,
  publicDirectory,
  startProgram,
  until,
  type Line,
} from '../../../../lab/processes.ts'

type Supervision = {
  readonly directory: string
  /** the configuration file */
  readonly config: string
  readonly supervisor: MapSupervisor
  readonly log: () => Line[]
  /** starts a map program and waits for its first report */
  readonly map: (options?: StartOptions) => Promise<MapProgram>
}

function supervise(t: Test): Supervision {
  const directory = publicDirectory(t)
  putUp(directory, 'a', 'b')
  const config = writeConfig(
    `${publicDirectory(t)}/zope-failover.yaml`,
    directory,
    'a b',
  )
  let text = ''
  const supervisor = new MapSupervisor(
    directory,
    pino({}, { write: line => (text += line) }),
    () => true,
    () => undefined,
  )
  supervisor.start()
  t.teardown(() => {
    supervisor.stop()
  })
  return {
    directory,
    config,
    supervisor,
    log: () => jsonLines(text),
    map: async options => {
      const map = startMap(t, config, options)
      await map.lookup('default')
      await until('its report', () => reportOf(directory, map.pid))
      return map
    },
  }
}

function stop(pid: number): void {
  process.kill(pid, 'SIGSTOP')
}

const reportFile = (directory: string, pid: number): string =>
  `${directory}/rewritemap-${pid}.json`

/** Writes a false report in the name of a process. */
function tamper(directory: string, pid: number, changes: object): void {
  const file = reportFile(directory, pid)
  const report: unknown = JSON.parse(readFileSync(file, 'utf8'))
  writeFileSync(file, JSON.stringify({ ...Object(report), ...changes }))
}

void t.test('a stopped map program is killed, an idle one is not', async t => {
  const { map, log } = supervise(t)
  const [hung, idle] = [await map(), await map()]
  process.kill(hung.pid, 'SIGSTOP')
  t.strictSame(await hung.exit(), { code: null, signal: 'SIGKILL' })
  t.match(log(), [
    {
      pid: hung.pid,
      reason: /^its process has been stopped \(SIGSTOP\) for 2(\.\d)? s$/,
      msg: 'map program hung: killed with SIGKILL; httpd uses the text map until its next restart',
    },
  ])
  t.equal(await idle.lookup('default'), 'a')
  t.equal(log().length, 1, 'once')
})

void t.test(
  'a map program that is stopped before its first report',
  async t => {
    const { directory, config, log } = supervise(t)
    const hung = startMap(t, config, { args: ['--directory', directory] })
    stop(hung.pid)
    t.equal(reportOf(directory, hung.pid), undefined)
    t.strictSame(await hung.exit(), { code: null, signal: 'SIGKILL' })
    t.match(log(), [
      {
        pid: hung.pid,
        reason: /^its process has been stopped \(SIGSTOP\) for 2/,
      },
    ])
  },
)

void t.test('without a report only a stopped one is ended', async t => {
  const { directory, config, log } = supervise(t)
  // its configuration names another directory, so its report is there
  const elsewhere = publicDirectory(t)
  const idle = startMap(
    t,
    writeConfig(`${elsewhere}/zope-failover.yaml`, elsewhere, 'a b'),
    { args: ['--directory', directory] },
  )
  await until('its report', () => reportOf(elsewhere, idle.pid))
  // the launcher names the directory, too, and is no map program
  const launcher = startProgram(t, '/bin/sh', [
    '-c',
    'kill -STOP $$; :',
    `${dist}/rewritemap/launch.sh`,
    `${dist}/rewritemap/main.js`,
    directory,
  ])
  const hung = startMap(t, config, { args: ['--directory', directory] })
  stop(hung.pid)
  await hung.exit()
  t.equal(log().length, 1)
  t.notOk(launcher.isGone())
  t.equal(await idle.lookup('default'), 'a', 'its directory has no files')
})

void t.test('an endless loop in the answering thread', async t => {
  const { map, log } = supervise(t)
  const copy = loopingMap(t)
  const hung = await map({ main: `${copy}/rewritemap/main.js` })
  writeFileSync(`${copy}/loop`, '')
  const asked = performance.now()
  const unanswered = t.rejects(hung.lookup('default'), 'no answer')
  t.strictSame(await hung.exit(), { code: null, signal: 'SIGKILL' })
  await unanswered
  t.match(
    log()[0]?.['reason'],
    /^one lookup has been unanswered for over \d s$/,
  )
  t.comment(`ended after ${Math.round(performance.now() - asked)} ms`)
})

void t.test('the watching thread hangs', async t => {
  const { map, directory, log } = supervise(t)
  const copy = loopingMap(t)
  // a stand-in for a file server that does not answer
  const watcher = `${copy}/rewritemap/thread/watcher.js`
  writeFileSync(
    watcher,
    `${readFileSync(watcher, 'utf8')}
import { existsSync } from 'node:fs'
setInterval(() => {
  if (existsSync(${JSON.stringify(`${copy}/hang`)}))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}, 50)
`,
  )
  const hung = await map({ main: `${copy}/rewritemap/main.js` })
  const idle = await map()
  writeFileSync(`${copy}/hang`, '')
  t.strictSame(await hung.exit(), { code: null, signal: 'SIGKILL' })
  t.match(log()[0]?.['reason'], /^it has written no report for 3(\.\d)? s$/)
  t.type(reportOf(directory, idle.pid), 'object')
  t.equal(await idle.lookup('default'), 'a')
})

void t.test('only what is provably a map program of ours', async t => {
  const { map, directory, supervisor, log } = supervise(t)
  const like = await map()
  const text = readFileSync(reportFile(directory, like.pid), 'utf8')
  const [reused, contained, foreign, old] = [
    await map(),
    await map(),
    await map(),
    await map(),
  ]
  for (const { pid } of [reused, contained, foreign, old]) stop(pid)
  tamper(directory, reused.pid, { startTime: '1' })
  tamper(directory, contained.pid, { pidNamespace: 'pid:[1]' })
  chownSync(reportFile(directory, foreign.pid), 65_534, 65_534)
  tamper(directory, old.pid, { startTime: undefined })
  // another program with that pid
  const { pid } = startProgram(t, 'sleep', ['1000'])
  stop(pid)
  writeFileSync(reportFile(directory, pid), text)
  tamper(directory, pid, { pid, startTime: startTimeOf(pid) })
  // one that has exited, and one that pretends to be another
  writeFileSync(reportFile(directory, 2 ** 22 + 1), text)
  writeFileSync(`${directory}/rewritemap-1.json`, 'rubbish')
  // the last one to be stopped is killed: all others have had enough time
  const hung = await map()
  stop(hung.pid)
  t.equal((await hung.exit()).signal, 'SIGKILL')
  t.strictSame(
    log()
      .filter(({ msg }) => String(msg).includes('SIGKILL'))
      .map(line => line['pid']),
    [hung.pid],
  )
  for (const alive of [reused.pid, contained.pid, foreign.pid, old.pid, pid]) {
    t.ok(process.kill(alive, 0))
    process.kill(alive, 'SIGKILL')
  }
  t.match(
    supervisor.limits.map(({ what }) => what).sort(),
    [
      `the map program with pid ${contained.pid} runs in another container (pid namespace)`,
      `the map program with pid ${old.pid} is of an older version, which does not say enough to be recognized`,
    ].sort(),
  )
})

void t.test(
  'as another user, it reports what it is not allowed to do',
  async t => {
    const { map, supervisor, log } = supervise(t)
    const other = await map()
    process.seteuid?.(65_534)
    t.teardown(() => {
      process.seteuid?.(0)
    })
    supervisor.check()
    t.match(supervisor.limits, [
      {
        what: `the map program with pid ${other.pid} runs as uid 0, the monitor as uid 65534`,
        why: 'a hung map program cannot be killed here: httpd would wait for it',
        remedy: /--map-user/,
      },
    ])
    supervisor.check()
    t.equal(log().length, 1, 'once')
    process.seteuid?.(0)
    supervisor.check()
    t.strictSame(supervisor.limits, [])
    await other.end()
  },
)

void t.test('a directory that goes away', async t => {
  const { directory, supervisor } = supervise(t)
  rmSync(directory, { recursive: true })
  supervisor.check()
  t.strictSame(supervisor.limits, [])
})
