// What happens to the machines when etcd fails: real members are killed, frozen, compacted
// and restored. The table of docs/cluster.md, row by row:
// - etcd is slow, a member dies or is frozen, leases are lost: order-stream.test.ts
// - etcd is away: here; frozen or without quorum: order-stream.test.ts; for a minute:
//   test/soak/cluster-away.test.ts
// - one machine is cut off: cut-off.test.ts
// - compacted, restored, empty, one name twice, a boot without etcd: here
// - settings and clocks differ: test/unit/cluster/machines.test.ts and orders.test.ts
// - a monitor stops: restart.test.ts
import t, { type Test } from 'tap'
import { Etcd } from '../../../lab/etcd.ts'
import {
  newMachine,
  startBackend,
  startMachines,
  untilState,
  type Machine,
  type MachineOptions,
} from '../../../lab/machines.ts'
import { until } from '../../../lab/processes.ts'

type Site = {
  readonly etcd: Etcd
  readonly options: MachineOptions
  readonly fe1: Machine
  readonly fe2: Machine
}

async function startSite(t: Test): Promise<Site> {
  const etcd = await Etcd.start(t)
  const options = {
    backends: {
      zope1: await startBackend(t),
      zope2: await startBackend(t),
    },
    etcd: etcd.urls,
  }
  const [fe1, fe2] = await startMachines(t, ['fe1', 'fe2'], options)
  if (fe1 === undefined || fe2 === undefined) throw new Error('two machines')
  return { etcd, options, fe1, fe2 }
}

function has(machine: Machine, file: string): boolean {
  return machine.file(file) !== undefined
}

void t.test('members are killed, frozen, all away, back', async t => {
  const { etcd, fe1, fe2 } = await startSite(t)

  // the leader is killed: the next order arrives
  const leader = await etcd.leader()
  await etcd.kill(leader)
  const drained = await fe1.run('drain', 'zope1')
  t.match(drained, { code: 0, stderr: '' })
  await until('drain on fe2', () => has(fe2, 'zope1.drain'))
  etcd.restart(leader)
  await etcd.healthy()

  // the member that a watch hangs on is frozen: no error, but no sign of life either
  await untilState('together', fe1, fe2)
  const watched = fe2.cluster()?.engine.url
  const frozen = etcd.members.find(({ url }) => url === watched)
  frozen?.program.child.kill('SIGSTOP')
  const maint = await fe1.run('maint', 'zope2')
  t.match(maint, { code: 0 })
  await until('maint on fe2', () => has(fe2, 'zope2.maint'))
  frozen?.program.child.kill('SIGCONT')
  await etcd.healthy()

  // all are away: alone, the files stay, orders fail and change nothing
  await Promise.all(etcd.members.map(member => etcd.kill(member)))
  await untilState('alone', fe1, fe2)
  t.ok(has(fe1, 'zope1.drain') && has(fe2, 'zope2.maint'))
  const failed = await fe1.run('force', 'zope1')
  t.equal(failed.code, 1)
  t.match(
    failed.stderr,
    /^zope1: force was not given: etcd cannot be used: .*; nothing was changed; for this machine alone type: zope-failover force zope1 --here\n$/,
  )
  t.notOk(has(fe1, 'zope1.force'))
  t.match(await fe1.run('force', 'zope1', '--here'), { code: 0 })
  t.ok(has(fe1, 'zope1.force'))
  // an order ends here alone
  t.match(await fe1.run('ready', 'zope2', '--here'), {
    code: 0,
    stdout: /^zope2: no longer maint on this machine; the order stays/,
  })
  await until('a later report', () => {
    const text = fe1.report()?.written
    return text !== undefined && Date.parse(text) > Date.now() - 1_000
  })
  t.notOk(has(fe1, 'zope2.maint'))

  // back: together again, with every file
  for (const member of etcd.members) etcd.restart(member)
  await etcd.healthy()
  await untilState('together', fe1, fe2)
  t.ok(has(fe1, 'zope1.drain') && has(fe2, 'zope1.drain'))
  t.ok(has(fe2, 'zope2.maint'))
  t.match(await fe2.run('ready', 'zope1', 'zope2'), {
    code: 0,
    stdout: /zope1: no longer drain on fe1 fe2; .*fe1 \(zope1\.force\)/,
  })
  t.notOk(has(fe1, 'zope1.drain'))
  t.notOk(has(fe2, 'zope2.maint'))
})

