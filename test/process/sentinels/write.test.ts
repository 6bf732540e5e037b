import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import t from 'tap'
import { removeFile, touchFile, writeAside } from '../../../sentinels/write.ts'
import { publicDirectory } from '../../../lab/processes.ts'

void t.test('a file is world-readable, whatever the umask', t => {
  const directory = t.testdir()
  const umask = process.umask(0o077)
  t.teardown(() => process.umask(umask))
  writeAside(directory, 'zope1.up', '100\n')
  t.equal(statSync(`${directory}/zope1.up`).mode & 0o777, 0o644)
  t.equal(readFileSync(`${directory}/zope1.up`, 'utf8'), '100\n')
  t.strictSame(readdirSync(directory), ['zope1.up'])
  t.end()
})

void t.test('a link is replaced, what it points to stays as it is', t => {
  const directory = t.testdir({ secret: 'untouched' })
  symlinkSync('secret', `${directory}/zope1.up`)
  symlinkSync('secret', `${directory}/.zope1.up.${process.pid}.tmp`)
  writeAside(directory, 'zope1.up', '100\n')
  t.ok(lstatSync(`${directory}/zope1.up`).isFile())
  t.equal(readFileSync(`${directory}/secret`, 'utf8'), 'untouched')
  t.equal(removeFile(directory, 'zope1.up'), true)
  t.end()
})

void t.test('a failed write leaves no file behind', t => {
  const directory = t.testdir({ 'zope1.up': { 'in the place': '' } })
  t.throws(() => writeAside(directory, 'zope1.up', '100\n'), { code: 'EISDIR' })
  t.strictSame(readdirSync(directory), ['zope1.up'])
  t.throws(() => writeAside(`${directory}/missing`, 'zope1.up', ''), {
    code: 'ENOENT',
  })
  t.end()
})

void t.test(
  'a full file system keeps the old file, and nothing aside',
  { skip: process.getuid?.() === 0 ? false : 'only root may mount one' },
  t => {
    const directory = publicDirectory(t)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', directory])
    t.teardown(() => execFileSync('umount', [directory]))
    writeAside(directory, 'monitor.json', 'old')
    t.throws(() => writeAside(directory, 'monitor.json', 'x'.repeat(200_000)), {
      code: 'ENOSPC',
    })
    t.strictSame(readdirSync(directory), ['monitor.json'])
    t.equal(readFileSync(`${directory}/monitor.json`, 'utf8'), 'old')
    t.end()
  },
)

void t.test('no reader ever sees half of a file', async t => {
  const directory = publicDirectory(t)
  const file = `${directory}/monitor.json`
  writeAside(directory, 'monitor.json', textOf('a'))
  const reader = spawn(process.execPath, [
    '-e',
    `const fs = require('node:fs')
     let reads = 0, halves = 0
     process.stdout.write('reading\\n')
     while (!fs.existsSync(${JSON.stringify(`${directory}/stop`)})) {
       const text = fs.readFileSync(${JSON.stringify(file)}, 'utf8')
       reads++
       if (text.length !== 300000 || text !== text[0].repeat(300000)) halves++
     }
     process.stdout.write(JSON.stringify({ enough: reads > 1, halves }))`,
  ])
  t.teardown(() => reader.kill('SIGKILL'))
  let said = ''
  reader.stdout.on('data', (data: Buffer) => (said += data.toString()))
  await once(reader.stdout, 'data')
  for (let round = 0; round < 300; round++)
    writeAside(directory, 'monitor.json', textOf('ab'[round % 2] ?? ''))
  writeFileSync(`${directory}/stop`, '')
  await once(reader, 'close')
  t.equal(said, 'reading\n{"enough":true,"halves":0}')
})

void t.test('a file is taken away, or was not there', t => {
  const directory = t.testdir({ 'zope1.drain': '' })
  t.equal(removeFile(directory, 'zope1.drain'), true)
  t.equal(removeFile(directory, 'zope1.drain'), false)
  mkdirSync(`${directory}/zope1.maint`)
  t.throws(() => removeFile(directory, 'zope1.maint'), {
    code: /EISDIR|EPERM/,
  })
  t.end()
})

void t.test('a touched file keeps its content and changes its time', t => {
  const directory = t.testdir({ 'zope1.up': '50\n' })
  chmodSync(directory, 0o755)
  touchFile(directory, 'zope1.up', 1_000_250)
  t.equal(statSync(`${directory}/zope1.up`).mtimeMs, 1_000_250)
  t.equal(readFileSync(`${directory}/zope1.up`, 'utf8'), '50\n')
  t.throws(() => touchFile(directory, 'zope2.up', 0), { code: 'ENOENT' })
  t.notOk(existsSync(`${directory}/zope2.up`))
  t.end()
})

function textOf(letter: string): string {
  return letter.repeat(300_000)
}
