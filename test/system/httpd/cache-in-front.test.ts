// A real Varnish with its defaults before httpd: what everyone may see is cached,
// a route cookie goes to one visitor, and an error page is not kept.
import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { resolve } from 'node:path'
import t, { type Test } from 'tap'
import {
  checkout,
  freePort,
  publicDirectory,
  startProgram,
  until,
} from '../../../lab/processes.ts'
import { startSite } from '../../../lab/site.ts'
import { isListening } from '../../../lab/zeo.ts'

type Answer = {
  readonly status: number
  readonly cookies: readonly string[]
  readonly body: string
}

const daemons = resolve(checkout, '.venv/daemons/run')

/** @returns its port */
async function startVarnish(t: Test, httpdPort: number): Promise<number> {
  const root = publicDirectory(t)
  const port = await freePort()
  writeFileSync(
    `${root}/site.vcl`,
    `vcl 4.1;\nbackend httpd { .host = "127.0.0.1"; .port = "${httpdPort}"; }\n`,
  )
  const varnish = startProgram(t, daemons, [
    ...['varnishd', '-F', '-j', 'none', '-n', `${root}/varnish`],
    ...[
      '-a',
      `127.0.0.1:${port}`,
      '-f',
      `${root}/site.vcl`,
      '-s',
      'default,8m',
    ],
  ])
  await until('Varnish to listen', async () => {
    if (varnish.isGone()) throw new Error(varnish.output())
    return await isListening(port)
  })
  return port
}

/** Each request is a new visitor: it sends no cookie. */
async function ask(port: number, path: string, id: string): Promise<Answer> {
  return await new Promise((done, failed) => {
    request(
      { port, path, headers: { 'X-Request': id, Host: 'www.example.org' } },
      response => {
        let body = ''
        response.on('data', (chunk: Buffer) => {
          body += chunk.toString()
        })
        response.on('end', () =>
          done({
            status: response.statusCode ?? 0,
            cookies: response.headers['set-cookie'] ?? [],
            body,
          }),
        )
      },
    )
      .on('error', failed)
      .end()
  })
}

async function fourVisitors(port: number, path: string): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const n of [1, 2, 3, 4])
    answers.push(await ask(port, path, `${path.slice(1)}-${n}`))
  return answers
}

await t.test('Varnish before httpd', async t => {
  const site = await startSite(t, { names: ['zope1', 'zope2'] })
  const port = await startVarnish(t, site.httpd.port)
  const reached = (name: string, path: string): number =>
    [...site.backend(name).begun()].filter(id => id.startsWith(path)).length

  for (const { status, cookies, body } of await fourVisitors(port, '/public')) {
    t.strictSame({ status, cookies }, { status: 200, cookies: [] })
    t.equal(body, 'zope1\n')
  }
  t.equal(reached('zope1', 'public'), 1, 'three of four come from the cache')

  for (const { status, cookies } of await fourVisitors(port, '/private')) {
    t.equal(status, 200)
    t.match(cookies, [/^zope_route=.*zope1/], 'their own cookie')
  }
  t.equal(reached('zope1', 'private'), 4, 'nobody gets the page of another')

  await site.backend('zope1').kill('SIGKILL')
  t.match(
    await ask(port, '/public/late', 'late'),
    { status: 200, cookies: [], body: 'zope2\n' },
    'a second chance is cached like a first one',
  )
  await ask(port, '/public/late', 'late-again')
  t.equal(reached('zope2', 'late'), 1)

  for (const name of ['zope1', 'zope2']) site.touch(`${name}.maint`)
  await until('the maintenance page', async () => {
    const { status } = await ask(site.httpd.port, '/direct', 'direct')
    return status === 503
  })
  t.match(await ask(port, '/public/closed', 'closed'), { status: 503 })
  t.match(
    await ask(port, '/public', 'cached'),
    { status: 200, body: 'zope1\n' },
    'what is cached is still served',
  )
  site.remove('zope2.maint')
  await until('zope2 to serve', async () => {
    const { status } = await ask(site.httpd.port, '/direct', 'direct')
    return status === 200
  })
  t.match(
    await ask(port, '/public/closed', 'open'),
    { status: 200, body: 'zope2\n' },
    'the maintenance page was not kept',
  )
})
