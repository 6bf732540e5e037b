import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { Publisher } from '../../../../monitor/directory/publisher.ts'

type Line = Readonly<Record<string, unknown>>

/** A publisher that may write, and what it logged. */
function stage(t: Test): {
  directory: string
  publisher: Publisher
  logged: () => unknown[]
} {
  const directory = `${t.testdir()}/sentinels`
  const lines: Line[] = []
  const log = pino(
    {},
    {
      write: text => {
        const line: Line = JSON.parse(text)
        lines.push(line)
      },
    },
  )
  const publisher = new Publisher(directory, log)
  publisher.allow(true)
  publisher.ensureDirectory()
  return {
    directory,
    publisher,
    logged: () => lines.splice(0).map(line => line['err'] ?? 'well'),
  }
}

function text(file: string): string {
  return readFileSync(file, 'utf8')
}

void t.test('a verdict is a file with the share', t => {
  const { directory, publisher } = stage(t)
  const file = `${directory}/a.up`
  t.equal(statSync(directory).mode & 0o777, 0o755)
  publisher.publish('a', 100, true)
  t.equal(text(file), '100\n')
  t.equal(statSync(file).mode & 0o777, 0o644)
  const { ino } = statSync(file)
  utimesSync(file, 1, 1)
  publisher.publish('a', 100, false)
  t.equal(statSync(file).mtimeMs, 1_000, 'a failure confirms nothing')
  publisher.publish('a', 100, true)
  t.ok(statSync(file).mtimeMs > 1_000, 'a pass does')
  t.equal(statSync(file).ino, ino, 'without writing it again')
  publisher.publish('a', 55, true)
  t.equal(text(file), '55\n')
  publisher.publish('a', null, false)
  t.same(readdirSync(directory), [])
  publisher.publish('a', null, false)
  t.end()
})

void t.test('changes by others are corrected', t => {
  const { directory, publisher, logged } = stage(t)
  const file = `${directory}/a.up`
  for (const [title, spoil] of [
    ['another content', () => writeFileSync(file, '7')],
    ['removed', () => rmSync(file)],
    [
      'a link',
      () => {
        rmSync(file)
        symlinkSync('/etc/passwd', file)
      },
    ],
  ] as const) {
    publisher.publish('a', 100, true)
    spoil()
    publisher.publish('a', 100, false)
    t.equal(lstatSync(file).isFile() && text(file), '100\n', title)
  }
  publisher.publish('b', null, false)
  writeFileSync(`${directory}/b.up`, '')
  publisher.publish('b', null, false)
  t.same(readdirSync(directory), ['a.up'], 'made by hand')
  t.same(logged(), [])
  rmSync(file)
  mkdirSync(file)
  publisher.publish('a', 100, true)
  publisher.publish('a', 100, true)
  t.same(logged(), ['EISDIR'], 'a directory with its name is logged once')
  rmSync(file, { recursive: true })
  publisher.publish('a', 100, true)
  t.same(logged(), ['well'])
  t.end()
})

void t.test('a directory that is lost or replaced is written again', t => {
  const { directory, publisher, logged } = stage(t)
  const restored = (title: string): void => {
    publisher.ensureDirectory()
    t.equal(publisher.retry(), true, title)
    t.same(readdirSync(directory), ['a.up'], title)
    t.same(logged(), ['well'], 'and logged')
  }
  publisher.publish('a', 100, true)
  publisher.publish('b', null, true)
  publisher.ensureDirectory()
  t.equal(publisher.retry(), false)
  rmSync(directory, { recursive: true })
  restored('removed')
  rmSync(directory, { recursive: true })
  mkdirSync(directory)
  writeFileSync(`${directory}/b.up`, '')
  restored('removed and made again')
  renameSync(directory, `${directory}-old`)
  restored('renamed')
  rmSync(directory, { recursive: true })
  publisher.publish('a', 100, true)
  t.same(logged(), [], 'a probe at that moment logs nothing')
  restored('found lost by a probe')
  t.end()
})

void t.test('without the lock nothing is written', t => {
  const { directory, publisher } = stage(t)
  publisher.allow(false)
  publisher.publish('a', 100, true)
  publisher.report('{}')
  t.equal(publisher.remove('x.suspect'), false)
  t.same(readdirSync(directory), [])
  publisher.allow(true)
  publisher.retry()
  t.same(readdirSync(directory), ['a.up'], 'but not forgotten')
  t.end()
})

void t.test('the report', t => {
  const { directory, publisher } = stage(t)
  publisher.report('{"a":1}\n')
  t.equal(text(`${directory}/monitor.json`), '{"a":1}\n')
  t.end()
})

void t.test('a removed backend leaves nothing behind', t => {
  const { directory, publisher } = stage(t)
  publisher.publish('a', 100, true)
  publisher.publish('b', 100, true)
  for (const kind of ['drain', 'maint', 'force', 'suspect'])
    writeFileSync(`${directory}/a.${kind}`, '')
  publisher.forget('a')
  t.same(readdirSync(directory), ['b.up'])
  t.end()
})

void t.test('a directory that keepalived tracks was recreated', t => {
  const directory = `${t.testdir()}/sentinels`
  const lines: Line[] = []
  const log = pino({}, { write: text => lines.push(JSON.parse(text)) })
  const start = (isTracked: boolean): Publisher => {
    const publisher = new Publisher(directory, log)
    publisher.isTracked = isTracked
    publisher.allow(true)
    publisher.ensureDirectory()
    return publisher
  }
  const hups = (): number =>
    lines.splice(0).filter(line => /a HUP/.test(String(line['remedy']))).length
  const publisher = start(true)
  t.equal(hups(), 1, 'a keepalived that runs has seen another one')
  publisher.ensureDirectory()
  t.equal(hups(), 0)
  rmSync(directory, { recursive: true })
  publisher.ensureDirectory()
  t.equal(hups(), 1)
  start(true)
  t.equal(hups(), 0, 'it was there')
  rmSync(directory, { recursive: true })
  start(false)
  t.equal(hups(), 0, 'no file is tracked there')
  t.end()
})
