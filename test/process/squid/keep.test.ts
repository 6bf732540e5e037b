// keep.sh without a Squid: what it answers between two starts of the helper.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t, { type Test } from 'tap'
import {
  beatMonitor,
  MapProgram,
  putUp,
  writeConfig,
} from '../../../lab/map.ts'
import { dist, publicDirectory, textOf, until } from '../../../lab/processes.ts'

function keep(
  t: Test,
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
): MapProgram {
  return new MapProgram(
    t,
    spawn(resolve(dist, 'squid/keep.sh'), words, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    }),
  )
}

function helper(t: Test, env?: NodeJS.ProcessEnv): MapProgram {
  const directory = publicDirectory(t)
  const file = writeConfig(`${directory}/c.yaml`, directory, 'zope1 zope2')
  putUp(directory, 'zope1', 'zope2')
  beatMonitor(directory, ['zope1', 'zope2'])
  return keep(
    t,
    [process.execPath, resolve(dist, 'squid/main.js'), '--config', file],
    env,
  )
}

function childOf(pid: number): number | undefined {
  const [child] = (textOf(`/proc/${pid}/task/${pid}/children`) ?? '').split(' ')
  return child === undefined || child === '' ? undefined : Number(child)
}

const steered = /^\d+ OK backend_=zope1 next_=zope2 bind_=1$/

void t.test('a killed helper: one ERR, then the next one answers', async t => {
  const shell = helper(t)
  t.match(await shell.ask('1 http://h/ default'), steered)
  for (let round = 0; round < 3; round++) {
    const child = await until('the helper', () => childOf(shell.pid))
    process.kill(child, 'SIGKILL')
    await until('it is gone', () => childOf(shell.pid) !== child)
    t.equal(await shell.ask('2 http://h/ default'), '2 ERR')
    t.match(await shell.ask('3 http://h/ default'), steered)
  }
  t.match(shell.stderr, 'squid-helper ended with 137, it is started again')
  t.strictSame(await shell.end(), { code: 0, signal: null })
  t.equal(shell.rest, '', 'nothing that was not asked for')
})

void t.test('what waits in the socket is not lost', async t => {
  const shell = helper(t)
  await shell.ask('1 http://h/ default')
  const child = await until('the helper', () => childOf(shell.pid))
  process.kill(child, 'SIGKILL')
  await until('it is gone', () => childOf(shell.pid) !== child)
  const ids = Array.from({ length: 500 }, (_, index) => index + 10)
  shell.stdin.write(ids.map(id => `${id} http://h/ default\n`).join(''))
  const answers = []
  for (const id of ids) {
    const answer = await shell.line()
    answers.push(answer.startsWith(`${id} `))
  }
  t.notOk(answers.includes(false), 'each has its answer, in order')
  t.equal(shell.rest, '')
})

void t.test('a program that cannot start: ERR to everything', async t => {
  const shell = keep(t, ['/nowhere/node', 'x'])
  for (let id = 0; id < 100; id++)
    t.equal(await shell.ask(`${id} http://h/ default`), `${id} ERR`)
  for (const line of ['http://h/ default', '', 'ÿ"\\n 1', '1a b'])
    t.equal(await shell.ask(line), 'ERR', line)
  t.equal(await shell.ask('7'), '7 ERR')
  t.equal(
    shell.stderr.split('squid-helper ended with 127').length - 1,
    7,
    'started again after 1, 2, 4 … 64 answers',
  )
  t.strictSame(await shell.end(), { code: 0, signal: null })
})

// A stand-in: the real helper leaves its socket as it is.
void t.test('a helper that leaves its socket non-blocking', async t => {
  const file = `${publicDirectory(t)}/helper.cjs`
  writeFileSync(
    file,
    // to open it is enough; the last word must be out before the end
    "process.stdin\nrequire('node:fs').writeSync(2, 'opened\\n')\nprocess.kill(process.pid, 'SIGKILL')\n",
  )
  const shell = keep(t, [process.execPath, file])
  // idle: nothing is there to read when the first one has ended
  await until('the first one has ended', () =>
    shell.stderr.includes('ended with 137'),
  )
  for (let id = 1; id <= 10; id++)
    t.equal(await shell.ask(`${id} http://h/ default`), `${id} ERR`)
  // questions in pieces, an empty one, several at once
  shell.stdin.write('11 htt')
  await until('the next one has ended', () => ends(shell) > 10)
  shell.stdin.write('p://h/ default\n\n12 http://h/ default\n13')
  for (const answer of ['11 ERR', 'ERR', '12 ERR'])
    t.equal(await shell.line(), answer)
  shell.stdin.write('\n')
  t.equal(await shell.line(), '13 ERR')
  t.strictSame(await shell.end(), { code: 0, signal: null })
  t.equal(shell.rest, '')
})

function ends({ stderr }: MapProgram): number {
  return stderr.split('ended with 137').length - 1
}

void t.test('modules of NODE_OPTIONS stay out of the helper', async t => {
  const file = `${publicDirectory(t)}/prints.cjs`
  writeFileSync(file, "console.log('unasked')\n")
  const shell = helper(t, { NODE_OPTIONS: `--require=${file}` })
  t.match(await shell.ask('1 http://h/ default'), steered)
  t.strictSame(await shell.end(), { code: 0, signal: null })
  t.equal(shell.rest, '')
})

void t.test('signals do not end it', async t => {
  const shell = helper(t)
  await shell.ask('1 http://h/ default')
  for (const signal of [
    'SIGTERM',
    'SIGHUP',
    'SIGINT',
    'SIGUSR1',
    'SIGUSR2',
  ] as const) {
    shell.child.kill(signal)
    t.match(await shell.ask('2 http://h/ default'), steered, signal)
  }
  t.strictSame(await shell.end(), { code: 0, signal: null })
})
