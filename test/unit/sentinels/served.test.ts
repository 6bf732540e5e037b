import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { readSentinels } from '../../../sentinels/read.ts'
import { servedMs } from '../../../sentinels/served.ts'

void t.test('the time of the file is the time of the answer', t => {
  const directory = t.testdir()
  t.equal(servedMs(directory, 'zope1'), undefined)
  writeFileSync(`${directory}/zope1.served`, '')
  utimesSync(`${directory}/zope1.served`, 1_795_362_578, 1_795_362_578.25)
  t.equal(servedMs(directory, 'zope1'), 1_795_362_578_250)
  symlinkSync(`${directory}/zope1.served`, `${directory}/zope2.served`)
  t.equal(servedMs(directory, 'zope2'), undefined, 'a link is nothing')
  mkdirSync(`${directory}/zope3.served`)
  t.equal(servedMs(directory, 'zope3'), undefined, 'nor is a directory')
  t.end()
})

void t.test(
  'it is not a verdict, and a problem only for an unknown backend',
  t => {
    const directory = t.testdir({ 'zope1.served': '', 'zope9.served': '' })
    const snapshot = readSentinels(directory, new Set(['zope1']))
    t.equal(snapshot.backends.size, 0)
    t.strictSame(
      snapshot.problems.map(({ text }) => text),
      [
        'zope9.served does not name a backend of the configuration and is ignored',
      ],
    )
    t.end()
  },
)
