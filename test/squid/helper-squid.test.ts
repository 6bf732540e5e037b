// The helper behind a real Squid.
import { execFileSync } from 'node:child_process'
import { request } from 'node:http'
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { startBackend } from '../fixtures/backend.ts'
import { failuresOf, more, startLoad, Visitor } from '../fixtures/load.ts'
import { beatMonitor, putUp } from '../fixtures/map.ts'
import { dist, publicDirectory } from '../fixtures/processes.ts'
import { startSquid } from '../fixtures/squid.ts'

type SiteOptions = { readonly pool?: string; readonly args?: readonly string[] }

async function squidSite(t: Test, { pool = '', args = [] }: SiteOptions = {}) {
  const directory = publicDirectory(t)
  const backends = [
    await startBackend(t, directory, 'zope1'),
    await startBackend(t, directory, 'zope2'),
  ]
  const configFile = resolve(directory, 'zope-failover.yaml')
  writeFileSync(
    configFile,
    `directory: ${directory}\nbackends:\n${backends.map(({ name, url }) => `  ${name}: ${url}\n`).join('')}${pool}`,
  )
  putUp(directory, 'zope1', 'zope2')
  beatMonitor(directory, ['zope1', 'zope2'])
  const conf = execFileSync(process.execPath, [
    resolve(dist, 'cli/main.js'),
    'squid-conf',
    '--config',
    configFile,
    ...args,
  ]).toString()
  const squid = await startSquid(t, conf)
  return { directory, backends, squid, configFile }
}

function get(port: number, path: string, headers: Record<string, string> = {}) {
  return new Promise<{
    status: number
    headers: Record<string, unknown>
    body: string
  }>((done, fail) => {
    request(
      { host: '127.0.0.1', port, path, headers, agent: false },
      response => {
        let body = ''
        response
          .setEncoding('latin1')
          .on('data', (text: string) => (body += text))
        response.on('end', () =>
          done({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body,
          }),
        )
      },
    )
      .on('error', fail)
      .end()
  })
}

void t.test('a visitor is sent to the first backend, and stays', async t => {
  const { squid } = await squidSite(t)
  const first = await get(squid.port, '/a%20b?c=%3F')
  t.equal(first.status, 200)
  t.equal(first.headers['x-backend'], 'zope1')
  t.match(
    String(first.headers['set-cookie']),
    /zope_route=zope1; Path=\/; HttpOnly; SameSite=Lax$/,
  )
  const again = await get(squid.port, '/', { Cookie: 'zope_route=zope2' })
  t.equal(again.headers['x-backend'], 'zope2')
  t.equal(again.headers['set-cookie'], undefined)
})

void t.test('nobody can serve: 503, Retry-After and the page', async t => {
  const { squid, directory } = await squidSite(t)
  for (const name of ['zope1', 'zope2'])
    writeFileSync(`${directory}/${name}.maint`, '')
  let answer = await get(squid.port, '/')
  while (answer.status === 200) answer = await get(squid.port, '/')
  t.equal(answer.status, 503)
  t.equal(answer.headers['retry-after'], '30')
  t.match(answer.body, 'Back in a moment')
  t.equal(answer.headers['set-cookie'], undefined)
})

void t.test('VirtualHostMonster', async t => {
  const { squid } = await squidSite(t, {
    args: ['--site', '/Plone', '--url', 'https://www.example.org'],
  })
  const answer = await get(squid.port, '/news?x=1', { Host: 'www.example.org' })
  t.equal(answer.status, 200)
  t.comment(answer.body)
  const bad = await get(squid.port, '/a/VirtualHostRoot/x')
  t.equal(bad.status, 404)
  const up = await get(squid.port, '/../x')
  t.equal(up.status, 503)
})

void t.test('SIGKILL under load', async t => {
  const { squid, backends } = await squidSite(t)
  const load = startLoad({ port: squid.port })
  await more(load, 300)
  await backends[0]?.kill('SIGKILL')
  await more(load, 600)
  t.strictSame(failuresOf(await load.stop()), [])
  t.comment(load.samples.length)
  void Visitor
})
