// Two real httpds send requests to the same three backends: a rolling restart on one
// machine loses no request of either.
import { execFileSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { startBackend } from '../../lab/backend.ts'
import { Etcd } from '../../lab/etcd.ts'
import { startHttpd } from '../../lab/httpd.ts'
import { brief, failuresOf, more, startLoad } from '../../lab/load.ts'
import { startMachines } from '../../lab/machines.ts'
import { dist, publicDirectory, until } from '../../lab/processes.ts'

const names = ['zope1', 'zope2', 'zope3']

await t.test('three restarts behind two httpds', async t => {
  const desk = publicDirectory(t)
  const backends = await Promise.all(
    names.map(name => startBackend(t, desk, name, 20)),
  )
  const etcd = await Etcd.start(t)
  const machines = await startMachines(t, ['fe1', 'fe2'], {
    backends: Object.fromEntries(backends.map(({ name, url }) => [name, url])),
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
    const conf = execFileSync(
      process.execPath,
      [`${dist}/cli/main.js`, 'apache-conf', `--config=${configFile}`],
      { encoding: 'utf8' },
    )
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

  // the command asks by a file: the backends belong to the test
  const script = `echo > ${desk}/{}.wanted; until [ -e ${desk}/{}.done ]; do sleep 0.05; done`
  const [fe1] = machines
  const done = fe1?.run('restart', ...names, '--', 'sh', '-c', script)
  for (const backend of backends) {
    const wanted = `${desk}/${backend.name}.wanted`
    await until(`the restart of ${backend.name}`, () => existsSync(wanted))
    rmSync(wanted)
    await backend.kill('SIGKILL')
    await backend.start()
    writeFileSync(`${desk}/${backend.name}.done`, '')
  }
  t.match(await done, { code: 0, stderr: /zope3: up\n$/ })
  for (const load of loads) {
    await more(load, 50)
    const samples = await load.stop()
    t.same(failuresOf(samples).map(brief), [], `${samples.length} requests`)
  }
})
