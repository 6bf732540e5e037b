// No order is lost, whatever happens to the members of etcd while orders are given: the
// leader is killed, the member that the watch hangs on is frozen, all are slow, the leases
// are lost, two are frozen, all are frozen.
import { statSync } from 'node:fs'
import t from 'tap'
import { Etcd, type EtcdMember } from '../../../lab/etcd.ts'
import {
  startBackend,
  startMachines,
  untilState,
  type Machine,
} from '../../../lab/machines.ts'
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

  // etcd is slow: again and again all members stand still for a moment
  let isStill = false
  const pulse = setInterval(() => {
    isStill = !isStill
    send(isStill ? 'SIGSTOP' : 'SIGCONT', etcd.members)
  }, 100)
  t.teardown(() => clearInterval(pulse))
  await giveEach(orders, 10, machines)
  clearInterval(pulse)
  send('SIGCONT', etcd.members)
  await etcd.healthy()
  await untilState('together', ...machines)

  // the leases are lost, and with them the signs of life: no order depends on them
  const files = machines.map(orderFile)
  const live = '/zope-failover/default/v1/live/'
  const leases = etcd.ctl('lease', 'list').match(/^[0-9a-f]{12,}$/gm) ?? []
  t.not(leases.length, 0)
  for (const lease of leases) etcd.ctl('lease', 'revoke', lease)
  await until(
    'both are alive again',
    () =>
      etcd.ctl('get', '--prefix', '--keys-only', live).match(/fe/g)?.length ===
      2,
  )
  t.same(machines.map(orderFile), files)

  // no quorum, and all frozen: alone, and the files stay as they are
  for (const members of [etcd.members.slice(1), etcd.members]) {
    await untilState('together', ...machines)
    send('SIGSTOP', members)
    await untilState('alone', ...machines)
    t.match(await fe1.run('maint', 'zope2'), {
      code: 1,
      stderr:
        /^zope2: maint was not given: .*; nothing was changed; .*--here\n$/,
    })
    t.same(machines.map(orderFile), files)
    send('SIGCONT', members)
    await untilState('together', ...machines)
    t.same(machines.map(orderFile), files)
  }

  // the orders that failed stay away
  await giveEach(orders, 10, machines)
  for (const machine of machines) t.notOk(machine.file('zope2.maint'))
})

void t.test(
  'what a frozen member does when it wakes has no effect',
  async t => {
    const etcd = await Etcd.start(t)
    const orders = orderStream(t, etcd.urls)
    const key = '/zope-failover/default/v1/orders/zope1/drain'
    await orders.give()
    await orders.end()
    for (const member of etcd.members) {
      // the member that is asked first is one of them: it has the order, and no answer comes
      send('SIGSTOP', [member])
      await orders.give()
      await orders.end()
      send('SIGCONT', [member])
      await etcd.healthy()
      t.equal(etcd.ctl('get', key), '', `${member.name} was frozen`)
    }
  },
)
