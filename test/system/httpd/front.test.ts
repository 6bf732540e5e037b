// front.up and the path that shows it, with the real monitor and the real httpd.
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import {
  isMonitorReport,
  parseReport,
  type ProbeRecord,
} from '../../../sentinels/reports.ts'
import { textOf, until } from '../../../lab/processes.ts'
import { startSite, type Site } from '../../../lab/site.ts'

const quickly =
  'probe: { interval: 200ms, timeout: 1s, slow: 500ms, slowStart: 0s, damping: false }'
// nothing listens there until the test knows where httpd is
const nowhere = 'front: { url: "http://127.0.0.1:1/.zope-failover/map" }'

async function frontSite(t: Test, conf: readonly string[] = ['--up=/up']) {
  const site = await startSite(t, {
    hasMonitor: true,
    yaml: `${quickly}\n${nowhere}`,
    conf,
  })
  return {
    ...site,
    score: () => textOf(`${site.directory}/front.up`),
    /** the configuration says where httpd is now */
    look: (port: number) => lookAt(site, port),
  }
}

function lookAt({ configFile, monitor }: Site, port: number): void {
  const text = readFileSync(configFile, 'utf8')
  const url = /(?<=front: \{ url: "http:\/\/127\.0\.0\.1:)\d+/
  writeFileSync(configFile, text.replace(url, String(port)))
  monitor?.child.kill('SIGHUP')
}

const isStarting = ({ outcome }: ProbeRecord) => outcome === 'starting'

async function up(port: number, init: RequestInit = {}, path = '/up') {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
  return {
    status: response.status,
    body: await response.text(),
    headers: Object.fromEntries(response.headers),
  }
}

/** The last checks as the monitor has reported them. */
function looksOf({ directory }: Site): readonly ProbeRecord[] {
  const report = parseReport(textOf(`${directory}/monitor.json`) ?? '')
  return isMonitorReport(report) ? (report.front?.probes ?? []) : []
}

void t.test('front.up, and the path that shows it', async t => {
  const site = await frontSite(t)
  const { port } = site.httpd
  const isGood = (): boolean => site.score() === '100\n'
  const isOut = (): boolean => site.score() === undefined
  await until('the front is called silent', () =>
    /"state":"silent".*front changed/.test(site.monitor?.output() ?? ''),
  )
  t.equal(site.score(), undefined, 'not written before it is deserved')
  t.equal((await up(port)).status, 404)

  site.look(port)
  await until('it is worth 100', isGood)
  t.match(await up(port), {
    status: 200,
    body: '100\n',
    headers: { 'cache-control': 'no-store', 'content-type': 'text/plain' },
  })
  t.match(await up(port, { method: 'HEAD' }), { status: 200, body: '' })
  for (const headers of [
    { 'if-modified-since': new Date(Date.now() + 86_400_000).toUTCString() },
    { 'if-none-match': '*' },
  ])
    t.match(await up(port, { headers }), { status: 200, body: '100\n' })
  t.match(await up(port, {}, '/up/x'), { status: 200, body: /zope/ })

  const { ino, mtimeMs } = statSync(`${site.directory}/front.up`)
  const since = looksOf(site).at(-1)?.at ?? ''
  await until('more looks', () => looksOf(site).every(({ at }) => at > since))
  t.match(
    statSync(`${site.directory}/front.up`),
    { ino, mtimeMs },
    'written when it changes, not at each look',
  )

  site.touch('front.maint')
  await until('maint takes it away', isOut)
  t.equal((await up(port)).status, 404)
  t.equal((await up(port, {}, '/')).status, 200, 'visitors are served still')
  site.remove('front.maint')
  await until('ready brings it back', isGood)

  for (const { name } of site.backends) site.touch(`${name}.drain`)
  await until('no backend serves', isOut)
  for (const { name } of site.backends) site.remove(`${name}.drain`)
  await until('a backend serves', isGood)

  site.remove('front.up')
  await until('a lost file is put back', isGood)

  await site.httpd.killMap()
  const killed = new Date().toISOString()
  await until('looks after it', () =>
    looksOf(site).every(({ at }) => at > killed),
  )
  t.equal(site.score(), '100\n', 'httpd serves without the map program')

  const text = readFileSync(site.configFile, 'utf8')
  writeFileSync(site.configFile, text.replace(/^front: .*$/m, ''))
  site.monitor?.child.kill('SIGHUP')
  await until('without the key it is removed', isOut)
  writeFileSync(site.configFile, text)
  site.monitor?.child.kill('SIGHUP')
  await until('the key is back', isGood)

  await site.monitor?.kill('SIGTERM')
  t.equal((await up(port)).body, '100\n', 'it stays without the monitor')
})

void t.test(
  'a graceful restart while the new map program gets no processor',
  async t => {
    const site = await frontSite(t)
    site.look(site.httpd.port)
    await until('it is worth 100', () => site.score() === '100\n')
    const before = await site.httpd.runningMaps()
    const output = () => site.monitor?.output() ?? ''
    const seen = output().length
    await site.httpd.graceful()
    // SIGSTOP stands in for a machine that is busy
    const pid = await until('the new map program', async () =>
      (await site.httpd.runningMaps()).find(one => !before.includes(one)),
    )
    process.kill(pid, 'SIGSTOP')
    // the monitor does not end a map program that has not reported yet
    site.remove(`rewritemap-${pid}.json`)
    await until(
      'as many looks without an answer as make a front silent',
      () => looksOf(site).filter(isStarting).length >= 2,
    )
    t.equal(site.score(), '100\n', 'the address stays')
    process.kill(pid, 'SIGCONT')
    await until('it answers', () => looksOf(site).at(-1)?.outcome === 'pass')
    t.notMatch(output().slice(seen), /"state":"silent"/, 'never called silent')
  },
)

void t.test('with its own path, and another site there', async t => {
  const site = await frontSite(t, ['--up=/up', '--prefix=/api'])
  const { port } = site.httpd
  const isStranger = (): boolean =>
    /404 without X-Zope-Failover-Map/.test(
      textOf(`${site.directory}/monitor.json`) ?? '',
    )
  site.look(port)
  t.equal((await up(port, {}, '/static.txt')).body, 'httpd itself\n')
  // the path of the map is below /api there
  await until('the front is silent', isStranger)
  site.touch('front.force')
  await until('forced', () => site.score() === '100\n')
  t.match(await up(port), { status: 200, body: '100\n' })
  t.match((await up(port, {}, '/api/x')).body, /zope/)
  site.remove('front.force')
  await until('no longer', () => site.score() === undefined)
})
