// Requests inside a backend, as the kernel and as httpd count them.
import { appendFileSync } from 'node:fs'
import { connect } from 'node:net'
import t from 'tap'
import { loadConfig } from '../../../config/load.ts'
import { CountError, countInFlight } from '../../../operate/count.ts'
import { Visitor } from '../../../lab/load.ts'
import { until } from '../../../lab/processes.ts'
import { startSite } from '../../../lab/site.ts'

const conf = (text: string): string => `${text}\nProxyStatus On\n`

await t.test('both count what is inside, and nothing else', async t => {
  // dropped, they would no longer be in flight
  const yaml =
    'probe: { interval: 200ms, timeout: 1s, slow: 500ms, slowStart: 0s, damping: false, dropConnections: false }'
  const site = await startSite(t, { hasMonitor: true, edit: conf, yaml })
  const { port } = site.httpd
  const byKernel = loadConfig(site.configFile)
  appendFileSync(
    site.configFile,
    `httpd: { status: "http://127.0.0.1:${port}/server-status", host: www.example.org }\n`,
  )
  const byHttpd = loadConfig(site.configFile)
  const count = async (name: string): Promise<number[]> => {
    const backend = byKernel.backends.find(one => one.name === name)
    if (backend === undefined) throw new Error(name)
    return Promise.all([
      countInFlight(byKernel, backend, site.monitor?.pid),
      countInFlight(byHttpd, backend, undefined),
    ])
  }
  // a heartbeat that begins while ss runs is not attributed yet, and counts once
  const counts = (name: string, kernel: number, httpd: number) =>
    until(
      `${name}: ${kernel} by the kernel, ${httpd} by httpd`,
      async () => String(await count(name)) === `${kernel},${httpd}`,
    )
  await counts('zope1', 0, 0)
  await counts('zope2', 0, 0)

  // held by the kernel: neither a page nor a probe of the monitor's ends
  const zope1 = site.backend('zope1').program?.child
  const visitors = Array.from({ length: 3 }, () => new Visitor({ port }))
  const inside = visitors.map(visitor => visitor.ask('/?delay=600000'))
  await counts('zope1', 3, 3)
  await counts('zope2', 0, 0)
  zope1?.kill('SIGSTOP')
  await until('the monitor to wait for a probe', () => {
    const output = site.monitor?.output() ?? ''
    return (
      output.includes('"state":"frozen"') || output.includes('"state":"down"')
    )
  })
  await counts('zope1', 3, 3)

  // its headers are there, its body is not: httpd has not connected yet
  const upload = connect(port, '127.0.0.1')
  upload.write(
    'POST / HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: 9\r\n\r\n1',
  )
  await until('httpd to count it', async () => (await count('zope2'))[1] === 1)
  await counts('zope2', 0, 1)
  upload.destroy()

  zope1?.kill('SIGCONT')
  for (const visitor of visitors) visitor.leave()
  // both, for who loses the first is asked of the second
  for (const { kill } of site.backends) await kill('SIGKILL')
  await Promise.all(inside)
  await counts('zope1', 0, 0)
  await counts('zope2', 0, 0)
})

await t.test('what cannot be counted says what to do', async t => {
  const site = await startSite(t)
  const config = loadConfig(site.configFile)
  const [backend] = config.backends
  if (backend === undefined) throw new Error('no backend')
  const ask = (path: string, port = site.httpd.port) =>
    countInFlight(
      {
        ...config,
        httpd: { status: [`http://127.0.0.1:${port}${path}`], host: null },
      },
      backend,
      undefined,
    )
  const rejects = (what: Promise<number>, message: RegExp) =>
    t.rejects(what, { name: CountError.name, message })
  await rejects(ask('/server-status'), /write "ProxyStatus On"/)
  await rejects(ask('/.zope-failover/none'), /got status 404; see docs/)
  await rejects(ask('/', 9), /got ECONNREFUSED; see docs/)
  await rejects(
    countInFlight(config, { ...backend, host: 'zope.invalid' }, undefined),
    /zope.invalid cannot be resolved \(E/,
  )
})

await t.test('one that httpd does not know', async t => {
  const site = await startSite(t, { edit: conf })
  const config = loadConfig(site.configFile)
  const [backend] = config.backends
  if (backend === undefined) throw new Error('no backend')
  await t.rejects(
    countInFlight(
      {
        ...config,
        httpd: {
          status: [`http://127.0.0.1:${site.httpd.port}/server-status`],
          host: null,
        },
      },
      { ...backend, port: 1 },
      undefined,
    ),
    {
      message:
        /must know http:\/\/127.0.0.1:1, but it is not a balancer member/,
    },
  )
})
