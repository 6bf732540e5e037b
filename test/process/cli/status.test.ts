import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import t from 'tap'
import { dist, until } from '../../../lab/processes.ts'
import {
  bare,
  install,
  main,
  run,
  start,
  type Installation,
} from './command.ts'

function statusOf(installation: Installation) {
  const { code, stdout } = run(installation, ['status'])
  if (code !== 0) throw new Error(`status: exit code ${code}`)
  return stdout
}

/** A running map, seen by its first report. */
async function startMap(t: Parameters<typeof start>[0], at: Installation) {
  const child = start(t, at, [`${dist}/rewritemap/main.js`])
  const report = `${at.directory}/rewritemap-${child.pid}.json`
  await until('the report of the map', () => existsSync(report))
  return child
}

void t.test('an empty directory, a missing one, and a file in its place', t => {
  const installation = install(t)
  const { directory } = installation
  const { code, stdout, stderr } = run(installation, ['status'])
  t.match({ code, stderr }, { code: 0, stderr: '' })
  t.match(stdout, 'monitor: never seen in this directory\n')
  t.match(stdout, 'map: never seen in this directory\n')
  t.match(stdout, 'pool default (failover): new visitors go to zope1\n')
  rmSync(directory, { recursive: true, maxRetries: 10 })
  t.match(
    statusOf(installation),
    `${directory} cannot be read (ENOENT); create it, or start the monitor, which does\n`,
  )
  writeFileSync(directory, '')
  t.match(statusOf(installation), `${directory} cannot be read (ENOTDIR)`)
  t.end()
})

void t.test('a directory that all users can write to is not used', t => {
  const installation = install(t)
  const { directory } = installation
  writeFileSync(`${directory}/zope1.maint`, '')
  chmodSync(directory, 0o755)
  t.match(statusOf(installation), 'new visitors go to zope2\n')
  chmodSync(directory, 0o777)
  const text = statusOf(installation)
  t.match(text, `${directory} must not be writable by all users (mode 777)`)
  t.match(text, `type: chmod o-w,-t ${directory}`)
  t.match(text, 'new visitors go to zope1\n')
  t.end()
})

void t.test(
  '--check exits with 1 when a pool has no backend, status itself does not',
  t => {
    const installation = install(t)
    t.match(run(installation, ['status', '--check']), { code: 0 })
    for (const name of ['zope1', 'zope2'])
      writeFileSync(`${installation.directory}/${name}.maint`, '')
    t.match(run(installation, ['status', '--check']), {
      code: 1,
      stdout: /pool default \(failover\): NO BACKEND can serve/,
    })
    t.match(run(installation, ['status', '--check', '--json']), { code: 1 })
    t.match(run(installation, ['status']), { code: 0 })
    t.end()
  },
)

void t.test('a dead monitor is named, and a living one', async t => {
  const installation = install(t)
  const { directory } = installation
  const monitor = start(t, installation, [main, 'monitor'])
  await until('monitor.json', () => existsSync(`${directory}/monitor.json`))
  t.match(statusOf(installation), `monitor: alive, pid ${monitor.pid}\n`)
  t.match(statusOf(installation), /^zope1 +127.0.0.1:1 +down /m)
  monitor.kill('SIGKILL')
  await once(monitor, 'exit')
  t.match(
    statusOf(installation),
    `monitor: DEAD, pid ${monitor.pid} is gone, last sign of life `,
  )
})

void t.test('a map is alive, silent while it is stopped, or dead', async t => {
  const installation = install(t)
  const map = await startMap(t, installation)
  t.match(statusOf(installation), `map: alive, pid ${map.pid}, 0 lookups`)
  map.kill('SIGSTOP')
  await until('a silent map', () =>
    statusOf(installation).includes(
      `pid ${map.pid} is running but writes no report`,
    ),
  )
  map.kill('SIGCONT')
  await until('a map that goes on', () =>
    statusOf(installation).includes(`map: alive, pid ${map.pid}`),
  )
  map.kill('SIGKILL')
  await once(map, 'exit')
  t.match(statusOf(installation), `map: DEAD, pid ${map.pid} is gone`)
})

void t.test('garbage in place of the reports does no harm', t => {
  const installation = install(t)
  for (const name of ['monitor.json', 'rewritemap-17.json'])
    for (const text of ['', '{}', '{"pid":1,"backends":{"zope1":null}}']) {
      writeFileSync(`${installation.directory}/${name}`, text)
      t.match(statusOf(installation), 'monitor: never seen', `${name} ${text}`)
    }
  t.end()
})

