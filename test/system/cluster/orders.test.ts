// Orders reach every machine, through real etcds.
import { rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { Etcd } from '../../fixtures/etcd.ts'
import { startBackend, startMachines } from '../../fixtures/machines.ts'
import { until } from '../../fixtures/processes.ts'

void t.test('an order is in force on every machine', async t => {
  const etcd = await Etcd.start(t)
  const zope1 = await startBackend(t)
  const zope2 = await startBackend(t)
  const [fe1, fe2] = await startMachines(t, ['fe1', 'fe2'], {
    backends: { zope1, zope2 },
    etcd: etcd.urls,
  })
  if (fe1 === undefined || fe2 === undefined) return
  const drained = await fe1.run('drain', 'zope1', '--reason', 'update')
  t.equal(drained.stderr, '')
  t.match(drained, {
    code: 0,
    stdout:
      /^zope1: drain on fe1 fe2\npool default: new visitors go to zope2\n$/,
  })
  const text = fe2.file('zope1.drain') ?? ''
  t.match(text, /^by: .* on fe1\norder: [0-9a-f]{16}\nreason: update\n$/)
  t.equal(fe1.file('zope1.drain'), text)

  // removed by hand: it comes back, and the log says how to end it
  rmSync(`${fe2.directory}/zope1.drain`)
  await until('the file is back', () => fe2.file('zope1.drain') === text)
  t.match(
    fe2
      .log()
      .find(({ file, level }) => file === 'zope1.drain' && level === 'warn'),
    { remedy: 'zope-failover ready zope1' },
  )

  // changed by a person: it is theirs
  writeFileSync(`${fe2.directory}/zope1.drain`, 'reason: mine\n')
  const ready = await fe1.run('ready', 'zope1')
  t.match(ready, {
    code: 0,
    stdout:
      /^zope1: no longer drain on fe1 fe2; files made by hand stay on: fe2 \(zope1\.drain\)\n/,
  })
  t.equal(fe1.file('zope1.drain'), undefined)
  t.equal(fe2.file('zope1.drain'), 'reason: mine\n')
})
