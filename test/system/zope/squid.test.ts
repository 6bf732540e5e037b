// Real Zopes behind a real Squid, by the helper and by ICP: links carry the public
// host, and a Zope that dies is not missed.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { brief, failuresOf, more, startLoad } from '../../../lab/load.ts'
import { beatMonitor, putUp } from '../../../lab/map.ts'
import {
  freePort,
  publicDirectory,
  startProgram,
  until,
} from '../../../lab/processes.ts'
import {
  cli,
  get,
  isSteered,
  sentinelDirectory,
  squidConf,
} from '../../../lab/squid-site.ts'
import { startSquid } from '../../../lab/squid.ts'
import { startZeo } from '../../../lab/zeo.ts'
import { startZope, type Zope } from '../../../lab/zope.ts'

const names = ['zope1', 'zope2']

async function lab(t: Test) {
  const zeo = await startZeo(t)
  const zopes: Zope[] = []
  for (const name of names) zopes.push(await startZope(t, { zeo, name }))
  await zopes[0]?.get('/@@lab-add-site')
  await until('both have the site', async () => {
    const answers = await Promise.all(
      zopes.map(zope => zope.get('/site/@@lab-links')),
    )
    return answers.every(({ status }) => status === 200)
  })
  const root = publicDirectory(t)
  const directory = sentinelDirectory(root)
  const configFile = `${root}/zope-failover.yaml`
  writeFileSync(
    configFile,
    `directory: ${directory}\nstaleAfter: 1h\nbackends:\n${zopes.map(({ name, url }) => `  ${name}: ${url}\n`).join('')}`,
  )
  putUp(directory, ...names)
  beatMonitor(directory, names)
  return { zopes, directory, configFile }
}

/** What visitors of www.example.org see. */
async function page(port: number, path: string, route?: string) {
  const { status, headers, body } = await get(port, path, {
    Host: 'www.example.org',
    ...(route !== undefined && { Cookie: `zope_route=${route}` }),
  })
  return [status, headers['x-backend'], body]
}

await t.test('by the helper', async t => {
  const { zopes, directory, configFile } = await lab(t)
  const squid = await startSquid(
    t,
    squidConf(configFile, [
      ...['--url', 'https://www.example.org', '--site', '/site'],
    ]),
  )
  await isSteered({ squid })
  const link = '<a href="https://www.example.org/news">news</a>'
  for (const name of names)
    t.strictSame(await page(squid.port, '/@@lab-links', name), [
      ...[200, name, link],
    ])
  t.equal((await page(squid.port, '/../@@lab-links'))[0], 503, 'no way up')

  const load = startLoad(t, {
    port: squid.port,
    path: '/@@lab-links',
    clients: 4,
  })
  await more(load, 50)
  await zopes[0]?.kill()
  await more(load, 100)
  rmSync(`${directory}/zope1.up`)
  await more(load, 100)
  const samples = await load.stop()
  t.strictSame(failuresOf(samples).map(brief), [])
  t.equal(samples.at(-1)?.backend, 'zope2')
})

await t.test('by ICP', async t => {
  const { zopes, directory, configFile } = await lab(t)
  const ports = [await freePort(), await freePort()]
  const listen = names.map((name, i) => `${name}: "127.0.0.1:${ports[i]}"`)
  writeFileSync(
    configFile,
    `${readFileSync(configFile, 'utf8')}pools: { default: { policy: balance } }
icp: { listen: { ${listen.join(', ')} } }
`,
  )
  const icp = startProgram(t, process.execPath, [
    ...[cli, 'icp', '--config', configFile],
  ])
  // Squid calls a peer dead that does not answer twenty queries
  await until('the responder', () => {
    if (icp.isGone()) throw new Error(icp.output())
    return existsSync(`${directory}/icp-${icp.pid}.json`)
  })
  const squid = await startSquid(t, squidConf(configFile, ['--style', 'icp']))
  // paths are Zope's own here
  const link = '<a href="http://www.example.org/site/news">news</a>'
  for (const name of names)
    await until(`a page of ${name}`, async () => {
      if (icp.isGone()) throw new Error(icp.output())
      const [status, backend, body] = await page(
        squid.port,
        '/site/@@lab-links',
      )
      if (status !== 200 || body !== link) throw new Error(String(body))
      return backend === name
    })

  const load = startLoad(t, {
    port: squid.port,
    path: '/site/@@lab-links',
    clients: 4,
  })
  await more(load, 50)
  await zopes[0]?.kill()
  await more(load, 50)
  rmSync(`${directory}/zope1.up`)
  await more(load, 100)
  t.strictSame(failuresOf(await load.stop()).map(brief), [])
})
