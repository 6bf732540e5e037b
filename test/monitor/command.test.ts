import { readFileSync } from 'node:fs'
import t from 'tap'
import { runCommand } from '../../monitor/command.ts'
import { hangMs, publicDirectory, until } from '../fixtures/processes.ts'

void t.test('how it ended, and what it printed', async t => {
  t.match(await runCommand('echo $A; echo b >&2; exit 3', { A: 'a' }, hangMs), {
    code: 3,
    output: /^a\nb$|^b\na$/,
  })
  t.match(await runCommand('true', {}, hangMs), { code: 0, output: '' })
  t.match(await runCommand('kill -TERM $$', {}, hangMs), { code: 'SIGTERM' })
})

void t.test('its children end with it', async t => {
  const file = `${publicDirectory(t)}/pid`
  const end = await runCommand(`sleep 600 & echo $! >${file}; wait`, {}, 300)
  t.equal(end.code, 'SIGKILL')
  const pid = readFileSync(file, 'utf8').trim()
  await until('the child to be gone', () => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
    } catch {
      // no such process any more
      return true
    }
  })
})

void t.test('it prints without end, and is not waited for', async t => {
  const end = await runCommand('yes & sleep 0.2; kill $!', {}, hangMs)
  t.equal(end.output.length <= 4_096, true)
})
