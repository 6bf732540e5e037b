// A child of httpd that is killed between question and answer leaves the answer
// in the map's pipe: no visitor gets another one's, and the map is in step again
// after a few requests. And what /.zope-failover/map tells of all that.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import {
  request,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http'
import { connect } from 'node:net'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { loadModules } from '../../../lab/httpd.ts'
import { Visitor, type Sample } from '../../../lab/load.ts'
import { closed, publicDirectory, until } from '../../../lab/processes.ts'
import { startSite, type Site, type SiteOptions } from '../../../lab/site.ts'

const names = ['zope1', 'zope2', 'zope3']

type HeldSite = Site & {
  /** kills the child of httpd that waits for the answer to a question */
  readonly killBetween: () => Promise<void>
}

/** The real map behind held-map.js. */
async function startHeldSite(
  t: Test,
  options: SiteOptions = {},
): Promise<HeldSite> {
  const directory = publicDirectory(t)
  // the map is another user
  chmodSync(directory, 0o777)
  copyFileSync(
    new URL('../../fixtures/held-map.js', import.meta.url),
    `${directory}/held-map.mjs`,
  )
  const site = await startSite(t, {
    names,
    policy: 'balance',
    ...options,
    edit: conf =>
      conf.replace(
        '"prg:',
        `"prg:${process.execPath} ${directory}/held-map.mjs ${directory} `,
      ),
  })
  return {
    ...site,
    killBetween: async () => {
      writeFileSync(`${directory}/hold`, '')
      const socket = connect(site.httpd.port, '127.0.0.1')
      const end = closed(socket)
      socket.resume().write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      await until('the answer to be held', () =>
        existsSync(`${directory}/held`),
      )
      process.kill(serverOf(site.httpd.port, socket.localPort ?? 0), 'SIGKILL')
      await end
      rmSync(`${directory}/hold`)
      await until(
        'the answer to go through',
        () => !existsSync(`${directory}/held`),
      )
    },
  }
}

const hex = (port: number): string =>
  port.toString(16).toUpperCase().padStart(4, '0')

