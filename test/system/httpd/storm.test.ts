// Everything at once: 50 clients, a backend that dies and comes back, graceful
// restarts, a monitor that is killed. Tells how many requests were lost, and of
// each why it could not be saved.
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import type { AccessLine } from '../../../lab/httpd.ts'
import {
  brief,
  failuresOf,
  startLoad,
  Visitor,
  type Load,
  type Sample,
} from '../../../lab/load.ts'
import { dist, startProgram, type Program } from '../../../lab/processes.ts'
import { startSite } from '../../../lab/site.ts'

const lastsMs = 20_000

void t.test(`a storm of ${lastsMs / 1_000} s`, async t => {
  const site = await startSite(t, {
    names: ['zope1', 'zope2', 'zope3'],
    policy: 'balance',
    hasMonitor: true,
    delayMs: 20,
  })
  const { port } = site.httpd
  // numbered apart, for the log names a request by its client's number
  const load = (method: string, clients: number, from: number): Load =>
    startLoad(t, {
      port,
      clients,
      pauseMs: 20,
      visitorOf: number =>
        new Visitor({ port, hasCookies: true, method }, from + number),
    })
  const loads = { GET: load('GET', 40, 100), POST: load('POST', 10, 200) }
  const counts = { deaths: 0, gracefuls: 0, monitors: 0 }
  const endMs = performance.now() + lastsMs
  const isOver = (): boolean => performance.now() >= endMs

  const flap = async (): Promise<void> => {
    const zope1 = site.backend('zope1')
    while (!isOver()) {
      await pause(2_000)
      await zope1.kill('SIGKILL')
      counts.deaths++
      await pause(2_000)
      await zope1.start()
    }
  }
  const restart = async (): Promise<void> => {
    while (!isOver()) {
      await pause(5_000)
      await site.httpd.graceful()
      counts.gracefuls++
    }
  }
  const replace = async (): Promise<void> => {
    let monitor: Program | undefined = site.monitor
    while (!isOver()) {
      await pause(10_000)
      await monitor?.kill('SIGKILL')
      monitor = startProgram(t, process.execPath, [
        `${dist}/cli/main.js`,
        'monitor',
        `--config=${site.configFile}`,
      ])
      counts.monitors++
    }
  }
  await Promise.all([flap(), restart(), replace()])
  const samples = { GET: await loads.GET.stop(), POST: await loads.POST.stop() }
  await site.httpd.stop()

  const lines = new Map<string, AccessLine[]>()
  for (const line of site.httpd.accessLog())
    lines.set(line.id, [...(lines.get(line.id) ?? []), line])
  const begun = new Set(site.backends.flatMap(it => [...it.begun()]))
  const unexplained: object[] = []
  t.comment(
    `${counts.deaths} deaths of zope1, ${counts.gracefuls} gracefuls, ${counts.monitors} monitors killed`,
  )
  for (const [method, all] of Object.entries(samples)) {
    const failed = failuresOf(all)
    const whys = new Map<string, number>()
    for (const sample of failed) {
      const log = lines.get(sample.id) ?? []
      const why = reason(method, sample, log, begun.has(sample.id))
      if (why === undefined) unexplained.push({ method, ...sample, log })
      else whys.set(why, (whys.get(why) ?? 0) + 1)
    }
    t.comment(
      `${method}: ${all.length} requests, ${failed.length} failed, ${all.filter(({ isSentAgain }) => isSentAgain).length} sent again by the client`,
    )
    for (const [why, count] of whys) t.comment(`  ${count} × ${why}`)
  }
  const saved = [...lines.values()].flat().filter(it => it.again !== '-')
  t.comment(`${saved.length} got a second chance`)
  t.strictSame(unexplained, [], 'each loss has its reason')
  t.strictSame(failuresOf(samples.GET).map(brief), [], 'no GET is lost')
  t.strictSame(site.httpd.mapProcesses(), [], 'nothing is left')
})

/** Why a request could not be saved; undefined: there is no excuse. */
function reason(
  method: string,
  { status, error, isReused }: Sample,
  log: readonly AccessLine[],
  isBegun: boolean,
): string | undefined {
  const line = log[0]
  if (line === undefined && status === undefined)
    return isReused
      ? `its kept-alive connection ended before httpd read it (${error}); a ${method} is not sent again`
      : `its new connection ended before httpd read it (${error})`
  if (status === 200)
    return `the answer had begun when its backend died (${error})`
  if (method === 'POST' && line?.backend === 'zope1' && line.zope === '-')
    return isBegun
      ? `it was inside zope1 when that died, and a POST is never sent twice (${status})`
      : `zope1 had taken it when that died, and a POST is never sent twice (${status})`
  return undefined
}
