import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import fs, { renameSync, rmSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import t from 'tap'
import { watchConfig } from '../../../config/watch.ts'
import { until } from '../../../lab/processes.ts'

void t.test('every way to change a file', async t => {
  const file = `${t.testdir({ 'f.yaml': '0' })}/f.yaml`
  let changes = 0
  const limits: string[] = []
  const watcher = watchConfig(
    file,
    () => changes++,
    code => limits.push(code),
  )
  t.teardown(() => watcher.close())
  await once(watcher, 'ready')
  let text = '0'
  const write = (to: string): void => writeFileSync(to, (text += '.'))
  for (const [what, change] of [
    ['written in place', () => write(file)],
    [
      'renamed over',
      () => {
        write(`${file}.new`)
        renameSync(`${file}.new`, file)
      },
    ],
    ['written again', () => write(file)],
    ['removed', () => rmSync(file)],
    ['created', () => write(file)],
    ['written after that', () => write(file)],
    [
      'a pipe in its place',
      () => {
        rmSync(file)
        execFileSync('mkfifo', [file])
      },
    ],
  ] as const) {
    const before = changes
    change()
    await until(what, () => changes > before)
    t.pass(what)
  }
  t.strictSame(limits, [])
})

/** A stand-in: the real limits are those of the whole machine. */
function failWatching(code: string): void {
  fs.watch = () => {
    throw Object.assign(new Error(code), { code })
  }
  syncBuiltinESMExports()
}

void t.test('a limit of the system is reported once', async t => {
  const directory = t.testdir({ 'f.yaml': '' })
  const { watch } = fs
  t.teardown(() => {
    fs.watch = watch
    syncBuiltinESMExports()
  })
  for (const [code, reported] of [
    ['ENOSPC', ['ENOSPC']],
    ['EMFILE', ['EMFILE']],
    // reading the file reports it
    ['EACCES', []],
  ] as const) {
    failWatching(code)
    const limits: string[] = []
    const watcher = watchConfig(
      `${directory}/f.yaml`,
      () => {},
      limit => limits.push(limit),
    )
    t.teardown(() => watcher.close())
    await once(watcher, 'error')
    // a second error, as for a file that was replaced
    watcher.emit('error', Object.assign(new Error(code), { code }))
    t.strictSame(limits, reported, code)
  }
})
