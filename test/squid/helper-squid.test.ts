// A real Squid in front of stand-in backends, by the helper and by ICP.
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { resolve } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { startBackend } from '../fixtures/backend.ts'
import { brief, failuresOf, more, startLoad } from '../fixtures/load.ts'
import { beatMonitor, putUp } from '../fixtures/map.ts'
import {
  dist,
  freePort,
  publicDirectory,
  startProgram,
  until,
} from '../fixtures/processes.ts'
import { startSquid } from '../fixtures/squid.ts'

type SiteOptions = {
  /** more YAML */
  readonly yaml?: string
  /** of squid-conf */
  readonly args?: readonly string[]
  /** whether Squid asks the helper, which is then waited for */
  readonly hasHelper?: boolean
}

async function squidSite(
  t: Test,
  { yaml = '', args = [], hasHelper = true }: SiteOptions = {},
) {
  const root = publicDirectory(t)
  const directory = resolve(root, 'run')
  execFileSync('install', ['-d', '-m', '755', directory])
  // the helper runs as Squid's user, and reports there
  if (process.getuid?.() === 0) {
    chownSync(directory, 0, 13)
    chmodSync(directory, 0o775)
  }
  const backends = [
    await startBackend(t, root, 'zope1'),
    await startBackend(t, root, 'zope2'),
  ]
  const configFile = resolve(root, 'zope-failover.yaml')
  writeFileSync(
    configFile,
    `directory: ${directory}\nstaleAfter: 1h\nbackends:\n${backends.map(({ name, url }) => `  ${name}: ${url}\n`).join('')}${yaml}`,
  )
  putUp(directory, 'zope1', 'zope2')
  beatMonitor(directory, ['zope1', 'zope2'])
  const main = resolve(dist, 'cli/main.js')
  const conf = execFileSync(process.execPath, [
    main,
    'squid-conf',
    '--config',
    configFile,
    ...args,
  ]).toString()
  const squid = await startSquid(t, conf)
  // Squid starts the helper with the first request, and goes on without it until
  // it answers
  await until('the helper to answer', async () => {
    await get(squid.port, '/')
    return !hasHelper || squid.accessLog().some(line => line.backend !== '-')
  })
  return { root, directory, backends, squid, configFile, main }
}

type Answer = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

async function get(
  port: number,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((done, fail) => {
    request(
      { host: '127.0.0.1', port, path, headers, agent: false },
      response => {
        let body = ''
        response
          .setEncoding('latin1')
          .on('data', (text: string) => (body += text))
        response.on('end', () => {
          done({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body,
          })
        })
      },
    )
      .on('error', fail)
      .end()
  })
}

void t.test('a new visitor gets the first backend and stays there', async t => {
  const { squid, directory } = await squidSite(t)
  const first = await get(squid.port, '/a%20b?c=%3F')
  t.equal(first.status, 200)
  t.equal(first.headers['x-backend'], 'zope1')
  t.match(first.headers['set-cookie'], [
    /^zope_route=zope1; Path=\/; HttpOnly; SameSite=Lax$/,
  ])
  const bound = { Cookie: 'x=1; zope_route=zope2' }
  const again = await get(squid.port, '/', bound)
  t.equal(again.headers['x-backend'], 'zope2')
  t.equal(again.headers['set-cookie'], undefined)

  writeFileSync(resolve(directory, 'zope1.drain'), '')
  await until(
    'new visitors to leave zope1',
    async () => (await get(squid.port, '/')).headers['x-backend'] === 'zope2',
  )
  const sticky = { Cookie: 'zope_route=zope1' }
  t.equal((await get(squid.port, '/', sticky)).headers['x-backend'], 'zope1')
})

void t.test('no backend is left: 503, Retry-After and the page', async t => {
  const { squid, directory } = await squidSite(t)
  for (const name of ['zope1', 'zope2'])
    writeFileSync(resolve(directory, `${name}.maint`), '')
  const answer = await until('a refusal', async () => {
    const got = await get(squid.port, '/')
    return got.status === 200 ? false : got
  })
  t.equal(answer.status, 503)
  t.equal(answer.headers['retry-after'], '30')
  t.match(answer.body, 'Back in a moment')
  t.equal(answer.headers['set-cookie'], undefined)
  rmSync(resolve(directory, 'zope2.maint'))
  await until(
    'zope2 to serve',
    async () => (await get(squid.port, '/')).headers['x-backend'] === 'zope2',
  )
})

void t.test('a site below the root of Zope', async t => {
  const { squid } = await squidSite(t, {
    args: ['--site', '/Plone', '--url', 'https://www.example.org'],
  })
  const answer = await get(squid.port, '/echo/a%20b?c=%3F', {
    Host: 'www.example.org',
  })
  t.equal(answer.status, 200)
  t.match(
    answer.body,
    '/VirtualHostBase/https/www.example.org:443/Plone/VirtualHostRoot/echo/a%20b?c=%3F',
  )
  for (const path of [
    '/a/VirtualHostRoot/x',
    '/a/Virtual%48ostRoot/x',
    '/VirtualHostBase/http/evil:80',
  ])
    t.equal((await get(squid.port, path)).status, 404, path)
  t.equal((await get(squid.port, '/../x')).status, 503, 'no way up')
})

void t.test('a backend is killed under load: no GET fails', async t => {
  const { squid, backends } = await squidSite(t)
  const load = startLoad({ port: squid.port })
  await more(load, 200)
  await backends[0]?.kill('SIGKILL')
  await more(load, 400)
  t.strictSame(failuresOf(await load.stop()).map(brief), [])
})

void t.test('ICP: shares, a drain, and a killed backend', async t => {
  const ports = [await freePort(), await freePort()]
  const { squid, directory, backends, configFile, main } = await squidSite(t, {
    hasHelper: false,
    args: ['--style', 'icp'],
    yaml: `pools: { default: { policy: balance } }\nicp: { listen: { zope1: "127.0.0.1:${ports[0]}", zope2: "127.0.0.1:${ports[1]}" } }\n`,
  })
  const icp = startProgram(t, process.execPath, [
    main,
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
