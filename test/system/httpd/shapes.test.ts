// The configuration in the shapes an administrator can give it: at server
// level, with the longest names, with spaces in the paths, without the
// VirtualHostMonster, with affinity.
import { execFileSync } from 'node:child_process'
import { get } from 'node:http'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { apacheConf } from '../../../lab/apache-conf.ts'
import { findHttpd, loadModules } from '../../../lab/httpd.ts'
import { Visitor } from '../../../lab/load.ts'
import { publicDirectory } from '../../../lab/processes.ts'
import { startSite, type Site } from '../../../lab/site.ts'

type Echo = {
  backend: string
  url: string
  headers: Record<string, string>
  connection: number
}

async function echo(site: Site, path: string): Promise<Echo> {
  return new Promise((done, fail) => {
    get({ host: '127.0.0.1', port: site.httpd.port, path }, response => {
      let body = ''
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      response.on('end', () => done(JSON.parse(body)))
    }).on('error', fail)
  })
}

void t.test('at server level', async t => {
  const site = await startSite(t, { httpd: { isServerLevel: true } })
  const { url } = await echo(site, '/echo')
  t.equal(
    url,
    `/VirtualHostBase/http/www.example.org:${site.httpd.port}/Plone/VirtualHostRoot/echo`,
  )
})

void t.test('the longest names', async t => {
  const names = ['a', 'b'].map(letter => letter.padEnd(32, '-0z'))
  const site = await startSite(t, { names, policy: 'balance' })
  const [first = ''] = names
  const visitor = new Visitor({ port: site.httpd.port })
  visitor.cookies.set('zope_route', first)
  t.equal((await visitor.ask('/')).backend, first)
  await site.backend(first).kill('SIGKILL')
  t.equal((await visitor.ask('/')).backend, names[1], 'httpd fails over')
  visitor.leave()
})

void t.test('spaces in the paths', async t => {
  const site = await startSite(t, { hasSpaces: true })
  t.equal((await echo(site, '/echo')).backend, 'zope1')
  site.remove('zope1.up')
  await site.httpd.killMap()
  t.equal((await echo(site, '/echo')).backend, 'zope2', 'without the map')
  await site.httpd.stop()
  t.strictSame(
    site.httpd.accessLog().map(({ via }) => via),
    ['map', 'sentinels'],
  )
})

void t.test('a public URL, and none', async t => {
  const given = await startSite(t, { conf: ['--url=https://www.example.org'] })
  t.equal(
    (await echo(given, '/echo')).url,
    '/VirtualHostBase/https/www.example.org:443/Plone/VirtualHostRoot/echo',
  )
  const bare = await startSite(t, { conf: ['--no-vhm'] })
  const { url, headers } = await echo(bare, '/echo/a%3Fb')
  t.equal(url.toUpperCase(), '/ECHO/A%3FB')
  t.equal(headers['host'], `127.0.0.1:${bare.httpd.port}`, "the visitor's host")
})

void t.test('paths of httpd itself', async t => {
  const site = await startSite(t, { conf: ['--exclude=/static.txt'] })
  const visitor = new Visitor({ port: site.httpd.port })
  const samples = [
    await visitor.ask('/static.txt'),
    await visitor.ask('/static.txt2'),
  ]
  visitor.leave()
  t.strictSame(
    samples.map(({ backend }) => backend),
    ['undefined', 'zope1'],
  )
})

void t.test('equal pages go to equal backends', async t => {
  const names = ['zope1', 'zope2', 'zope3']
  const site = await startSite(t, {
    names,
    policy: 'balance',
    conf: ['--affinity=url', '--no-cookie'],
  })
  const seen = new Set<string>()
  for (let page = 0; page < 20; page++) {
    const path = `/echo/${page}`
    const first = (await echo(site, path)).backend
    seen.add(first)
    for (let again = 0; again < 3; again++)
      t.equal((await echo(site, path)).backend, first, path)
  }
  t.equal(seen.size, 3, 'different pages to different ones')
  // escaped three times as long, more than a lookup may have
  const long = `/echo/${'%C3%BC'.repeat(1_300)}`
  t.equal((await echo(site, long)).url.endsWith('%c3%bc'), true)
  await site.httpd.stop()
  t.ok(site.httpd.accessLog().every(({ via }) => via === 'map'))
})

void t.test('one address, one backend', async t => {
  const site = await startSite(t, {
    names: ['zope1', 'zope2', 'zope3'],
    policy: 'balance',
    conf: ['--affinity=address', '--no-cookie'],
  })
  const seen = new Set<string>()
  for (let count = 0; count < 10; count++)
    seen.add((await echo(site, `/echo/${count}`)).backend)
  t.equal(seen.size, 1)
})

void t.test('https backends and twelve of them: httpd accepts it', t => {
  const root = publicDirectory(t)
  const modules = loadModules(
    'mpm_event authz_core rewrite proxy proxy_http slotmem_shm proxy_balancer lbmethod_byrequests headers unique_id log_config socache_shmcb ssl'.split(
      ' ',
    ),
  )
  for (const verify of ['true', 'false']) {
    writeFileSync(
      `${root}/zope-failover.yaml`,
      `directory: ${root}\nprobe: { verify: ${verify} }\nbackends:\n${Array.from({ length: 12 }, (_, at) => `  zope${at}: https://[::1]:${9000 + at}\n`).join('')}`,
    )
    const conf = apacheConf(`${root}/zope-failover.yaml`)
    writeFileSync(`${root}/generated.conf`, conf)
    writeFileSync(
      `${root}/httpd.conf`,
      `ServerRoot ${root}\nServerName www.example.org\nListen 127.0.0.1:1\nErrorLog ${root}/error.log\n${modules}\n<VirtualHost *:1>\nInclude ${root}/generated.conf\n</VirtualHost>\n`,
    )
    t.doesNotThrow(() =>
      execFileSync(findHttpd().binary, ['-t', '-f', `${root}/httpd.conf`], {
        stdio: 'pipe',
      }),
    )
  }
  t.end()
})

for (const isReuse of [false, true])
  void t.test(
    `connections to a backend are ${isReuse ? '' : 'not '}used again`,
    async t => {
      const site = await startSite(t, {
        httpd: { mpm: 'prefork' },
        conf: isReuse ? ['--keep-alive'] : [],
      })
      const seen = new Set<number>()
      for (let count = 0; count < 30; count++)
        seen.add((await echo(site, '/echo')).connection)
      t.comment(`30 requests on ${seen.size} connections`)
      if (isReuse) t.ok(seen.size < 30)
      else t.equal(seen.size, 30)
    },
  )

void t.test('an error page of httpd comes from httpd', async t => {
  const site = await startSite(t, {
    httpd: { extra: 'ErrorDocument 404 /static.txt' },
  })
  const visitor = new Visitor({ port: site.httpd.port })
  // %2F in a path is a 404 before any rule is asked
  const sample = await visitor.ask('/a%2Fb')
  visitor.leave()
  t.equal(sample.status, 404)
  t.equal(sample.backend, 'undefined')
  for (const backend of site.backends) t.equal(backend.begun().size, 0)
})
