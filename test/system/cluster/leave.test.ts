// A machine leaves a cluster for good: nothing of it stays in etcd.
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { Engine } from '../../../cluster/engine.ts'
import { Keys } from '../../../cluster/keys.ts'
import { ClusterMember } from '../../../cluster/member.ts'
import { Etcd } from '../../../lab/etcd.ts'
import { clusterSettings } from '../../../lab/order-stream.ts'
import { publicDirectory, until } from '../../../lab/processes.ts'

/** @param onWrite called whenever the member is about to write its state */
async function startMember(
  t: Test,
  onWrite: (member: ClusterMember) => void = () => {},
) {
  const etcd = await Etcd.start(t, { members: 1 })
  const directory = publicDirectory(t)
  const settings = {
    ...clusterSettings(etcd.urls, 'fe1'),
    cache: `${directory}/cluster.json`,
  }
  const lines: { msg: string; remedy?: string }[] = []
  const member: ClusterMember = new ClusterMember(settings, 'fe1', {
    directory,
    log: pino({}, { write: line => lines.push(JSON.parse(line)) }),
    files: { writeFile: () => true, remove: () => true },
    backends: () => [],
    states: () => {
      onWrite(member)
      return {}
    },
    settings: () => ({}),
    maps: () => 0,
    answer: () => Promise.resolve({ answer: 'yes', why: '' }),
    onChange: () => {},
  })
  const engine = new Engine(settings)
  t.teardown(() => engine.close())
  const present = async (): Promise<string[]> => {
    const { values } = await engine.read(new Keys(settings.prefix).all)
    return values.map(({ key }) => key)
  }
  member.start()
  const logged = (msg: string) =>
    until(msg, () => lines.find(line => line.msg === msg))
  return { etcd, member, logged, present }
}

void t.test('it is stopped while it joins', async t => {
  let isStopped = false
  const { logged, present } = await startMember(t, member => {
    if (!isStopped) member.stop(true)
    isStopped = true
  })
  await logged('joined the cluster')
  t.ok(
    await until('no key is left', async () => (await present()).length === 0),
  )
})

void t.test('etcd is away: its name stays, and the log says so', async t => {
  const { etcd, member, logged, present } = await startMember(t)
  await logged('joined the cluster')
  t.equal((await present()).length, 2)
  await Promise.all(etcd.members.map(one => etcd.kill(one)))
  member.stop(true)
  const { remedy } = await logged(
    'the name of this machine was not removed from the cluster',
  )
  t.equal(remedy, 'on another machine: zope-failover cluster forget fe1')
})
