import t from 'tap'
import {
  readerReportFile,
  meaningOf,
  sentinelFile,
  sentinelKinds,
  servedFile,
  textMapFile,
} from '../../../sentinels/names.ts'

void t.test('every sentinel is named for its backend', t => {
  for (const kind of sentinelKinds)
    t.strictSame(meaningOf(sentinelFile('zope-1', kind)), {
      kind: 'sentinel',
      backend: 'zope-1',
      sentinel: kind,
    })
  t.end()
})

void t.test('the reports of the programs', t => {
  t.strictSame(meaningOf('monitor.json'), { kind: 'monitor-report' })
  t.strictSame(meaningOf(readerReportFile('squid-helper', 4711)), {
    kind: 'reader-report',
    program: 'squid-helper',
    pid: 4711,
  })
  t.strictSame(meaningOf(readerReportFile('rewritemap', 4711)), {
    kind: 'map-report',
    pid: 4711,
  })
  t.end()
})

void t.test('the text map', t => {
  t.strictSame(meaningOf(textMapFile), { kind: 'text-map' })
  t.end()
})

void t.test('the time of the last good answer', t => {
  t.strictSame(meaningOf(servedFile('zope-1')), {
    kind: 'served',
    backend: 'zope-1',
  })
  t.strictSame(meaningOf('Zope.served'), { kind: 'strange' })
  t.end()
})

void t.test('temporary and hidden files are ignored', t => {
  for (const name of ['.zope1.up.4711.tmp', 'zope1.up.tmp', '.nfs01', '.tmp'])
    t.strictSame(meaningOf(name), { kind: 'silent' }, name)
  t.end()
})

void t.test('anything else is unknown', t => {
  for (const name of [
    'zope1',
    'zope1.UP',
    'zope1.up~',
    'zope1.up.bak',
    'zope1.down',
    'Zope1.up',
    'a.b.up',
    '1a.up',
    `${'a'.repeat(33)}.up`,
    'zope1\n.up',
    'up',
    'monitor.json.bak',
    'rewritemap-0.json',
    'rewritemap-01.json',
    'rewritemap-.json',
    'lost+found',
    '\u001B[31m.up',
  ])
    t.strictSame(meaningOf(name), { kind: 'strange' }, name)
  t.end()
})
