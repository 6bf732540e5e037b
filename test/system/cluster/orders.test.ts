// Orders reach every machine, through real etcds.
import { rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { Etcd } from '../../../lab/etcd.ts'
import { startBackend, startMachines } from '../../../lab/machines.ts'
import { until } from '../../../lab/processes.ts'

void t.test('an order is active on every machine', async t => {
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
  const warning = await until('its line in the log', () =>
    fe2
      .log()
      .find(({ file, level }) => file === 'zope1.drain' && level === 'warn'),
  )
  t.match(warning, { remedy: 'zope-failover ready zope1' })

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

  // removed by that person: nothing is left
  rmSync(`${fe2.directory}/zope1.drain`)

  // the front is each machine's own affair, and --here stays here
  t.match(await fe1.run('maint', 'zope1', '--here'), {
    code: 0,
    stdout: /^zope1: maint\n/,
  })
  await until('the others see the file', () =>
    fe2.cluster()?.members['fe1']?.own.includes('zope1.maint'),
  )
  t.equal(fe2.file('zope1.maint'), undefined)

  // a file of a person and an order: both count, and each ends by itself
  t.match(await fe2.run('maint', 'zope1'), { stdout: /maint on fe1 fe2\n/ })
  t.notMatch(fe1.file('zope1.maint'), 'order:')
  t.match(fe2.file('zope1.maint'), 'order:')
  rmSync(`${fe1.directory}/zope1.maint`)
  await until('the order takes its place', () =>
    fe1.file('zope1.maint')?.includes('order:'),
  )
  t.match(await fe2.run('ready', 'zope1'), { stdout: /maint on fe1 fe2\n/ })

  // the end of an order: the file goes everywhere, and the key leaves etcd
  t.match(await fe1.run('drain', 'zope2', '--for', '2s'), {
    stdout: /^zope2: drain until .* on fe1 fe2\n/,
  })
  for (const machine of [fe1, fe2])
    await until('the end', () => machine.file('zope2.drain') === undefined)
  await until(
    'etcd has no order',
    () =>
      etcd.ctl('get', '--prefix', '/zope-failover/default/v1/orders/') === '',
  )

  // leaving: the files that this machine wrote go, those of a person stay
  await fe1.run('drain', 'zope1', 'zope2')
  writeFileSync(`${fe2.directory}/zope2.drain`, 'reason: mine\n')
  fe2.configure({ cluster: undefined })
  await until('fe2 has left', () => fe2.file('zope1.drain') === undefined)
  t.equal(fe2.file('zope2.drain'), 'reason: mine\n')
  await until(
    'fe1 sees it go',
    () => fe1.cluster()?.members['fe2'] === undefined,
  )
  t.ok(fe1.file('zope1.drain'))
})
