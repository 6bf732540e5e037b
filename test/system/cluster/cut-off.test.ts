// The cable between one machine and etcd is pulled, each its own host: nothing is
// refused, nothing arrives. The machine lives on with its own way to the Zopes; a restart
// elsewhere stops.
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { selfSigned } from '../../../lab/certificate.ts'
import { Etcd } from '../../../lab/etcd.ts'
import { newMachine, untilState } from '../../../lab/machines.ts'
import { addCable, startNetwork } from '../../../lab/network.ts'
import { publicDirectory, until } from '../../../lab/processes.ts'
import { makeZope } from '../../../lab/zope.ts'

void t.test('a machine is cut off, and comes back', async t => {
  const network = await startNetwork(t, {
    etcd: '192.0.2.31',
    fe1: '192.0.2.11',
    fe2: '192.0.2.12',
    zope1: '192.0.2.21',
    zope2: '192.0.2.22',
  })
  const host = network.host('etcd')
  const place = publicDirectory(t)
  const { cert, key } = selfSigned(host.address)
  const certFile = `${place}/etcd.pem`
  const keyFile = `${place}/etcd.key`
  writeFileSync(certFile, cert)
  writeFileSync(keyFile, key, { mode: 0o600 })
  const { urls } = await Etcd.start(t, {
    host,
    tls: { args: [`--cert-file=${certFile}`, `--key-file=${keyFile}`] },
  })
  const [zope1, zope2] = await Promise.all(
    ['zope1', 'zope2'].map(async (name, number) => {
      const zope = await makeZope(t, { name, host: network.host(name) })
      zope.launch()
      // from fe2 by a cable that has nothing to do with the others
      const [near, far] = [1, 2].map(n => `198.51.100.${4 * number + n}`)
      const fe2 = network.host('fe2')
      const zopeHost = network.host(name)
      addCable([fe2, name, `${near}/30`], [zopeHost, 'fe2', `${far}/30`])
      fe2.run('ip', 'route', 'add', zopeHost.address, 'via', far ?? '')
      return zope
    }),
  )
  if (zope1 === undefined || zope2 === undefined) return
  const [fe1, fe2] = ['fe1', 'fe2'].map(name =>
    newMachine(t, name, {
      host: network.host(name),
      backends: { zope1: zope1.url, zope2: zope2.url },
      etcd: urls,
      cluster: { ca: certFile },
    }),
  )
  if (fe1 === undefined || fe2 === undefined) return
  for (const machine of [fe1, fe2]) machine.start()
  await untilState('together', fe1, fe2)
  const stateOf = (name: string): string | undefined =>
    fe2.report()?.backends[name]?.state
  for (const name of ['zope1', 'zope2'])
    await until(`${name} is up`, () => stateOf(name) === 'up')
  t.match(await fe1.run('drain', 'zope1'), { stdout: /drain on fe1 fe2\n/ })
  const order = fe2.file('zope1.drain')

  network.plug('fe2', false)
  await untilState('alone', fe2)
  await until(
    'fe1 sees it go',
    () => fe1.cluster()?.members['fe2']?.state === 'away',
  )
  t.equal(fe2.file('zope1.drain'), order, 'the order stays')
  t.match(await fe2.run('maint', 'zope2'), {
    code: 1,
    stderr: /^zope2: maint was not given: .*; nothing was changed; .*--here\n$/,
  })
  t.match(await fe1.run('restart', 'zope1', '--', 'true'), {
    code: 1,
    stderr:
      /zope1: fe2 cannot be asked \(last seen .* ago\), .* type: --without fe2; it was not restarted, and everything is as before\n$/,
  })
  t.match(await fe1.run('ready', 'zope1'), {
    code: 0,
    stdout:
      /^zope1: no longer drain on fe1; not yet: fe2 \(last seen .* ago\)\n/,
  })
  t.equal(fe2.file('zope1.drain'), order, 'the order stays')

  // it goes on judging by itself
  t.equal(stateOf('zope2'), 'up')
  await zope2.kill()
  await until('fe2 sees zope2 die', () => stateOf('zope2') === 'down')
  zope2.launch()
  await until('fe2 sees it come back', () => stateOf('zope2') === 'up')

  network.plug('fe2', true)
  await untilState('together', fe2)
  await until('what it missed', () => fe2.file('zope1.drain') === undefined)
  t.notOk(fe1.file('zope2.maint'), 'the order that failed stays away')
  t.match(await fe1.run('drain', 'zope2'), { stdout: /drain on fe1 fe2\n/ })
})
