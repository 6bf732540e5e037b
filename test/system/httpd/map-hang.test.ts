// httpd waits for a map program without a time limit. One that hangs is ended by
// the monitor, without any configuration; until then new visitors wait at most 3 s,
// and none of them fails.
import { writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { brief, failuresOf, more, startLoad } from '../../../lab/load.ts'
import { loopingMap } from '../../../lab/map.ts'
import { dist, jsonLines, until } from '../../../lab/processes.ts'
import { startSite, type Site } from '../../../lab/site.ts'

const limitMs = 3_000

/** The pid of the one map program, once it has reported itself. */
async function mapOf(site: Site): Promise<number> {
  const [pid = 0] = await site.httpd.runningMaps()
  await until('the report of the map program', () =>
    site.has(`rewritemap-${pid}.json`),
  )
  return pid
}

/** New visitors while the map program hangs, and after that. */
async function underLoad(
  t: Test,
  site: Site,
  hang: (map: number) => void,
): Promise<void> {
  const { port } = site.httpd
  const pid = await mapOf(site)
  // without cookies: each request is that of a new visitor
  const load = startLoad(t, { port, clients: 20 })
  await more(load, 200)
  hang(pid)
  await until('the monitor to end it', () =>
    jsonLines(site.monitor?.output() ?? '').some(
      line => line['pid'] === pid && String(line['msg']).includes('SIGKILL'),
    ),
  )
  await more(load, 200)
  const samples = await load.stop()
  t.strictSame(failuresOf(samples).map(brief), [], '0 failed')
  const waited = samples.map(({ startMs, endMs }) => endMs - startMs)
  const longestMs = Math.round(Math.max(...waited))
  t.ok(longestMs <= limitMs, `the longest wait: ${longestMs} ms`)
  await until(
    'its launcher to end, too',
    () => site.httpd.mapProcesses().length === 0,
  )
}

void t.test('SIGSTOP of the map program', async t => {
  const site = await startSite(t, { hasMonitor: true })
  await underLoad(t, site, map => {
    process.kill(map, 'SIGSTOP')
  })
  await site.httpd.graceful()
  t.ok((await mapOf(site)) > 0, 'a new one')
})

void t.test('an endless loop in the map program', async t => {
  const copy = loopingMap(t)
  const site = await startSite(t, {
    hasMonitor: true,
    edit: conf => conf.replaceAll(`${dist}/rewritemap`, `${copy}/rewritemap`),
  })
  await underLoad(t, site, () => {
    writeFileSync(`${copy}/loop`, '')
  })
})

void t.test('the old map program of a graceful restart', async t => {
  const site = await startSite(t, { hasMonitor: true, delayMs: 20 })
  const old = await mapOf(site)
  const load = startLoad(t, { port: site.httpd.port, clients: 5 })
  await more(load, 50)
  process.kill(old, 'SIGSTOP')
  await site.httpd.graceful()
  await more(load, 50)
  const samples = await load.stop()
  t.strictSame(failuresOf(samples).map(brief), [], '0 failed')
})
