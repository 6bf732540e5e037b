import {
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { pino } from 'pino'
import t from 'tap'
import { Publisher } from '../../../../monitor/directory/publisher.ts'
import { announcements, Scan } from '../../../../monitor/directory/scan.ts'

function suspected(path: string, known: readonly string[]) {
  return announcements(path, known).suspected
}

void t.test('suspected backends', t => {
  const directory = t.testdir({
    'a.suspect': '',
    'b.up': '',
    'c.suspect.tmp': '',
    '.d.suspect': '',
    'e1-f.suspect': 'anything',
    'Bad.suspect': '',
  })
  const known = ['a', 'b', 'c', 'd', 'e1-f']
  t.same(suspected(directory, known), ['a', 'e1-f'])
  t.same(suspected(`${directory}/gone`, known), [])
  const many = Array.from({ length: 100 }, (_, at) => `z${at}`)
  t.same(suspected(directory, [...many, ...known]), ['a', 'e1-f'])
  t.same(suspected(`${directory}/gone`, many), [])
  t.end()
})

void t.test('the marks of administrators’ files', t => {
  const directory = t.testdir({ 'a.suspect': '', 'a.up': '', 'x.drain': '' })
  const seen = new Set<string>()
  const isNew = (): boolean => {
    const { size } = seen
    return seen.add(announcements(directory, ['a', 'b']).marks).size > size
  }
  t.ok(isNew())
  writeFileSync(`${directory}/a.up`, '50')
  t.notOk(isNew(), 'a file of the monitor')
  for (const kind of ['drain', 'maint', 'force']) {
    writeFileSync(`${directory}/b.${kind}`, '')
    t.ok(isNew(), `${kind} appears`)
  }
  writeFileSync(`${directory}/new.tmp`, '')
  renameSync(`${directory}/new.tmp`, `${directory}/b.drain`)
  t.ok(isNew(), 'replaced by one of the same size')
  rmSync(`${directory}/b.maint`)
  t.ok(isNew(), 'removed')
  t.notOk(isNew())
  t.end()
})

void t.test('expired files are removed, unexpected ones logged once', t => {
  const directory = t.testdir({
    'a.drain': 'reason: update\nby: me\nuntil: 2020-01-01T00:00:00Z\n',
    'a.maint': 'until: 2999-01-01T00:00:00Z\n',
    'a.force': '',
    'b.drain': 'until: tomorrow\n',
    'c.up': '',
    'zope.txt': '',
    '.hidden': '',
  })
  mkdirSync(`${directory}/b.maint`)
  const lines: Readonly<Record<string, unknown>>[] = []
  const log = pino(
    {},
    {
      write: text => {
        const line: Readonly<Record<string, unknown>> = JSON.parse(text)
        lines.push(line)
      },
    },
  )
  const publisher = new Publisher(directory, log)
  publisher.allow(true)
  const scan = new Scan(directory, publisher, log)
  const known = new Set(['a', 'b'])
  scan.run(known)
  t.notOk(readdirSync(directory).includes('a.drain'))
  t.equal(readdirSync(directory).length, 7)
  const problems = lines.flatMap(line =>
    typeof line['problem'] === 'string' ? [line['problem']] : [],
  )
  t.match(
    problems.sort((a, b) => (a < b ? -1 : 1)),
    [
      /^b\.drain until must be a time/,
      /^b\.maint is not a regular file/,
      /^c\.up does not name a backend/,
      /^zope\.txt has no meaning here/,
    ],
  )
  t.match(
    lines.find(line => line['file'] !== undefined),
    {
      backend: 'a',
      file: 'a.drain',
      until: '2020-01-01T00:00:00.000Z',
      reason: 'update',
      by: 'me',
    },
  )
  lines.length = 0
  writeFileSync(`${directory}/zope2.txt`, '')
  scan.run(known)
  t.match(lines, [{ problem: /^zope2\.txt/ }])
  t.end()
})

void t.test('foreign files: few log lines, and no file is opened', t => {
  const directory = t.testdir({ 'a.suspect': '', 'a.maint': '' })
  for (let file = 0; file < 3_000; file++)
    writeFileSync(`${directory}/foreign-${file}.up`, '')
  const lines: string[] = []
  const log = pino({}, { write: (text: string) => void lines.push(text) })
  const publisher = new Publisher(directory, log)
  publisher.allow(true)
  const scan = new Scan(directory, publisher, log)
  const known = new Set(['a'])
  t.ok(scan.run(known).backends.get('a')?.maint)
  scan.run(known)
  t.equal(lines.length, 1)
  t.match(lines, [/holds more than 1000 foreign files/])
  for (let file = 0; file < 2_500; file++)
    rmSync(`${directory}/foreign-${file}.up`)
  for (let round = 0; round < 3; round++) {
    scan.run(known)
    // new names each time
    for (let file = 2_500; file < 3_000; file++)
      renameSync(
        `${directory}/foreign-${file}.up${'x'.repeat(round)}`,
        `${directory}/foreign-${file}.up${'x'.repeat(round + 1)}`,
      )
  }
  t.equal(lines.length, 21)
  t.match(lines.at(-1), /more problems, not logged for a minute/)
  t.end()
})