void t.test('compacted and restored: no order is removed', async t => {
  const { etcd, options, fe1, fe2 } = await startSite(t)
  const snapshot = etcd.snapshot()

  // compacted while a monitor was stopped: it reads everything again
  fe2.monitor?.child.kill('SIGSTOP')
  t.match(await fe1.run('drain', 'zope1'), {
    code: 0,
    stdout: /^zope1: drain on fe1; not yet: fe2 \(/,
  })
  const revision = /"revision":(\d+)/.exec(
    etcd.ctl('get', 'none', '--write-out=json'),
  )?.[1]
  etcd.ctl('compaction', revision ?? '')
  fe2.monitor?.child.kill('SIGCONT')
  await until('drain on fe2', () => has(fe2, 'zope1.drain'))

  // a machine that was off catches up; one that is off is named
  await untilState('together', fe1, fe2)
  await fe2.monitor?.kill('SIGTERM')
  t.match(await fe1.run('ready', 'zope1'), {
    code: 0,
    stdout:
      /^zope1: no longer drain on fe1; not yet: fe2 \(last seen \d+ s ago\)/,
  })
  t.ok(has(fe2, 'zope1.drain'))
  fe2.start()
  await until('ready on fe2', () => !has(fe2, 'zope1.drain'))
  await untilState('together', fe1, fe2)

  // older data: the order that etcd lost stays, and is written again by a person
  t.match(await fe1.run('maint', 'zope2'), { stdout: /on fe1 fe2\n/ })
  await etcd.restore(snapshot)
  await untilState('older-data', fe1, fe2)
  t.ok(has(fe1, 'zope2.maint') && has(fe2, 'zope2.maint'))
  t.match(fe1.cluster()?.orders['zope2.maint'], { isLost: true })
  const adopted = await fe1.run('cluster', 'adopt')
  t.match(adopted, { code: 0, stdout: /^zope2: maint on fe1 fe2\n/ })
  await untilState('together', fe1, fe2)
  t.ok(has(fe1, 'zope2.maint') && has(fe2, 'zope2.maint'))

  // an empty etcd: the same; ready ends it on all machines
  await etcd.restore(undefined)
  await untilState('older-data', fe1, fe2)
  t.ok(has(fe1, 'zope2.maint') && has(fe2, 'zope2.maint'))
  t.match(await fe1.run('ready', 'zope2'), {
    code: 0,
    stdout: /^zope2: no longer maint on fe1 fe2\n/,
  })
  await untilState('together', fe1, fe2)
  t.notOk(has(fe1, 'zope2.maint') || has(fe2, 'zope2.maint'))

  // a second machine with the same name is refused
  const other = newMachine(t, 'fe1', options)
  other.start()
  await untilState('duplicate', other)
  t.equal(fe1.cluster()?.state, 'together')
  t.match(await fe2.run('drain', 'zope1'), { stdout: /on fe1 fe2\n/ })
  t.notOk(has(other, 'zope1.drain'))
  await other.monitor?.kill('SIGTERM')

  // away for good: its name is forgotten
  await fe2.monitor?.kill('SIGTERM')
  await until(
    'fe2 is away',
    () => fe1.cluster()?.members['fe2']?.state === 'away',
  )
  t.match(await fe1.run('cluster', 'forget', 'fe1'), { code: 1 })
  t.match(await fe1.run('cluster', 'forget', 'fe2'), {
    code: 0,
    stderr: '',
  })
  await until(
    'fe2 is forgotten',
    () => fe1.cluster()?.members['fe2'] === undefined,
  )

  // a boot without etcd: the last known orders
  await fe1.monitor?.kill('SIGTERM')
  const reboot = newMachine(t, 'fe1', {
    ...options,
    etcd: ['http://127.0.0.1:1'],
    cluster: { cache: fe1.cache },
  })
  reboot.start()
  await until('the order of the cache', () => has(reboot, 'zope1.drain'))
})
