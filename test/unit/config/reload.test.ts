import { renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { parseConfig } from '../../../config/parse.ts'
import { ConfigReload } from '../../../config/reload.ts'

function textOf(port: number, directory = '/run/x'): string {
  return `directory: ${directory}\nbackends: { zope1: http://h:${port} }\n`
}

/** A running program's reload, and its file; every write has settled. */
function running(t: Test) {
  const file = `${t.testdir()}/zope-failover.yaml`
  const text = textOf(1)
  const write = (text: string, to = file): void => {
    writeFileSync(to, text)
    utimesSync(to, 1_000, 1_000)
  }
  write(text)
  const reload = new ConfigReload(file, text, parseConfig(text, file))
  const port = (): number | undefined => {
    const change = reload.check()
    return change?.kind === 'changed'
      ? change.config.backends[0]?.port
      : undefined
  }
  const problems = (): readonly string[] | undefined => {
    const change = reload.check()
    return change?.kind === 'refused'
      ? change.problems.map(problem => problem.replaceAll(file, 'f'))
      : undefined
  }
  return { file, write, reload, port, problems }
}

void t.test('an unchanged file is not reported', t => {
  const { file, reload, write } = running(t)
  t.equal(reload.check(), undefined)
  write(textOf(1))
  t.equal(reload.check(), undefined, 'written again')
  utimesSync(file, 2_000, 2_000)
  t.equal(reload.check(), undefined, 'touched')
  t.end()
})

void t.test('a change is loaded once, however it was made', t => {
  const { file, write, reload, port } = running(t)
  write(textOf(2))
  t.equal(port(), 2, 'written in place')
  t.equal(reload.check(), undefined)
  write(textOf(3), `${file}.new`)
  renameSync(`${file}.new`, file)
  t.equal(port(), 3, 'renamed over')
  rmSync(file)
  write(textOf(4))
  t.equal(port(), 4, 'deleted and recreated')
  t.equal(reload.check(), undefined)
  t.end()
})

void t.test('the text comes with the configuration', t => {
  const { write, reload } = running(t)
  write(textOf(2))
  t.match(reload.check(), { kind: 'changed', text: textOf(2) })
  t.end()
})

void t.test('a bad file is rejected once, and loaded when it is fixed', t => {
  const { write, reload, port, problems } = running(t)
  write('backends: {}\n')
  t.strictSame(problems(), [
    'f:1: backends must be a mapping with at least one backend, got {}',
  ])
  t.equal(reload.check(), undefined)
  write('backends: []\n')
  t.strictSame(problems(), [
    'f:1: backends must be a mapping with at least one backend, got []',
  ])
  write(textOf(2))
  t.equal(port(), 2)
  write('backends: []\n')
  t.ok(problems(), 'the same fault a second time is reported again')
  write(textOf(2))
  t.equal(port(), 2, 'back to what runs')
  t.end()
})

void t.test('a file that is missing or not text is reported once', t => {
  const { file, write, reload, port, problems } = running(t)
  rmSync(file)
  t.strictSame(problems(), [
    'f: the configuration must be a readable file, got ENOENT; create it (two lines are enough, see README) or name another with --config',
  ])
  t.equal(reload.check(), undefined)
  writeFileSync(
    file,
    Buffer.from('backends:\n  zope1: http://h\xFC:1\n', 'latin1'),
  )
  t.strictSame(problems(), [
    'f:2: the configuration must be UTF-8, got other bytes; save it as UTF-8',
  ])
  t.equal(reload.check(), undefined)
  write(textOf(2))
  t.equal(port(), 2)
  t.end()
})

void t.test('another directory needs a restart', t => {
  const { write, reload, port, problems } = running(t)
  write(textOf(2, '/run/y'))
  t.strictSame(problems(), [
    'f: directory must stay /run/x while the program runs, got /run/y; restart the monitor, and httpd for the map program',
  ])
  t.equal(reload.check(), undefined)
  write(textOf(2))
  t.equal(port(), 2)
  t.end()
})

void t.test('a file that may still be written is left until it settles', t => {
  const { file, reload } = running(t)
  const seconds = 5_000
  writeFileSync(file, '')
  utimesSync(file, seconds, seconds)
  t.equal(reload.check(seconds * 1_000 + 10), undefined, 'emptied just now')
  writeFileSync(file, textOf(2))
  utimesSync(file, seconds, seconds)
  t.equal(reload.check(seconds * 1_000 + 20), undefined)
  t.match(reload.check(seconds * 1_000 + 1_000), { kind: 'changed' })
  writeFileSync(file, textOf(3))
  utimesSync(file, seconds, seconds)
  t.match(
    reload.check(seconds * 1_000 - 1_000),
    { kind: 'changed' },
    'a file from the future does not wait for it',
  )
  t.end()
})
