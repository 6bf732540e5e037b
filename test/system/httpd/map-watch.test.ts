// The monitor checks the map program through httpd, reports its state, and
// repairs it with the administrator's command.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import t from 'tap'
import {
  isMonitorReport,
  parseReport,
  type MapObservation,
} from '../../../sentinels/reports.ts'
import { more, startLoad } from '../../../lab/load.ts'
import { dist, freePort, textOf, until } from '../../../lab/processes.ts'
import { startSite, type Site } from '../../../lab/site.ts'

function mapSeen(site: Site): MapObservation | undefined {
  const text = textOf(`${site.directory}/monitor.json`)
  if (text === undefined) return undefined
  const report = parseReport(text)
  return isMonitorReport(report) ? report.map : undefined
}

async function seenAs(site: Site, state: string): Promise<MapObservation> {
  return until(`the map to be seen as ${state}`, () => {
    const seen = mapSeen(site)
    return seen?.state === state && seen
  })
}

const status = (site: Site): string =>
  execFileSync(
    process.execPath,
    [`${dist}/cli/main.js`, 'status', `--config=${site.configFile}`],
    { encoding: 'utf8' },
  )

/** The running monitor takes the key over. */
function lookAt(site: Site, port: number, more: string): void {
  const text = readFileSync(site.configFile, 'utf8').replace(/^map:.*$/m, '')
  writeFileSync(
    site.configFile,
    `${text}map: { url: 'http://127.0.0.1:${port}/.zope-failover/map', interval: 1s, timeout: 1s${more} }\n`,
  )
}

// one that is stopped is ended by the monitor first
for (const signal of ['SIGKILL', 'SIGSTOP'] as const)
  void t.test(`${signal}: seen, and replaced by the command`, async t => {
    const site = await startSite(t, { hasMonitor: true })
    t.equal(mapSeen(site), undefined, 'off by default')
    const ran = `${site.directory}/../ran`
    // begun at once, but it works only when it has been looked at
    const seen = `${site.directory}/../seen`
    lookAt(
      site,
      site.httpd.port,
      `, command: 'echo x >> ${ran}; until test -e ${seen}; do sleep 0.05; done; kill -USR1 ${site.httpd.pid}'`,
    )
    await seenAs(site, 'ok')
    t.match(
      status(site),
      /^map program seen through httpd: ok for \d+.*, answers zope1 zope2$/m,
    )
    const load = startLoad(t, { port: site.httpd.port, clients: 5 })
    await more(load, 50)
    for (const map of await site.httpd.runningMaps()) process.kill(map, signal)
    await seenAs(site, 'dead')
    t.match(status(site), 'map program seen through httpd: DEAD')
    writeFileSync(seen, '')
    const { commandAt } = await seenAs(site, 'ok')
    t.type(commandAt, 'string')
    t.equal(readFileSync(ran, 'utf8'), 'x\n', 'once')
    await until('the log to tell it', () =>
      site.monitor
        ?.output()
        .includes('map program is still broken, running the command'),
    )
    await more(load, 50)
    const samples = await load.stop()
    t.comment(
      `${samples.length} requests, ${samples.filter(it => it.status !== 200 && !it.isSentAgain).length} failed`,
    )
  })

void t.test('a program that hangs and is not ours to end', async t => {
  const site = await startSite(t, { hasMonitor: true, badMap: 'silent' })
  const ran = `${site.directory}/../ran`
  lookAt(site, site.httpd.port, `, command: 'echo x >> ${ran}'`)
  await seenAs(site, 'hung')
  t.match(status(site), 'map program seen through httpd: HUNG')
  await until('the command', () => textOf(ran))
})

void t.test('not where a new map would not help', async t => {
  const site = await startSite(t, { hasMonitor: true })
  const ran = `${site.directory}/../ran`
  const command = `, command: 'echo x >> ${ran}'`
  const port = await freePort()
  lookAt(site, port, command)
  await until(
    'three checks without an answer',
    async () => (await seenAs(site, 'unreachable')).streak > 3,
  )
  const server = createServer((_request, response) => {
    response.statusCode = 404
    response.end()
  })
  server.listen(port, '127.0.0.1')
  t.teardown(() => {
    server.close()
  })
  await until(
    'three looks at another site',
    async () => (await seenAs(site, 'not-configured')).streak > 3,
  )
  t.throws(() => readFileSync(ran), { code: 'ENOENT' })
})

void t.test('the site has another name', async t => {
  const site = await startSite(t, {
    hasMonitor: true,
    httpd: {
      extra: '<VirtualHost *:*>\nServerName first.example.org\n</VirtualHost>',
    },
  })
  lookAt(site, site.httpd.port, '')
  await seenAs(site, 'not-configured')
  lookAt(site, site.httpd.port, ', host: www.example.org')
  await seenAs(site, 'ok')
})
