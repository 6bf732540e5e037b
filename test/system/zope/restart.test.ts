// Three real Zopes behind the real httpd are restarted under load: no visitor
// notices, neither when all goes well nor when one does not come back.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { bare, main } from '../../process/cli/command.ts'
import { brief, failuresOf, more, startLoad } from '../../../lab/load.ts'
import { apacheConf } from '../../../lab/apache-conf.ts'
import { startHttpd } from '../../../lab/httpd.ts'
import { publicDirectory, startProgram, until } from '../../../lab/processes.ts'
import { watchZopes } from '../../../lab/watched-zope.ts'
import { startZeo } from '../../../lab/zeo.ts'
import { ask } from '../../../lab/zope-client.ts'
import { startZope } from '../../../lab/zope.ts'

const names = ['zope1', 'zope2', 'zope3']

await t.test('three restarts; and one that does not come back', async t => {
  const zeo = await startZeo(t)
  const zopes = [await startZope(t, { zeo, name: 'zope1' })]
  zopes.push(
    ...(await Promise.all(
      names.slice(1).map(name => startZope(t, { zeo, name })),
    )),
  )
  const watched = watchZopes(t, zopes, {
    probe: { interval: '250ms', rise: 1, slowStart: '0s', damping: false },
    pools: { default: { policy: 'balance' } },
  })
  await watched.isWell()
  const { configFile } = watched
  const conf = apacheConf(configFile)
  const { port } = await startHttpd(t, { conf })
  await until(
    'a page',
    async () => (await ask(`http://127.0.0.1:${port}/`)).status === 200,
  )

  // The command asks for the restart by a file and waits for the answer: the
  // Zopes belong to the test, which ends them.
  const desk = publicDirectory(t)
  const script = `echo > ${desk}/{}.wanted; until [ -e ${desk}/{}.done ]; do sleep 0.05; done; rm ${desk}/{}.done`
  const restartAll = (...options: string[]) =>
    startProgram(t, 'env', [
      ...[...bare(configFile), main, 'restart', ...names],
      ...['--warm-up=/', ...options],
      ...['--', 'sh', '-c', script],
    ])
  const serve = async (
    name: string,
    act: 'restart' | 'kill' | 'nothing',
  ): Promise<void> => {
    const wanted = `${desk}/${name}.wanted`
    await until(`the restart of ${name}`, () => existsSync(wanted))
    rmSync(wanted)
    const zope = zopes.find(one => one.name === name)
    if (act !== 'nothing') await zope?.kill('SIGINT')
    if (act === 'restart') zope?.launch()
    writeFileSync(`${desk}/${name}.done`, '')
  }

  const load = startLoad(t, { port, clients: 6, pauseMs: 10, hasCookies: true })
  await more(load, 50)
  const before = performance.now()
  const well = restartAll()
  for (const name of names) await serve(name, 'restart')
  await well.gone
  t.equal(well.child.exitCode, 0, 'all well')
  t.match(well.output(), /zope3: GET \/: 200 in \d+ ms\n.*\nzope3: up\n$/)
  t.comment(
    `three Zopes restarted in ${Math.round(performance.now() - before)} ms, ${load.samples.length} requests meanwhile`,
  )
  for (const name of names)
    t.notOk(existsSync(`${watched.directory}/${name}.maint`), name)

  // longer than it takes to be idle, for a Zope that never comes back
  const bad = restartAll('--limit=25s')
  await serve('zope1', 'nothing')
  await serve('zope2', 'kill')
  await bad.gone
  t.equal(bad.child.exitCode, 1, 'it failed')
  t.match(bad.output(), /zope2: it did not come back within 25s/)
  t.match(bad.output(), /not started: zope3/)
  await more(load, 50)
  const samples = await load.stop()
  t.same(failuresOf(samples).map(brief), [], `${samples.length} requests`)
  t.match(
    readFileSync(`${watched.directory}/zope2.maint`, 'utf8'),
    /^by: .*\nreason: restart: the command is done, waiting until it answers; stopped: it did not come back /,
  )
})
