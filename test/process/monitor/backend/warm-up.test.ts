// A backend that was down is warmed up before new visitors come. A server of the
// test stands in for a Zope whose pages are slow until they were made once.
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import type {
  BackendReport,
  MonitorReport,
} from '../../../../sentinels/reports.ts'
import { listen } from '../../../../lab/probed-backend.ts'
import {
  dist,
  jsonLines,
  publicDirectory,
  startProgram,
  textOf,
  until,
  type Line,
  type Program,
} from '../../../../lab/processes.ts'

const base = '/VirtualHostBase/https/www.example.org:443/Plone/VirtualHostRoot'

/** Its probes pass, unless `isDown`; pages are held until the test lets go. */
async function startCold(t: Test) {
  const held: { url: string; response: ServerResponse }[] = []
  const cold = {
    isDown: true,
    held,
    /** statuses of pages that are answered at once */
    answers: new Map<string, number>(),
    asked: [] as string[],
    most: 0,
    port: 0,
  }
  const server = createServer((request, response) => {
    const url = request.url ?? ''
    if (url === '/probe') {
      response.writeHead(cold.isDown ? 503 : 200)
      response.end()
      return
    }
    cold.asked.push(url)
    const status = cold.answers.get(url)
    if (status !== undefined) {
      response.writeHead(status, { location: '/login' })
      response.end()
      return
    }
    held.push({ url, response })
    cold.most = Math.max(cold.most, held.length)
    response.on('close', () => {
      held.splice(
        0,
        held.length,
        ...held.filter(one => one.response !== response),
      )
    })
  })
  cold.port = await listen(t, server)
  return cold
}

function siteOf(t: Test, port: number, pool: object = {}) {
  const root = publicDirectory(t)
  const directory = `${root}/run`
  const configFile = `${root}/zope-failover.yaml`
  const write = (more: object): void =>
    writeFileSync(
      configFile,
      JSON.stringify({
        directory,
        backends: { zope1: `http://127.0.0.1:${port}` },
        pools: {
          default: {
            site: { path: '/Plone', url: 'https://www.example.org' },
            warmUp: ['/', '/news'],
            ...more,
          },
        },
        probe: {
          path: '/probe',
          interval: '100ms',
          // held pages are late, however slow this machine is
          slow: '5s',
          timeout: '30s',
          busyTimeout: '60s',
          heartbeat: 'off',
          slowStart: '0s',
        },
      }),
    )
  write(pool)
  const report = (): BackendReport | undefined => {
    const text = textOf(`${directory}/monitor.json`)
    if (text === undefined) return undefined
    const read: MonitorReport = JSON.parse(text)
    return read.backends['zope1']
  }
  const start = (): Program =>
    startProgram(t, process.execPath, [
      `${dist}/cli/main.js`,
      'monitor',
      `--config=${configFile}`,
    ])
  return { directory, write, report, start }
}

function logged(program: Program, message: string): Line[] {
  return jsonLines(program.output()).filter(line => line['msg'] === message)
}

await t.test('after down: its pages first, then visitors', async t => {
  const cold = await startCold(t)
  const site = siteOf(t, cold.port)
  const monitor = site.start()
  await until('it is down', () => site.report()?.state === 'down')
  t.same(cold.asked, [], 'one that is down is asked for no page')
  cold.isDown = false
  const next = async (url: string): Promise<ServerResponse> =>
    (await until(`GET ${url}`, () => cold.held.find(one => one.url === url)))
      .response
  const first = await next(`${base}/`)
  await until('it is warming', () => site.report()?.state === 'warming')
  t.equal(readFileSync(`${site.directory}/zope1.up`, 'utf8'), '0\n')
  t.match(site.report(), { share: 0, cold: true })

  // the state is on disk: another monitor goes on
  await monitor.kill('SIGKILL')
  first.end()
  const again = site.start()
  await until('the first page again', () => cold.held.length > 0)
  t.equal(readFileSync(`${site.directory}/zope1.up`, 'utf8'), '0\n')
  for (const path of ['/', '/news', '/', '/news']) {
    const page = await next(`${base}${path}`)
    t.match(site.report(), { share: 0, cold: true })
    page.end('x')
    await until('it is over', () =>
      cold.held.every(one => one.response !== page),
    )
  }
  await until('it is up', () => site.report()?.state === 'up')
  t.equal(cold.most, 1, 'one page at a time')
  t.match(logged(again, 'backend is warm'), [{ backend: 'zope1', share: 100 }])
  t.equal(
    readFileSync(`${site.directory}/zope1.up`, 'utf8'),
    '100\n',
    'new visitors',
  )
  const asked = cold.asked.length
  await until('a few more probes', () => (site.report()?.streak ?? 0) > 9)
  t.equal(cold.asked.length, asked, 'a warm one is not asked again')
})

await t.test('misconfigured pages keep no backend out', async t => {
  const cold = await startCold(t)
  cold.answers.set(`${base}/`, 302)
  cold.answers.set(`${base}/news`, 404)
  const site = siteOf(t, cold.port)
  const monitor = site.start()
  await until('it is down', () => site.report()?.state === 'down')
  cold.isDown = false
  await until('it is up', () => site.report()?.state === 'up')
  t.match(logged(monitor, 'warm-up page has a problem'), [
    { page: '/', remedy: /^status 302 to \/login, which warms nothing/ },
    { page: '/news', remedy: /^status 404, which warms nothing/ },
  ])
})

await t.test('a reload removes the pages', async t => {
  const cold = await startCold(t)
  const site = siteOf(t, cold.port)
  site.start()
  await until('it is down', () => site.report()?.state === 'down')
  cold.isDown = false
  await until('it is asked for a page', () => cold.held.length > 0)
  t.match(
    await until('it is warming', () => {
      const report = site.report()
      return report?.state === 'warming' && report
    }),
    { share: 0 },
  )
  site.write({ warmUp: [] })
  await until('it is up', () => site.report()?.state === 'up')
})

await t.test('planned restarts do not count for damping', async t => {
  const cold = await startCold(t)
  cold.isDown = false
  const site = siteOf(t, cold.port, { warmUp: [] })
  site.start()
  await until('it is up', () => site.report()?.state === 'up')
  writeFileSync(`${site.directory}/zope1.maint`, 'by: test\n')
  for (let count = 0; count < 4; count++) {
    cold.isDown = true
    await until('it is down', () => site.report()?.state === 'down')
    cold.isDown = false
    await until('it is up', () => {
      const report = site.report()
      t.notMatch(report?.reason, /too often/)
      return report?.state === 'up'
    })
  }
})
