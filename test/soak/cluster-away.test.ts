// All members of etcd are away for a minute, killed or frozen: no file changes, and all
// machines are together again.
import { statSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { Etcd } from '../../lab/etcd.ts'
import {
  startBackend,
  startMachines,
  untilState,
  type Machine,
} from '../../lab/machines.ts'
import { giveEach, orderStream } from '../../lab/order-stream.ts'

const awayMs = 60_000

/** Another inode or time would mean that it was written again. */
function orderFile({ directory, file }: Machine): unknown {
  const { ino, mtimeMs } = statSync(`${directory}/zope1.drain`)
  return { ino, mtimeMs, text: file('zope1.drain') }
}

for (const way of ['killed', 'frozen'])
  await t.test(`all members ${way} for a minute`, async t => {
    const etcd = await Etcd.start(t)
    const machines = await startMachines(t, ['fe1', 'fe2', 'fe3'], {
      backends: { zope1: await startBackend(t), zope2: await startBackend(t) },
      etcd: etcd.urls,
    })
    const orders = orderStream(t, etcd.urls)
    await giveEach(orders, 1, machines)
    const files = machines.map(orderFile)
    const begin = Date.now()
    for (const { program } of etcd.members)
      program.child.kill(way === 'killed' ? 'SIGKILL' : 'SIGSTOP')
    await untilState('alone', ...machines)
    await pause(begin + awayMs - Date.now())
    t.same(machines.map(orderFile), files)

    for (const member of etcd.members)
      if (way === 'killed') etcd.restart(member)
      else member.program.child.kill('SIGCONT')
    await etcd.healthy()
    await untilState('together', ...machines)
    t.same(machines.map(orderFile), files)
    await giveEach(orders, 20, machines)
  })
