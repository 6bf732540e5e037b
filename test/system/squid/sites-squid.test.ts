// The cache of a real Squid, several sites in it, and the helper as an acl.
import t from 'tap'
import { until } from '../../../lab/processes.ts'
import {
  get,
  servedBy,
  startSquidSite,
  type SquidSite,
} from '../../../lab/squid-site.ts'

const pools = `pools:
  www: { members: [zope1, zope2] }
  intranet: { members: [zope3] }
`
const hosts = [
  ...['--url', 'www=http://www.example.org'],
  ...['--url', 'intranet=http://intranet.example.org'],
]
const names = ['zope1', 'zope2', 'zope3']

async function results({ squid }: SquidSite, count: number) {
  // the log is written after the answer
  return until('the log', () => {
    const lines = squid.accessLog().filter(({ id }) => id.startsWith('cache'))
    return lines.length === count && lines.map(({ result }) => result)
  })
}

void t.test('a page is cached once, whichever Zope made it', async t => {
  const site = await startSquidSite(t)
  const { port } = site.squid
  const bodies = []
  for (const [index, route] of ['zope1', 'zope2', 'zope1', 'zope2'].entries()) {
    const { headers, body } = await get(port, '/public/page', {
      Cookie: `zope_route=${route}`,
      'X-Request': `cache${index}`,
    })
    bodies.push([headers['x-backend'], body])
  }
  for (const made of bodies) t.strictSame(made, ['zope1', 'zope1\n'])
  t.match(await results(site, 4), [/MISS/, /HIT/, /HIT/, /HIT/])
})

for (const args of [
  hosts,
  [...hosts, '--site', 'www=/www', '--site', 'intranet=/intranet'],
])
  void t.test('two sites with one path are never mixed', async t => {
    const site = await startSquidSite(t, { names, yaml: pools, args })
    const { port } = site.squid
    const ask = async (host: string, id: string) => {
      const { body } = await get(port, '/public/page', {
        Host: `${host}.example.org`,
        'X-Request': `cache${id}`,
      })
      return body
    }
    for (let count = 0; count < 10; count++) {
      t.equal(await ask('www', `w${count}`), 'zope1\n')
      t.equal(await ask('intranet', `i${count}`), 'zope3\n')
    }
    const found = await results(site, 20)
    t.equal(found.filter(result => result.includes('MISS')).length, 2)
  })

for (const style of ['helper', 'external-acl'])
  void t.test(`several pools, --style ${style}`, async t => {
    const { squid, touch } = await startSquidSite(t, {
      names,
      yaml: pools,
      args: [...hosts, '--style', style],
    })
    const { port } = squid
    const www = 'www.example.org'
    const intranet = 'intranet.example.org'
    t.equal(await servedBy(port, undefined, www), 'zope1')
    t.equal(await servedBy(port, 'zope2', www), 'zope2')
    t.equal(await servedBy(port, undefined, intranet), 'zope3')
    t.equal(await servedBy(port, 'zope1', intranet), 'zope3')
    t.equal((await get(port, '/', { Host: 'other.example.org' })).status, 403)
    touch('zope3.maint')
    const page = await until('the page', async () => {
      const answer = await get(port, '/', { Host: intranet })
      return answer.status !== 200 && answer
    })
    t.equal(page.status, 503)
    t.equal(page.headers['retry-after'], '30')
    t.equal(await servedBy(port, undefined, www), 'zope1', 'the other stays')
  })

void t.test('as an acl: new visitors, sticky ones, a drain', async t => {
  const { squid, touch } = await startSquidSite(t, {
    args: ['--style', 'external-acl'],
  })
  const { port } = squid
  const { headers } = await get(port, '/')
  t.equal(headers['x-backend'], 'zope1')
  t.match(headers['set-cookie'], [/^zope_route=zope1;/])
  touch('zope1.drain')
  await until(
    'new visitors leave',
    async () => (await servedBy(port)) === 'zope2',
  )
  t.equal(await servedBy(port, 'zope1'), 'zope1')
})
