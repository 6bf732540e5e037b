// The example with TLS and several sites, as its README sets it up.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as plain } from 'node:http'
import { connect } from 'node:http2'
import { request } from 'node:https'
import { resolve } from 'node:path'
import t from 'tap'
import { startBackend } from '../../../lab/backend.ts'
import { selfSigned } from '../../../lab/certificate.ts'
import { loadModules, startHttpd } from '../../../lab/httpd.ts'
import { commandsOf } from '../../fixtures/markdown.ts'
import {
  dist,
  freePort,
  publicDirectory,
  until,
} from '../../../lab/processes.ts'

const example = resolve(dist, '../examples/several-sites')

type Page = {
  status: number | undefined
  location: string | undefined
  body: string
}

const urlOf = ({ body }: Page): unknown => JSON.parse(body).url
const backendOf = ({ body }: Page): unknown => JSON.parse(body).backend

await t.test('two sites, TLS, HTTP/2, one map', async t => {
  const root = publicDirectory(t)
  const backends = await Promise.all(
    ['zope1', 'zope2', 'zope3'].map(name => startBackend(t, root, name)),
  )
  for (const folder of ['run', 'log', 'conf-available'])
    mkdirSync(`${root}/${folder}`)
  for (const { name } of backends) writeFileSync(`${root}/run/${name}.up`, '')
  const config = `${root}/zope-failover.yaml`
  writeFileSync(
    config,
    backends.reduce(
      (text, { name, url }) =>
        text.replace(new RegExp(`${name}: http.*`), `${name}: ${url}`),
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
  const certificate = selfSigned('www.example.org', 'intranet.example.org')
  writeFileSync(`${root}/cert.pem`, certificate.cert)
  writeFileSync(`${root}/key.pem`, certificate.key, { mode: 0o600 })
  const [port, tlsPort] = [await freePort(), await freePort()]
  const sites = readFileSync(`${example}/sites.conf`, 'utf8')
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
${sites}`,
  })

  const ask = async (
    host: string,
    path: string,
    isTls = true,
  ): Promise<Page> => {
    const options = {
      host: '127.0.0.1',
      port: isTls ? tlsPort : port,
      path,
      ca: certificate.cert,
      servername: 'www.example.org',
      headers: { Host: host },
      agent: false as const,
    }
    if (/^(?:www|intranet)\./.test(host)) options.servername = host
    const outgoing = isTls ? request(options) : plain(options)
    outgoing.end()
    const [response] = await once(outgoing, 'response')
    let body = ''
    for await (const chunk of response) body += String(chunk)
    return {
      status: response.statusCode,
      location: response.headers.location,
      body,
    }
  }
  const check = async (what: string): Promise<void> => {
    const www = await ask('www.example.org', '/echo/a%20b?c=d')
    t.equal(
      urlOf(www),
      '/VirtualHostBase/https/www.example.org:443/www/VirtualHostRoot/echo/a%20b?c=d',
      what,
    )
    t.match(backendOf(www), /^zope[12]$/, what)
    const intranet = await ask('intranet.example.org', '/echo')
    t.equal(
      urlOf(intranet),
      '/VirtualHostBase/https/intranet.example.org:443/intranet/VirtualHostRoot/echo',
      what,
    )
    t.equal(backendOf(intranet), 'zope3', what)
  }
  await check('at first')
  t.equal((await httpd.runningMaps()).length, 1, 'one map for all')

  const begun = backends.map(backend => backend.begun().size)
  for (const host of ['evil.example.net', 'none.invalid', '127.0.0.1', ''])
    for (const isTls of [true, false])
      t.equal((await ask(host, '/echo', isTls)).status, 403, `host "${host}"`)
  t.match(await ask('www.example.org', '/a?b', false), {
    status: 301,
    location: 'https://www.example.org/a?b',
  })
  t.strictSame(
    backends.map(backend => backend.begun().size),
    begun,
    'and no Zope was asked',
  )

  const session = connect(`https://www.example.org:${tlsPort}`, {
    ca: certificate.cert,
    lookup: (_host, _options, done) => {
      done(null, [{ address: '127.0.0.1', family: 4 }])
    },
  })
  const stream = session.request({ ':path': '/echo/h2' })
  const [head] = await once(stream, 'response')
  t.equal(head[':status'], 200)
  stream.resume()
  await once(stream, 'end')
  session.close()

  writeFileSync(`${root}/run/zope3.maint`, '')
  const intranet = await until('zope3 to be out', async () => {
    const page = await ask('intranet.example.org', '/echo')
    return backendOf(page) !== 'zope3' && page
  })
  t.equal(backendOf(intranet), 'zope2')
  writeFileSync(`${root}/run/zope2.maint`, '')
  await until(
    'the maintenance page',
    async () => (await ask('intranet.example.org', '/')).status === 503,
  )
  t.equal(
    backendOf(await ask('www.example.org', '/echo')),
    'zope1',
    'one site is closed, not the other',
  )
  for (const name of ['zope2', 'zope3'])
    writeFileSync(`${root}/run/${name}.maint`, 'until: 2020-01-01T00:00:00Z\n')
  await until(
    'both to be back',
    async () => (await ask('intranet.example.org', '/')).status === 200,
  )
  await httpd.graceful()
  await check('after a graceful')
  for (const name of ['zope2', 'zope3']) rmSync(`${root}/run/${name}.maint`)
  await httpd.killMap()
  await check('without the map')
  await httpd.stop()
  for (const site of ['www', 'intranet'])
    t.match(
      readFileSync(`${root}/log/${site}.log`, 'utf8'),
      / backend=zope\d balancer=balancer:\/\/zf\.\S+ route=\S+ via=map answer="zope\d \S+" zope=200 again=-/,
    )
})