/** The process at the other end of a connection on loopback. */
function serverOf(port: number, clientPort: number): number {
  const inode = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .find(
      ([, local, remote]) =>
        local?.endsWith(`:${hex(port)}`) === true &&
        remote?.endsWith(`:${hex(clientPort)}`) === true,
    )?.[9]
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name)))
    try {
      for (const fd of readdirSync(`/proc/${pid}/fd`))
        if (readlinkSync(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`)
          return Number(pid)
    } catch {
      // gone, or none of ours
    }
  throw new Error('no process holds the connection')
}

/** One request of a visitor that sticks to this backend. */
async function askBound(site: Site, name: string): Promise<Sample> {
  const visitor = new Visitor({ port: site.httpd.port, isKeepAlive: false })
  visitor.cookies.set('zope_route', name)
  const sample = await visitor.ask('/')
  visitor.leave()
  return sample
}

void t.test('children killed between question and answer', async t => {
  const site = await startHeldSite(t)
  let asked = 0
  const wrong: Sample[] = []
  const ask = async (): Promise<void> => {
    const name = names[asked++ % names.length] ?? ''
    const sample = await askBound(site, name)
    if (sample.status !== 200 || sample.backend !== name) wrong.push(sample)
  }
  const waits: number[] = []
  const lostOf = (): number =>
    site.httpd.accessLog().filter(({ via }) => via !== 'map').length
  const losses: number[] = []
  for (const killed of [1, 1, 2, 1, 3, 1, 1]) {
    for (let count = 0; count < 5; count++) await ask()
    for (let count = 0; count < killed; count++) await site.killBetween()
    const before = asked
    const lostBefore = lostOf()
    // side by side, too
    await Promise.all(Array.from({ length: 4 }, ask))
    await until('the map to be in step', async () => {
      await ask()
      const line = site.httpd.accessLog().at(-1)
      return line?.via === 'map'
    })
    waits.push(asked - before)
    await until(
      'each request to be logged',
      () => site.httpd.accessLog().length >= asked,
    )
    losses.push(lostOf() - lostBefore)
  }
  await site.httpd.stop()
  const lines = site.httpd.accessLog()
  const lost = lines.filter(({ via }) => via !== 'map')
  t.comment(
    `10 children killed, ${asked} requests, ${wrong.length} wrong answers, ${lost.length} served by the sentinels until in step; requests until then: ${waits.join(', ')}; lost: ${losses.join(', ')}`,
  )
  t.strictSame(wrong, [], 'every visitor got the right backend')
  t.strictSame(
    lost.filter(({ via }) => via !== 'sentinels'),
    [],
  )
  // a child may take out what the one before it has left before it is killed
  // itself, so of several in a row only the last is sure to leave an answer
  t.ok(losses.every(count => count >= 1))
})

type Shown = { status: number | undefined; headers: IncomingHttpHeaders }

async function show(
  site: Site,
  headers: OutgoingHttpHeaders = {},
): Promise<Shown> {
  return new Promise((done, fail) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: site.httpd.port,
        path: '/.zope-failover/map',
        agent: false,
        headers,
      },
      response => {
        response.resume()
        response.on('end', () =>
          done({ status: response.statusCode, headers: response.headers }),
        )
      },
    )
    outgoing.on('error', fail).end()
  })
}

const shown = async (site: Site): Promise<unknown> =>
  (await show(site)).headers['x-zope-failover-map']

void t.test('what the path shows, and that it heals', async t => {
  const site = await startHeldSite(t, { policy: 'failover' })
  const { status, headers } = await show(site)
  t.equal(status, 204)
  t.equal(headers['x-zope-failover-map'], 'ok zope1 zope2')
  t.equal(headers['cache-control'], 'no-store')
  t.equal(headers['set-cookie'], undefined)
  await site.killBetween()
  t.equal(await shown(site), 'out-of-step')
  t.equal(await shown(site), 'ok zope1 zope2', 'the look itself has healed it')
  for (const name of names) site.touch(`${name}.maint`)
  await until(
    'no backend to be left',
    async () => (await shown(site)) === 'ok NULL',
  )
})

void t.test('a dead map program, and garbled answers', async t => {
  const site = await startSite(t)
  t.equal(await shown(site), 'ok zope1 zope2')
  await site.httpd.killMap()
  t.equal(await shown(site), 'dead')
  for (const badMap of ['garbage', 'stranger', 'half', 'long']) {
    const garbled = await startSite(t, { badMap })
    t.equal(await shown(garbled), 'garbled', badMap)
    await garbled.httpd.stop()
  }
})

void t.test('not reachable from outside', async t => {
  const site = await startSite(t)
  for (const [name, value] of [
    ['X-Forwarded-For', '192.0.2.1'],
    ['Forwarded', 'for=192.0.2.1'],
    ['Via', '1.1 proxy'],
  ] as const) {
    const { status, headers } = await show(site, { [name]: value })
    t.equal(status, 404, name)
    t.equal(headers['x-zope-failover-map'], undefined)
  }
})

for (const [address, status] of [
  ['127.0.0.9', 204],
  ['192.0.2.1', 404],
  ['1.127.0.0', 404],
] as const)
  void t.test(`asked from ${address}`, async t => {
    const site = await startSite(t, {
      httpd: {
        extra: loadModules(['remoteip']),
      },
      edit: conf => `RemoteIPProxyProtocol On\n${conf}`,
    })
    const socket = connect(site.httpd.port, '127.0.0.1')
    let answer = ''
    socket.on('data', chunk => {
      answer += chunk.toString()
    })
    socket.end(
      `PROXY TCP4 ${address} 127.0.0.1 4000 80\r\nGET /.zope-failover/map HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    )
    await once(socket, 'end')
    t.match(answer, `HTTP/1.1 ${status} `)
  })
