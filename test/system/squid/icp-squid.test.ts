// A real Squid that asks a real responder.
import { rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import { brief, failuresOf, more, startLoad } from '../../fixtures/load.ts'
import { freePort, startProgram, until } from '../../fixtures/processes.ts'
import { cli, get, startSquidSite } from '../../fixtures/squid-site.ts'

void t.test('ICP: shares, a drain, and a killed backend', async t => {
  const ports = [await freePort(), await freePort()]
  const { squid, directory, backends, configFile } = await startSquidSite(t, {
    hasHelper: false,
    args: ['--style', 'icp'],
    yaml: `pools: { default: { policy: balance } }\nicp: { listen: { zope1: "127.0.0.1:${ports[0]}", zope2: "127.0.0.1:${ports[1]}" } }\n`,
  })
  const icp = startProgram(t, process.execPath, [
    cli,
    'icp',
    '--config',
    configFile,
  ])
  const said = async (backend: string) => {
    if (icp.isGone()) throw new Error(icp.output())
    const answer = await get(squid.port, '/')
    return answer.headers['x-backend'] === backend
  }
  await until('zope1 to be asked', () => said('zope1'))
  await until('zope2 to be asked', () => said('zope2'))

  writeFileSync(resolve(directory, 'zope1.drain'), '')
  // the table changes within a second; from then on none goes there
  const before = backends[0]?.begun().size ?? 0
  await until('zope1 to get nothing', async () => {
    const start = backends[0]?.begun().size ?? 0
    for (let count = 0; count < 20; count++) await get(squid.port, '/')
    return backends[0]?.begun().size === start
  })
  t.ok((backends[0]?.begun().size ?? 0) >= before)
  rmSync(resolve(directory, 'zope1.drain'))
  await until('zope1 to be back', () => said('zope1'))

  const load = startLoad({ port: squid.port, clients: 5 })
  await more(load, 50)
  await backends[0]?.kill('SIGKILL')
  rmSync(resolve(directory, 'zope1.up'))
  await more(load, 200)
  t.strictSame(failuresOf(await load.stop()).map(brief), [])
})
