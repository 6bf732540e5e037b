// A restart where two machines send requests to the backends.
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { Etcd } from '../../../lab/etcd.ts'
import { startBackend, startMachines } from '../../../lab/machines.ts'
import { until } from '../../../lab/processes.ts'

void t.test('restart asks every machine', async t => {
  const etcd = await Etcd.start(t)
  const [fe1, fe2] = await startMachines(t, ['fe1', 'fe2'], {
    backends: { zope1: await startBackend(t), zope2: await startBackend(t) },
    etcd: etcd.urls,
  })
  if (fe1 === undefined || fe2 === undefined) return
  const places = [fe1, fe2].map(({ directory }) => directory)

  // out of service on both machines while the command runs; a second one is refused
  const isOut = places.map(place => `test -e ${place}/{}.maint`).join(' && ')
  const done = fe1.run(
    ...['restart', 'zope1', 'zope2', '--', 'sh', '-c'],
    `${isOut} && until test -e ${fe1.root}/go; do sleep 0.05; done`,
  )
  await until('the command runs', () =>
    fe2.file('zope1.maint')?.includes('the command runs'),
  )
  t.match(await fe2.run('restart', 'zope2', '--', 'true'), {
    code: 1,
    stderr: /^pool default is being restarted by .* on fe1; wait until/,
  })
  writeFileSync(`${fe1.root}/go`, '')
  const outcome = await done
  t.match(outcome, { code: 0, stderr: /zope1: up\n[^]*zope2: up\n$/ })
  for (const machine of [fe1, fe2])
    t.equal(
      machine.file('zope1.maint') ?? machine.file('zope2.maint'),
      undefined,
    )

  // one machine says no, for a reason that only it knows
  t.match(await fe2.run('maint', 'zope2', '--here'), { code: 0 })
  t.match(await fe1.run('restart', 'zope1', '--limit', '5s', '--', 'true'), {
    code: 1,
    stderr:
      /zope1: fe2: pool default needs 1 other up .*; it was not restarted/,
  })
  t.match(await fe2.run('ready', 'zope2', '--here'), { code: 0 })

  // one machine is gone: its httpd may still send requests
  await fe2.monitor?.kill('SIGKILL')
  await until('away', () => fe1.cluster()?.members['fe2']?.state === 'away')
  t.match(await fe1.run('restart', 'zope1', '--', 'true'), {
    code: 1,
    stderr:
      /zope1: fe2 cannot be asked \(last seen .* ago\), .*--without fe2; it was not restarted, and everything is as before\n$/,
  })
  t.equal(fe1.file('zope1.maint'), undefined)
  t.match(await fe1.run('restart', 'zope1', '--without', 'fe2', '--', 'true'), {
    code: 0,
    stderr: /zope1: up\n$/,
  })
  t.match(await fe1.run('restart', 'zope1', '--without', 'fe9', '--', 'true'), {
    code: 2,
    stderr: /^--without must be a machine of the cluster, got fe9/,
  })
})
