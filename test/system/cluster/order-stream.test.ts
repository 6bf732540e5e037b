// No order is lost, whatever happens to the members of etcd while orders are given: the
// leader is killed, the member that the watch hangs on is frozen, all are frozen.
import { statSync } from 'node:fs'
import t from 'tap'
import { Etcd } from '../../../lab/etcd.ts'
import type { EtcdMember } from '../../../lab/etcd.ts'
import {
  startBackend,
  startMachines,
  untilState,
} from '../../../lab/machines.ts'
import type { Machine } from '../../../lab/machines.ts'
import { giveEach, orderStream } from '../../../lab/order-stream.ts'
import { until } from '../../../lab/processes.ts'

function send(signal: NodeJS.Signals, members: readonly EtcdMember[]): void {
  for (const { program } of members) program.child.kill(signal)
}

/** The member of etcd that its watch hangs on. */
function watchedBy(machine: Machine): Promise<string> {
  return until('a watch', () => machine.cluster()?.engine.url ?? undefined)
}

/** Another inode or time would mean that it was written again. */
function orderFile({ directory, file }: Machine): unknown {
  const { ino, mtimeMs } = statSync(`${directory}/zope1.drain`)
  return { ino, mtimeMs, text: file('zope1.drain') }
}

void t.test('every order arrives', async t => {
  const etcd = await Etcd.start(t)
  const machines = await startMachines(t, ['fe1', 'fe2'], {
    backends: { zope1: await startBackend(t), zope2: await startBackend(t) },
    etcd: etcd.urls,
  })
  const [fe1, fe2] = machines
  if (fe1 === undefined || fe2 === undefined) return
  const orders = orderStream(t, etcd.urls)

  // the leader is killed between two orders
  const leader = await etcd.leader()
  await giveEach(orders, 40, machines, number => {
    if (number === 10) leader.program.child.kill('SIGKILL')
  })
  await leader.program.gone
  etcd.restart(leader)
  await etcd.healthy()
  await untilState('together', ...machines)

  // the member that a watch hangs on is frozen: no error, but no sign of life either
  const watched = await watchedBy(fe2)
  const frozen = etcd.members.filter(({ url }) => url === watched)
  await giveEach(orders, 30, machines, number => {
    if (number === 10) send('SIGSTOP', frozen)
  })
  t.not(await watchedBy(fe2), watched)
  send('SIGCONT', frozen)
  await etcd.healthy()
  await untilState('together', ...machines)

  // all are frozen: alone, and the files stay as they are
  await giveEach(orders, 1, machines)
  const files = machines.map(orderFile)
  send('SIGSTOP', etcd.members)
  await untilState('alone', ...machines)
  t.match(await fe1.run('maint', 'zope2'), {
    code: 1,
    stderr: /^zope2: maint was not given: .*; nothing was changed; .*--here\n$/,
  })
  t.same(machines.map(orderFile), files)

  // back: together, with the same files, and the order that failed stays away
  send('SIGCONT', etcd.members)
  await untilState('together', ...machines)
  t.same(machines.map(orderFile), files)
  await giveEach(orders, 10, machines)
  for (const machine of machines) t.notOk(machine.file('zope2.maint'))
})