/** The way to every value, and its kind. */
function shapeOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value))
    return [...new Set(value.flatMap(item => shapeOf(item, `${path}[]`)))]
  if (typeof value !== 'object' || value === null)
    return [`${path}: ${value === null ? 'null' : typeof value}`]
  return Object.entries(value).flatMap(([key, item]) =>
    shapeOf(item, path === '' ? key : `${path}.${key}`),
  )
}

void t.test('the JSON is one line and keeps its form', async t => {
  const installation = install(t)
  const { directory } = installation
  writeFileSync(`${directory}/zope1.maint`, 'by: jim\nreason: \u001B[31m\n')
  writeFileSync(`${directory}/strange`, '')
  const monitor = start(t, installation, [main, 'monitor'])
  await startMap(t, installation)
  await until('monitor.json', () => existsSync(`${directory}/monitor.json`))
  const { stdout } = run(installation, ['status', '--json'])
  t.match(stdout, /^[^\n]+\n$/)
  // eslint-disable-next-line no-control-regex -- these are the ones meant
  t.notMatch(stdout, /[\u0000-\u0009\u000B-\u001F]/)
  t.strictSame(shapeOf(JSON.parse(stdout)), [
    'version: string',
    'time: string',
    'directory: string',
    'verdictsCount: boolean',
    'monitor.kind: string',
    'monitor.pid: number',
    'monitor.ageMs: number',
    'maps[].kind: string',
    'maps[].pid: number',
    'maps[].ageMs: number',
    'maps[].lookups: number',
    'maps[].malformed: number',
    'maps[].unanswered: number',
    'maps[].faults: number',
    'maps[].outOfStep: number',
    'maps[].started: string',
    'maps[].problems[]: string',
    'backends[].name: string',
    'backends[].address: string',
    'backends[].state: string',
    'backends[].since: string',
    'backends[].reason: string',
    'backends[].share: null',
    'backends[].probed: string',
    'backends[].admin[].kind: string',
    'backends[].admin[].reason: string',
    'backends[].admin[].by: string',
    'backends[].admin[].until: null',
    'backends[].probes: string',
    'pools[].name: string',
    'pools[].policy: string',
    'pools[].members[].name: string',
    'pools[].members[].tier: number',
    'pools[].members[].weight: number',
    'pools[].members[].standing: string',
    'problems[]: string',
  ])
  monitor.kill('SIGTERM')
  await once(monitor, 'exit')
})

void t.test('--watch shows a changed and a bad configuration', async t => {
  const installation = install(t)
  const watching = start(t, installation, [main, 'status', '--watch', '--json'])
  let said = ''
  watching.stdout.on('data', (data: Buffer) => (said += data.toString()))
  await until('a first look', () => said.includes('"zope2"'))
  writeFileSync(
    installation.file,
    `directory: ${installation.directory}\nbackends: { plone: http://h:1 }\n`,
  )
  await until('the new backend', () => said.includes('"plone"'))
  writeFileSync(installation.file, 'backends: 5\n')
  await until('the problem', () => said.includes('got 5'))
  said = ''
  await until('the old one still', () => said.includes('"plone"'))
  watching.kill('SIGINT')
  t.strictSame(await once(watching, 'exit'), [0, null])
})

/** The command on a terminal, ended by ^C. */
async function onTerminal(
  installation: Installation,
  args: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ text: string; code: number }> {
  const words = ['env', ...bare(installation.file, env), main, args]
  const child = spawn(
    'script',
    ['-qefc', `exec ${words.join(' ')}`, '/dev/null'],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  let text = ''
  child.stdout.on('data', (data: Buffer) => (text += data.toString()))
  const closed = once(child, 'close')
  if (args.includes('--watch')) {
    await until('a first look', () => text.includes('STANDING'))
    child.stdin.write('\u0003')
  }
  const [code] = await closed
  return { text, code }
}

void t.test(
  'on a terminal --watch ends on ^C with the cursor back',
  async t => {
    const { text, code } = await onTerminal(install(t), 'status --watch')
    t.equal(code, 0)
    t.ok(text.startsWith('\u001B[?25l'), 'hidden at the beginning')
    t.ok(text.endsWith('\u001B[?25h'), 'there at the end')
    t.match(text, '\u001B[33mmonitor: never seen')
  },
)

void t.test('color is for terminals that support it', async t => {
  const installation = install(t)
  const colored = await onTerminal(installation, 'status')
  t.match(colored.text, '\u001B[33mmonitor: never seen')
  for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
    const { text } = await onTerminal(installation, 'status', env)
    t.notMatch(text, '\u001B[3', JSON.stringify(env))
  }
  const unset = await onTerminal(installation, 'status', { NO_COLOR: '' })
  t.match(unset.text, '\u001B[33mmonitor: never seen')
  t.notMatch(statusOf(installation), '\u001B')
  t.strictSame(readdirSync(installation.directory), [])
})
