// The example with Volto and Plone on one host, as its README sets it up. The
// backends are stand-ins that send back what they were asked.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { resolve } from 'node:path'
import t from 'tap'
import { selfSigned } from '../../../lab/certificate.ts'
import { startEcho } from '../../../lab/echo.ts'
import { loadModules, startHttpd } from '../../../lab/httpd.ts'
import { commandsOf } from '../../fixtures/markdown.ts'
import {
  dist,
  freePort,
  publicDirectory,
  until,
} from '../../../lab/processes.ts'

const example = resolve(dist, '../examples/volto')
const names = ['plone1', 'plone2', 'volto1', 'volto2']
const base = '/VirtualHostBase/https/www.example.org:443/Plone/++api++'

type Page = {
  status: number | undefined
  cookies: string[] | undefined
  backend: string
  url: string
  host: string
}

void t.test('Volto at /, Plone below /++api++', async t => {
  const root = publicDirectory(t)
  const broken = new Set<string>()
  const backends = await Promise.all(
    names.map(async name => ({ name, port: await startEcho(t, name, broken) })),
  )
  for (const folder of ['run', 'log', 'conf-available'])
    mkdirSync(`${root}/${folder}`)
  for (const name of names) writeFileSync(`${root}/run/${name}.up`, '')
  const config = `${root}/zope-failover.yaml`
  writeFileSync(
    config,
    backends.reduce(
      (text, { name, port }) =>
        text.replace(
          new RegExp(`(${name}: (?:\\{ url: )?)http[^ ,\\n]*`),
          `$1http://127.0.0.1:${port}`,
        ),
      `directory: ${root}/run\n${readFileSync(`${example}/zope-failover.yaml`, 'utf8')}`,
    ),
  )
  for (const line of commandsOf(`${example}/README.md`)) {
    if (!line.startsWith('zope-failover ')) continue
    const words = line
      .split(' ')
      .slice(1)
      .map(word => word.replace('/etc/apache2', root))
    execFileSync(
      process.execPath,
      [`${dist}/cli/main.js`, ...words, '--config', config],
      { stdio: 'pipe' },
    )
  }
  const certificate = selfSigned('www.example.org')
  writeFileSync(`${root}/cert.pem`, certificate.cert)
  writeFileSync(`${root}/key.pem`, certificate.key, { mode: 0o600 })
  const [port, tlsPort] = [await freePort(), await freePort()]
  const site = readFileSync(`${example}/site.conf`, 'utf8')
    .replaceAll('*:80', `*:${port}`)
    .replaceAll('*:443', `*:${tlsPort}`)
    .replaceAll('/etc/ssl/certs/example.org.pem', `${root}/cert.pem`)
    .replaceAll('/etc/ssl/private/example.org.key', `${root}/key.pem`)
    .replaceAll('/etc/apache2', root)
  const httpd = await startHttpd(t, {
    conf: readFileSync(`${root}/conf-available/zope-failover.conf`, 'utf8'),
    isServerLevel: true,
    extra: `${loadModules(['socache_shmcb', 'ssl', 'http2'])}
Define APACHE_LOG_DIR ${root}/log
Listen 127.0.0.1:${port}
Listen 127.0.0.1:${tlsPort}
${site}`,
  })
  const ask = async (path: string, cookie = ''): Promise<Page> => {
    const outgoing = request({
      host: '127.0.0.1',
      port: tlsPort,
      path,
      ca: certificate.cert,
      servername: 'www.example.org',
      headers: { Host: 'www.example.org', Cookie: cookie },
      agent: false,
    }).end()
    const [response] = await once(outgoing, 'response')
    let body = ''
    for await (const chunk of response) body += String(chunk)
    return {
      status: response.statusCode,
      cookies: response.headers['set-cookie'],
      backend: String(response.headers['x-backend']),
      ...(body.startsWith('{') ? JSON.parse(body) : { url: '', host: '' }),
    }
  }

  for (const [path, url] of [
    ['/++api++/echo/a%20b?c=d', `${base}/VirtualHostRoot/echo/a%20b?c=d`],
    ['/%2B%2Bapi%2B%2B/echo/', `${base}/VirtualHostRoot/echo/`],
    ['/++api++/echo/a%3Fb%25', `${base}/VirtualHostRoot/echo/a%3fb%25`],
  ]) {
    const page = await ask(path ?? '')
    t.equal(page.url, url)
    t.match(page.backend, /^plone[12]$/)
    t.not(page.host, 'www.example.org', 'VirtualHostMonster has the name')
    t.strictSame(page.cookies, [
      `zope_route=${page.backend}; Path=/++api++; HttpOnly; SameSite=Lax; Secure`,
    ])
  }
  for (const path of [
    '/echo/a%20b?c=d',
    '/++api/echo',
    '/++api++x/echo',
    '/x/++api++/echo',
    // a word of VirtualHostMonster is nothing to Volto
    '/echo/VirtualHostRoot/x',
  ]) {
    const page = await ask(path)
    t.equal(page.url, path)
    t.match(page.backend, /^volto[12]$/, path)
    t.strictSame(page.cookies, [
      `zope_route=${page.backend}; Path=/; HttpOnly; SameSite=Lax; Secure`,
    ])
  }
  t.equal((await ask('/echo')).host, 'www.example.org', "the visitor's Host")
  t.match(await ask('/++api++'), { backend: /^plone/, status: 200 })
  t.match(await ask('/++api++/VirtualHostRoot/x'), { status: 404 })
  t.match(await ask('/++api++/.zope-failover/x'), { status: 404 })
  for (const [cookie, plone, volto] of [
    ['zope_route=plone2; zope_route=volto1', 'plone2', 'volto1'],
    ['zope_route=plone1; zope_route=volto2', 'plone1', 'volto2'],
  ]) {
    t.match(await ask('/++api++/echo', cookie), {
      backend: plone,
      cookies: undefined,
    })
    t.match(await ask('/echo', cookie), { backend: volto, cookies: undefined })
  }

  // a second chance in both pools, below the prefix and outside it
  broken.add('plone1').add('volto1')
  for (const [path, name, other, url] of [
    ['/++api++/a%20b', 'plone1', 'plone2', `${base}/VirtualHostRoot/a%20b`],
    ['/a%20b', 'volto1', 'volto2', '/a%20b'],
  ] as const) {
    const page = await ask(path, `zope_route=${name}`)
    t.match(page, { status: 200, backend: other, url }, path)
    t.match(page.cookies, [`zope_route=${other}; Path=`])
    t.equal(page.cookies?.length, 1)
  }
  broken.add('plone2')
  const page = await ask('/++api++/x', 'zope_route=plone1')
  t.match(page, { status: 503, cookies: undefined }, 'both fail')
  broken.clear()
  // maintenance of one pool closes its part of the host only
  for (const name of ['plone1', 'plone2'])
    writeFileSync(`${root}/run/${name}.maint`, '')
  await until(
    'the maintenance page',
    async () => (await ask('/++api++/echo')).status === 503,
  )
  t.match(await ask('/echo'), { status: 200, backend: /^volto/ })
  await httpd.killMap()
  t.match(await ask('/++api++/echo'), { status: 503 }, 'without the map')
  t.match(await ask('/echo'), { status: 200, backend: /^volto/ })
  for (const name of ['plone1', 'plone2']) rmSync(`${root}/run/${name}.maint`)
  t.match(await ask('/++api++/echo'), { status: 200, backend: /^plone/ })
})
