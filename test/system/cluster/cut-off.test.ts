// One machine is cut off from etcd, silently, as by a firewall: nothing is refused, nothing
// arrives. It lives on; a restart elsewhere stops.
import t from 'tap'
import { Etcd } from '../../../lab/etcd.ts'
import { startForwarder } from '../../../lab/forwarder.ts'
import {
  newMachine,
  startBackend,
  startMachines,
  untilState,
} from '../../../lab/machines.ts'
import { until } from '../../../lab/processes.ts'

void t.test('a machine is cut off, and comes back', async t => {
  const etcd = await Etcd.start(t)
  const ways = await Promise.all(
    etcd.urls.map(url => startForwarder(t, Number(new URL(url).port))),
  )
  const options = {
    backends: { zope1: await startBackend(t), zope2: await startBackend(t) },
    etcd: etcd.urls,
  }
  const [fe1] = await startMachines(t, ['fe1'], options)
  const fe2 = newMachine(t, 'fe2', {
    ...options,
    etcd: ways.map(({ port }) => `http://127.0.0.1:${port}`),
  })
  fe2.start()
  await untilState('together', fe2)
  if (fe1 === undefined) return
  t.match(await fe1.run('drain', 'zope1'), { stdout: /drain on fe1 fe2\n/ })

  for (const way of ways) way.stop()
  await untilState('alone', fe2)
  await until(
    'fe1 sees it go',
    () => fe1.cluster()?.members['fe2']?.state === 'away',
  )
  t.ok(fe2.file('zope1.drain'), 'the order stays')
  t.equal(fe2.report()?.backends['zope2']?.state, 'up', 'it probes for itself')
  t.match(await fe2.run('maint', 'zope2'), {
    code: 1,
    stderr: /nothing was changed; .*--here\n$/,
  })
  t.match(await fe1.run('restart', 'zope1', '--', 'true'), {
    code: 1,
    stderr: /fe2 cannot be asked .*--without fe2; it was not restarted/,
  })
  t.match(await fe1.run('ready', 'zope1'), {
    code: 0,
    stdout:
      /^zope1: no longer drain on fe1; not yet: fe2 \(last seen .* ago\)\n/,
  })

  for (const way of ways) way.resume()
  await untilState('together', fe2)
  await until('what it missed', () => fe2.file('zope1.drain') === undefined)
})
