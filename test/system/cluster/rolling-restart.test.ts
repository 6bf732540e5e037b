// Two real httpds send requests to the same three Zopes: a rolling restart on one machine
// loses no request of either.
import { existsSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { Etcd } from '../../../lab/etcd.ts'
import { apacheConf } from '../../../lab/apache-conf.ts'
import { startHttpd } from '../../../lab/httpd.ts'
import { brief, failuresOf, more, startLoad } from '../../../lab/load.ts'
import { startMachines } from '../../../lab/machines.ts'
import { publicDirectory, until } from '../../../lab/processes.ts'
import { startZope } from '../../../lab/zope.ts'

const names = ['zope1', 'zope2', 'zope3']

await t.test('three restarts behind two httpds', async t => {
  const desk = publicDirectory(t)
  const zopes = await Promise.all(names.map(name => startZope(t, { name })))
  const etcd = await Etcd.start(t)
  const machines = await startMachines(t, ['fe1', 'fe2'], {
    backends: Object.fromEntries(zopes.map(({ name, url }) => [name, url])),
    etcd: etcd.urls,
    keys: {
      pools: { default: { policy: 'balance' } },
      probe: { heartbeat: 'off', slowStart: '0s', rise: 1, damping: false },
    },
  })
  const loads = []
  for (const { configFile, directory } of machines) {
    await until('the text map', () =>
      existsSync(`${directory}/zope-failover.map`),
    )
    const conf = apacheConf(configFile)
    const { port } = await startHttpd(t, { conf })
    const load = startLoad(t, {
      port,
      clients: 4,
      pauseMs: 20,
      hasCookies: true,
    })
    await more(load, 50)
    loads.push(load)
  }

  // the command asks by a file: the Zopes belong to the test
  const script = `echo > ${desk}/{}.wanted; until [ -e ${desk}/{}.done ]; do sleep 0.05; done`
  const [fe1] = machines
  const done = fe1?.run('restart', ...names, '--', 'sh', '-c', script)
  for (const zope of zopes) {
    const wanted = `${desk}/${zope.name}.wanted`
    await until(`the restart of ${zope.name}`, () => existsSync(wanted))
    await zope.kill()
    await zope.start()
    writeFileSync(`${desk}/${zope.name}.done`, '')
  }
  t.match(await done, { code: 0, stderr: /zope3: up\n$/ })
  for (const load of loads) {
    await more(load, 50)
    const samples = await load.stop()
    t.same(failuresOf(samples).map(brief), [], `${samples.length} requests`)
  }
})
