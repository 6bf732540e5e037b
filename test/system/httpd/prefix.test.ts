// A path of a host is Zope's (--prefix), everything else is the site's; and sites
// whose paths must be escaped.
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import t, { type Test } from 'tap'
import { startEcho } from '../../../lab/echo.ts'
import { apacheConf } from '../../../lab/apache-conf.ts'
import { startHttpd, type Httpd } from '../../../lab/httpd.ts'
import { publicDirectory, until } from '../../../lab/processes.ts'

type Site = { httpd: Httpd; directory: string; broken: Set<string> }

/** zope1 and zope2 are up, and inside the test. */
async function startSite(t: Test, conf: readonly string[]): Promise<Site> {
  const root = publicDirectory(t)
  const directory = `${root}/run`
  mkdirSync(directory)
  const broken = new Set<string>()
  const names = ['zope1', 'zope2']
  const ports = await Promise.all(
    names.map(async name => startEcho(t, name, broken)),
  )
  for (const name of names) writeFileSync(`${directory}/${name}.up`, '')
  const config = `${root}/zope-failover.yaml`
  writeFileSync(
    config,
    `directory: ${directory}
backends:
${names.map((name, at) => `  ${name}: http://127.0.0.1:${ports[at]}`).join('\n')}
`,
  )
  const text = apacheConf(config, '--url=http://www.example.org', ...conf)
  return { httpd: await startHttpd(t, { conf: text }), directory, broken }
}

type Page = {
  status: number | undefined
  backend: string | undefined
  cookies: string[] | undefined
  body: string
  url: string
  map: string | undefined
}

async function ask({ httpd }: Site, path: string): Promise<Page> {
  const outgoing = request({
    host: '127.0.0.1',
    port: httpd.port,
    path,
    agent: false,
  }).end()
  const [response] = await once(outgoing, 'response')
  let body = ''
  for await (const chunk of response) body += String(chunk)
  return {
    status: response.statusCode,
    backend: response.headers['x-backend'],
    cookies: response.headers['set-cookie'],
    map: response.headers['x-zope-failover-map'],
    body,
    url: body.startsWith('{') ? JSON.parse(body).url : '',
  }
}

const host = '/VirtualHostBase/http/www.example.org:80'

void t.test('only the prefix', async t => {
  const site = await startSite(t, ['--prefix=/api', '--site=/Plone'])
  const base = `${host}/Plone/VirtualHostRoot/_vh_api`
  for (const [path, url] of [
    ['/api', `${base}/`],
    ['/api/', `${base}/`],
    ['/api?x=y', `${base}/?x=y`],
    ['/api/a%20b%3Fc/d?e=%26', `${base}/a%20b%3fc/d?e=%26`],
    ['/%61pi/static.txt', `${base}/static.txt`],
  ] as const)
    t.match(
      await ask(site, path),
      {
        status: 200,
        url,
        cookies: ['zope_route=zope1; Path=/api; HttpOnly; SameSite=Lax'],
      },
      path,
    )
  t.match(await ask(site, '/api/VirtualHostRoot/x'), { status: 404 })
  t.match(await ask(site, '/api/.zope-failover/map'), {
    status: 204,
    map: 'ok zope1 zope2',
  })
  const others = async (): Promise<void> => {
    t.match(await ask(site, '/static.txt'), {
      status: 200,
      body: 'httpd itself\n',
      cookies: undefined,
    })
    for (const path of [
      '/apix',
      '/API/x',
      '/x/api/y',
      '/VirtualHostRoot/api',
      '/.zope-failover/map',
    ])
      t.match(
        await ask(site, path),
        { status: 404, backend: undefined, map: undefined },
        path,
      )
  }
  await others()
  site.broken.add('zope1')
  t.match(await ask(site, '/api/a%20b?c'), {
    status: 200,
    backend: 'zope2',
    url: `${base}/a%20b?c`,
  })
  site.broken.add('zope2')
  const page = await ask(site, '/api/x')
  t.match(page, { status: 503, cookies: undefined })
  t.match(page.body, 'Back in a moment')
  site.broken.clear()
  for (const name of ['zope1', 'zope2'])
    writeFileSync(`${site.directory}/${name}.maint`, '')
  await until(
    'the maintenance page',
    async () => (await ask(site, '/api/x')).status === 503,
  )
  await others()
  await site.httpd.killMap()
  t.match(await ask(site, '/api/x'), { status: 503 })
  await others()
  for (const name of ['zope1', 'zope2'])
    rmSync(`${site.directory}/${name}.maint`)
  t.match(await ask(site, '/api/x'), { status: 200, url: `${base}/x` })
})

void t.test('a path of several names', async t => {
  const site = await startSite(t, ['--prefix=/a/b.c', '--no-cookie'])
  t.equal(
    (await ask(site, '/a/b.c/d')).url,
    `${host}/VirtualHostRoot/_vh_a/_vh_b.c/d`,
  )
  t.match(await ask(site, '/a/bxc/d'), { status: 404 })
  t.match(await ask(site, '/a'), { status: 404 })
})

void t.test('a site whose path must be escaped', async t => {
  for (const [path, escaped] of [
    ['/my site/Plöne (1)', '/my%20site/pl%c3%b6ne%20%281%29'],
    ["/a,b$1%{X}'#?".replace('%', ''), '/a%2cb%241%7bx%7d%27%23%3f'],
    ['/++x++y/@@z', '/++x++y/@@z'],
  ] as const) {
    const site = await startSite(t, [`--site=${path}`])
    const url = `${host}${escaped}/VirtualHostRoot/q%20r`.toLowerCase()
    const first = await ask(site, '/q%20r')
    t.equal(first.url.toLowerCase(), url, path)
    site.broken.add('zope1')
    const second = await ask(site, '/q%20r')
    t.match(second, { status: 200, backend: 'zope2' })
    t.equal(second.url.toLowerCase(), url, 'the second chance')
  }
})
