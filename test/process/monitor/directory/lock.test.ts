import { spawnSync } from 'node:child_process'
import {
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import t from 'tap'
import {
  holdLock,
  lockFile,
  releaseLock,
} from '../../../../monitor/directory/lock.ts'
import { startProgram } from '../../../../lab/processes.ts'

void t.test('the lock is taken, kept and released', t => {
  const directory = t.testdir()
  const file = `${directory}/${lockFile}`
  t.same(holdLock(directory), { kind: 'held' })
  const content = readlinkSync(file)
  t.match(content, new RegExp(`^${process.pid} `))
  lutimesSync(file, 1, 1)
  t.same(holdLock(directory), { kind: 'held' }, 'a second time')
  t.ok(lstatSync(file).mtimeMs > 1_000_000, 'its time is the holder’s pulse')
  rmSync(file)
  t.same(holdLock(directory), { kind: 'held' }, 'after it was lost')
  releaseLock(directory)
  t.same(readdirSync(directory), [])
  releaseLock(directory)
  rmSync(directory, { recursive: true })
  releaseLock(directory)
  t.match(holdLock(directory), { kind: 'blocked', error: { code: 'ENOENT' } })
  t.end()
})

void t.test('a living holder is not disturbed', async t => {
  const directory = t.testdir()
  const file = `${directory}/${lockFile}`
  t.same(holdLock(directory), { kind: 'held' })
  const mine = readlinkSync(file)
  rmSync(file)
  const other = startProgram(t, 'sleep', ['1000'])
  const [, , namespace] = mine.split(' ')
  const theirs = `${other.pid} - ${namespace}`
  symlinkSync(theirs, file)
  t.same(holdLock(directory), { kind: 'taken', pid: other.pid })
  releaseLock(directory)
  t.equal(readlinkSync(file), theirs, 'nor is his lock taken away')
  await other.kill('SIGKILL')
  t.same(holdLock(directory), { kind: 'held' }, 'when he is dead, it is ours')
  t.equal(readlinkSync(file), mine)
  t.same(readdirSync(directory), [lockFile], 'nothing is left aside')
})

void t.test('a dead holder is no obstacle', t => {
  const namespace = readlinkSync('/proc/self/ns/pid')
  const gone = spawnSync('true').pid
  for (const [title, content] of [
    ['a pid that is gone', `${gone} 1 ${namespace}`],
    ['a pid that is another process by now', `${process.ppid} 1 ${namespace}`],
    ['our own pid, of another boot', `${process.pid} 1 ${namespace}`],
    ['rubbish', 'rubbish'],
  ] as const) {
    const directory = t.testdir()
    symlinkSync(content, `${directory}/${lockFile}`)
    t.same(holdLock(directory), { kind: 'held' }, title)
    releaseLock(directory)
    t.same(readdirSync(directory), [], title)
  }
  const directory = t.testdir()
  writeFileSync(`${directory}/${lockFile}`, '1')
  t.same(holdLock(directory), { kind: 'held' }, 'a file put there by hand')
  t.end()
})

void t.test('a holder in another container is trusted while fresh', t => {
  const directory = t.testdir()
  const file = `${directory}/${lockFile}`
  symlinkSync('1 1 pid:[1]', file)
  t.same(holdLock(directory), { kind: 'taken', pid: 1 })
  lutimesSync(file, 1, 1)
  t.same(holdLock(directory), { kind: 'held' })
  t.end()
})

void t.test('a directory with the name of the lock is logged', t => {
  const directory = t.testdir()
  mkdirSync(`${directory}/${lockFile}`)
  t.match(holdLock(directory), { kind: 'blocked' })
  t.end()
})
