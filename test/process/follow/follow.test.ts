// The real program, and commands in sh that say what they were given.
import { execFileSync, spawnSync } from 'node:child_process'
import { rmSync, utimesSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t, { type Test } from 'tap'
import { beatMonitor, putUp } from '../../../lab/map.ts'
import {
  dist,
  hasEnded,
  jsonLines,
  processesWith,
  publicDirectory,
  startProgram,
  textOf,
  until,
} from '../../../lab/processes.ts'

const main = resolve(dist, 'cli/main.js')

type Options = {
  readonly args?: readonly string[]
  readonly pools?: string
}

/** @param script for sh; `$1` is a directory for it */
async function follow(
  t: Test,
  script: string,
  { args = [], pools = '{ policy: balance }' }: Options = {},
) {
  const place = publicDirectory(t)
  const directory = `${place}/run`
  execFileSync('mkdir', [directory])
  const configFile = `${place}/zope-failover.yaml`
  const write = (extra = '') =>
    writeFileSync(
      configFile,
      `directory: ${directory}
backends: { zope1: "http://127.0.0.1:7001", zope2: "http://127.0.0.1:7002" }
pools: { default: ${pools} }
${extra}`,
    )
  write()
  putUp(directory, 'zope1', 'zope2')
  beatMonitor(directory, ['zope1', 'zope2'])
  const start = () =>
    startProgram(t, process.execPath, [
      main,
      'follow',
      '--config',
      configFile,
      ...args,
      '--',
      'sh',
      '-c',
      script,
      'command',
      place,
    ])
  const program = start()
  const messages = (msg: string) =>
    jsonLines(program.output()).filter(line => line['msg'] === msg)
  return {
    place,
    directory,
    configFile,
    program,
    write,
    messages,
    /** the tables that the command has read, the newest last */
    tables: () => (textOf(`${place}/tables`) ?? '').split('--\n').slice(0, -1),
    report: () => {
      const text = textOf(`${directory}/follow-${program.pid}.json`)
      const value: unknown = text === undefined ? {} : JSON.parse(text)
      return value
    },
  }
}

/** Keeps what it reads. */
const keep = 'table=$(cat); printf "%s\\n--\\n" "$table" >>"$1/tables"'

const bothIn = 'zope1 127.0.0.1 7001 in 1 1\nzope2 127.0.0.1 7002 in 1 1\n'

void t.test('at start, and at each change, once', async t => {
  const { directory, tables, messages, program } = await follow(t, keep)
  await until('the first table', () => tables().length === 1)
  t.strictSame(tables(), [bothIn])
  writeFileSync(`${directory}/zope1.up`, '30\n')
  await until('the second', () => tables().length === 2)
  t.match(tables()[1], /^zope1 127\.0\.0\.1 7001 in 0\.3 1\n/)
  // nothing else: what is written again says the same
  beatMonitor(directory, ['zope1', 'zope2'])
  writeFileSync(`${directory}/zope1.up`, '30\n')
  writeFileSync(`${directory}/zope1.suspect`, '')
  writeFileSync(`${directory}/zope2.maint`, '')
  await until('the third', () => tables().length === 3)
  t.match(tables()[2], / out 0 1\n$/)
  rmSync(`${directory}/zope2.maint`)
  writeFileSync(`${directory}/zope2.drain`, '')
  await until('drain', () => tables().at(-1)?.endsWith('bound 1 1\n') === true)
  await until(
    'the log',
    () => messages('command has the newest table').length > 3,
  )
  await program.kill('SIGTERM')
  t.equal(program.child.exitCode, 0)
})

void t.test('the monitor is gone: fail static', async t => {
  const { directory, tables } = await follow(t, keep)
  await until('the first table', () => tables().length === 1)
  rmSync(`${directory}/zope2.up`)
  await until('down', () => tables().at(-1)?.endsWith('out 0 1\n') === true)
  const old = new Date(Date.now() - 60_000)
  utimesSync(`${directory}/monitor.json`, old, old)
  await until(
    'a last resort',
    () => tables().at(-1)?.endsWith('last-resort 0 1\n') === true,
  )
  t.match(tables().at(-1), /^zope1 \S+ 7001 in 1 1\n/)
})

void t.test('never two runs at once, and only the newest table', async t => {
  const script = `mkdir "$1/alone" || exit 1; ${keep}; while [ -e "$1/wait" ]; do sleep 0.01; done; rmdir "$1/alone"`
  const { place, directory, tables, messages } = await follow(t, script)
  await until('the first table', () => tables().length === 1)
  writeFileSync(`${place}/wait`, '')
  writeFileSync(`${directory}/zope1.up`, '1\n')
  await until('it waits', () => tables().length === 2)
  for (let share = 2; share < 40; share++)
    writeFileSync(`${directory}/zope1.up`, `${share}\n`)
  writeFileSync(`${directory}/zope1.up`, '50\n')
  rmSync(`${place}/wait`)
  await until('the newest', () => /in 0\.5 1/.test(tables().at(-1) ?? ''))
  // at most one that was read before the end of the wait, and the newest
  t.ok(tables().length <= 4, 'what was in between is not passed on')
  t.equal(messages('command failed, will retry').length, 0)
})

void t.test('a failure: said, and again until it works', async t => {
  const script = `${keep}; [ -e "$1/works" ] || { echo "no route" >&2; exit 7; }`
  const { place, directory, tables, report, configFile, program } =
    await follow(t, script)
  await until('again', () => tables().length >= 2)
  t.equal(tables()[0], tables()[1])
  const problem =
    /sh must accept the table and exit with code 0, got exit code 7: no route/
  await until('the report', () => problem.test(JSON.stringify(report())))
  const status = execFileSync(
    process.execPath,
    [main, 'status', '--config', configFile],
    { encoding: 'utf8' },
  )
  t.match(
    status,
    new RegExp(`follow: alive, pid ${program.pid}, \\d+ runs, \\d+ failed`),
  )
  t.match(status, /^follow: sh must accept the table/m)
  writeFileSync(`${place}/works`, '')
  await until(
    'the problem is gone',
    () => !problem.test(JSON.stringify(report())),
  )
  const ended = tables().length
  rmSync(`${directory}/zope1.up`)
  await until('another table', () => tables().length === ended + 1)
})

void t.test('a command that hangs is ended with all it started', async t => {
  const place = publicDirectory(t)
  const script = `cat >/dev/null; sleep 987 & echo $! >>${place}/children; wait`
  const { messages } = await follow(t, script, { args: ['--timeout', '200ms'] })
  await until('twice', () => messages('command failed, will retry').length >= 2)
  t.match(messages('command failed, will retry')[0], { how: 'limit' })
  const [first = ''] = (textOf(`${place}/children`) ?? '').split('\n')
  await until('its child is gone', () => hasEnded(first))
})

void t.test('a command that is not there', async t => {
  const place = publicDirectory(t)
  const file = `${place}/command`
  const config = `${place}/zope-failover.yaml`
  writeFileSync(
    config,
    `directory: ${place}/run\nbackends: { a: "http://127.0.0.1:1" }\n`,
  )
  const program = startProgram(t, process.execPath, [
    ...[main, 'follow', '--config', config, '--', file],
  ])
  await until('it says so', () =>
    jsonLines(program.output()).some(
      line => line['how'] === 'not-begun' && line['code'] === 'ENOENT',
    ),
  )
  writeFileSync(file, `#!/bin/sh\ncat >${place}/table\n`, { mode: 0o755 })
  await until('it runs', () => textOf(`${place}/table`)?.startsWith('a '))
  await program.kill('SIGINT')
  t.equal(program.child.exitCode, 0)
})

void t.test('SIGTERM: the run may finish, and the exit code is 0', async t => {
  const { place, program, tables } = await follow(
    t,
    // how long it takes after the signal is its own affair, in these 2 s
    `${keep}; while [ ! -e "$1/go" ]; do sleep 0.01; done; sleep 0.3; echo done >"$1/finished"`,
  )
  await until('it runs', () => tables().length === 1)
  writeFileSync(`${place}/go`, '')
  program.child.kill('SIGTERM')
  await program.gone
  t.equal(program.child.exitCode, 0)
  t.equal(textOf(`${place}/finished`), 'done\n')
})

void t.test('SIGTERM: a run that hangs is ended', async t => {
  const mark = `zf-follow-${process.pid}`
  const { program, directory } = await follow(
    t,
    `cat >/dev/null; exec sh -c 'while :; do sleep 0.1; done' ${mark}`,
  )
  await until('it runs', () =>
    processesWith(mark).some(({ command }) =>
      command.startsWith('sh -c while'),
    ),
  )
  await until('the report', () =>
    textOf(`${directory}/follow-${program.pid}.json`),
  )
  await program.kill('SIGTERM')
  t.equal(program.child.exitCode, 0)
  await until(
    'nothing is left',
    () =>
      !processesWith(mark).some(({ command }) =>
        command.startsWith('sh -c while'),
      ),
  )
  t.equal(textOf(`${directory}/follow-${program.pid}.json`), undefined)
})

void t.test('SIGHUP: once more, though nothing has changed', async t => {
  const { program, tables } = await follow(t, keep)
  await until('the first table', () => tables().length === 1)
  await until('it has ended', () => /newest table/.test(program.output()))
  program.child.kill('SIGHUP')
  await until('again', () => tables().length === 2)
  t.equal(tables()[0], tables()[1])
})

void t.test('a changed configuration, and a broken one', async t => {
  const { tables, write, program, configFile } = await follow(t, keep)
  await until('the first table', () => tables().length === 1)
  writeFileSync(configFile, 'backends: 5\n')
  await until('rejected', () => /rejected/.test(program.output()))
  write('staleAfter: 5s\nprobe: { interval: 2s }\n')
  await until('loaded', () => /configuration loaded/.test(program.output()))
  writeFileSync(configFile, (textOf(configFile) ?? '').replace('7002', '7003'))
  await until('the other port', () => / 7003 /.test(tables().at(-1) ?? ''))
  t.equal(tables().length, 2, 'what does not change the table changes nothing')
  writeFileSync(
    configFile,
    (textOf(configFile) ?? '').replace('default:', 'other:'),
  )
  await until('the pool is gone', () =>
    /pool was removed/.test(program.output()),
  )
  t.equal(tables().length, 2)
})

void t.test('json, another pool, and its output', async t => {
  const { program } = await follow(t, 'cat; echo "$ZOPE_FAILOVER_POOL"', {
    args: ['--format', 'json'],
  })
  await until('the output', () => /^default$/m.test(program.output()))
  t.match(
    program.output(),
    /^\{"pool":"default","backends":\[\{"name":"zope1"/m,
  )
})

void t.test('wrong options end with exit code 2', t => {
  const place = publicDirectory(t)
  const config = `${place}/zope-failover.yaml`
  writeFileSync(config, 'backends: { a: "http://127.0.0.1:1" }\n')
  for (const [args, says] of [
    [[], /missing required argument 'command'/],
    [
      ['--pool', 'defualt', '--', 'true'],
      /the pool must be one of the configuration, got "defualt"; did you mean "default"\?/,
    ],
    [['--format', 'xml', '--', 'true'], /Allowed choices are lines, json/],
    [
      ['--timeout', '5', '--', 'true'],
      /It must be a duration from 100ms to 10m/,
    ],
    [
      ['--timeout', '1h', '--', 'true'],
      /It must be a duration from 100ms to 10m/,
    ],
  ] as const) {
    const run = spawnSync(
      process.execPath,
      [main, 'follow', '--config', config, ...args],
      { encoding: 'utf8' },
    )
    t.equal(run.status, 2, args.join(' '))
    t.match(run.stderr, says)
  }
  t.end()
})
