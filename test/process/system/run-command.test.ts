import t from 'tap'
import { runCommand, shell } from '../../../system/run-command.ts'
import {
  hangMs,
  hasEnded,
  publicDirectory,
  textOf,
  until,
  written,
} from '../../../lab/processes.ts'

void t.test('how it ended, and what it printed', async t => {
  const end = await runCommand(
    shell('echo $A; echo b >&2; exit 3'),
    { A: 'a' },
    hangMs,
  )
  t.match(end, { how: 'exited', code: 3, output: /^a\nb$|^b\na$/ })
  t.match(await runCommand(shell('true'), {}, hangMs), { code: 0, output: '' })
  t.match(await runCommand(shell('kill -KILL $$'), {}, hangMs), {
    how: 'signal',
    code: 'SIGKILL',
  })
  t.match(
    await runCommand(['/bin/echo', '$A', 'a  b'], { A: 'a' }, hangMs),
    { output: '$A a  b' },
    'without a shell',
  )
})

void t.test('its input, read or not', async t => {
  const text = 'x'.repeat(1_000_000)
  t.match(await runCommand(shell('wc -c'), {}, hangMs, undefined, text), {
    code: 0,
    output: '1000000',
  })
  for (const line of ['exit 0', 'exec <&-; sleep 0.1'])
    t.match(await runCommand(shell(line), {}, hangMs, undefined, text), {
      code: 0,
    })
  t.match(await runCommand(['/none'], {}, hangMs, undefined, text), {
    how: 'not-begun',
  })
})

void t.test('it does not begin', async t => {
  for (const [program, code] of [
    ['/does/not/exist', 'ENOENT'],
    ['/etc/passwd/x', 'ENOTDIR'],
    ['/etc', 'EACCES'],
  ] as const)
    t.match(await runCommand([program], {}, hangMs), { how: 'not-begun', code })
})

void t.test('a signal ends it, with its children', async t => {
  const file = `${publicDirectory(t)}/pid`
  const controller = new AbortController()
  const { signal } = controller
  const ending = runCommand(
    shell(`sleep 600 & echo $! >${file}; wait`),
    {},
    hangMs,
    signal,
  )
  const pid = await written(file)
  controller.abort()
  t.match(await ending, { how: 'signal', code: 'SIGKILL' })
  await until('the child to be gone', () => hasEnded(pid))
  const late = await runCommand(shell('sleep 600'), {}, hangMs, signal)
  t.match(late, { how: 'signal' }, 'one that came before it, too')
})

void t.test('its children end with it', async t => {
  const file = `${publicDirectory(t)}/pid`
  // again when the shell did not get as far within the limit
  const pid = await until('a child', async () => {
    const end = await runCommand(
      shell(`sleep 600 & echo $! >${file}; wait`),
      {},
      300,
    )
    t.match(end, { how: 'limit', code: 'SIGKILL' })
    return textOf(file)?.trim() || undefined
  })
  await until('the child to be gone', () => hasEnded(pid))
})

void t.test('it prints without end, and is not waited for', async t => {
  const end = await runCommand(shell('yes & sleep 0.2; kill $!'), {}, hangMs)
  t.equal(end.output.length <= 4_096, true)
})

void t.test('nothing of what it printed is lost', async t => {
  const text = 'x'.repeat(4_000)
  let lost = 0
  for (let round = 0; round < 40; round++) {
    const ends = await Promise.all(
      Array.from({ length: 8 }, () =>
        runCommand(['/bin/echo', text], {}, hangMs),
      ),
    )
    lost += ends.filter(({ output }) => output !== text).length
  }
  t.equal(lost, 0)
})
