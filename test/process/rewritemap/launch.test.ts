import {
  closeSync,
  existsSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs'
import t, { type Test } from 'tap'
import {
  launcher,
  mapMain,
  MapProgram,
  namedPipe,
  putUp,
  spawnBare,
  writeConfig,
} from '../../../lab/map.ts'
import { hasEnded, publicDirectory, until } from '../../../lab/processes.ts'

/** The launcher as httpd starts it, and the Node behind it. */
async function launch(t: Test, shell: readonly string[] = []) {
  const directory = publicDirectory(t)
  putUp(directory, 'a')
  const config = writeConfig(`${directory}/.config.yaml`, directory, 'a b')
  const command = [
    ...shell,
    launcher,
    process.execPath,
    mapMain,
    '--config',
    config,
  ]
  // a separate pipe: Node closes the one of a child that has exited
  const { input, writer } = namedPipe(t)
  const map = new MapProgram(
    t,
    spawnBare(command, { stdio: [input, 'pipe', 'pipe'], detached: true }),
    writer,
  )
  closeSync(input)
  t.equal(await map.lookup('default'), 'a')
  const [node] = childrenOf(map.pid)
  if (node === undefined) throw new Error('no Node behind the shell')
  t.teardown(() => kill(node, 'SIGKILL'))
  return { directory, map, node }
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter(Boolean)
    .map(Number)
}

function kill(pid: number, signal: NodeJS.Signals) {
  try {
    process.kill(pid, signal)
  } catch {
    // gone already
  }
}

async function gone(pid: number) {
  await until(`process ${pid} to be gone`, () => hasEnded(String(pid)))
}

for (const [name, shell] of [
  ['sh', []],
  ['dash', ['/bin/dash']],
  ['bash', ['/bin/bash']],
] as const) {
  const [program] = shell
  const skip =
    program !== undefined && !existsSync(program) ? `no ${program} here` : false
  void t.test(
    `TERM ends the shell (${name}) at once, lookups go on, EOF ends Node`,
    { skip },
    async t => {
      const { directory, map, node } = await launch(t, shell)
      map.child.kill('SIGTERM')
      const signal = await new Promise(ended =>
        map.child.once('exit', (_, by) => ended(by)),
      )
      t.equal(signal, 'SIGTERM')
      for (let time = 0; time < 100; time++)
        t.equal(await map.lookup('default'), 'a')
      writeFileSync(`${directory}/a.maint`, '')
      await map.becomes('default', 'b')
      map.stdin.end()
      await map.exit()
      await gone(node)
      t.equal(map.rest, '')
      t.strictSame(
        readdirSync(directory).filter(name => name.startsWith('rewritemap-')),
        [],
      )
    },
  )
}

void t.test('signals to the whole group: Node keeps answering', async t => {
  const { map, node } = await launch(t)
  for (const signal of [
    'SIGHUP',
    'SIGTERM',
    'SIGINT',
    'SIGUSR1',
    'SIGUSR2',
  ] as const)
    for (let time = 0; time < 1_000; time++) kill(-map.pid, signal)
  t.equal(await map.lookup('default'), 'a')
  t.notMatch(map.stderr, /[Dd]ebugger/)
  map.stdin.end()
  await map.exit()
  await gone(node)
})

void t.test('the shell holds no end of the pipes', async t => {
  const { map, node } = await launch(t)
  t.strictSame(
    readdirSync(`/proc/${map.pid}/fd`).filter(
      fd => fd === '0' || fd === '1' || fd === '3',
    ),
    [],
  )
  await t.test(
    'the reader sees the end when Node dies, and the shell ends',
    async () => {
      kill(node, 'SIGKILL')
      await map.exit()
      await gone(map.pid)
    },
  )
})

void t.test(
  'the end of input ends Node and the shell, and nothing is left',
  async t => {
    const { map, node } = await launch(t)
    t.strictSame(await map.end(), { code: 0, signal: null })
    await gone(node)
    t.throws(
      () => process.kill(-map.pid, 0),
      /ESRCH/,
      'no process of its group',
    )
  },
)

void t.test('a bad configuration: the reader sees the end at once', async t => {
  const map = new MapProgram(
    t,
    spawnBare([launcher, process.execPath, mapMain, '--config', '/nowhere'], {
      stdio: 'pipe',
    }),
  )
  await map.exit()
  t.equal(map.rest, '')
  t.match(map.stderr, /\/nowhere: the configuration must be a readable file/)
})
