// Everything that can happen to a site, one after the other under load, on each
// MPM and with HTTP/2 in front: no visitor notices.
import t, { type Test } from 'tap'
import { Http2Visitor } from '../../lab/http2-visitor.ts'
import { loadModules, type HttpdOptions } from '../../lab/httpd.ts'
import {
  brief,
  failuresOf,
  more,
  startLoad,
  Visitor,
  type Asking,
  type Load,
  type Sample,
} from '../../lab/load.ts'
import { until, type ProcessInfo } from '../../lab/processes.ts'
import { startSite, type Site } from '../../lab/site.ts'

const variants: {
  name: string
  httpd: Omit<HttpdOptions, 'conf'>
  isHttp2?: boolean
}[] = [
  { name: 'event', httpd: { mpm: 'event' } },
  { name: 'worker', httpd: { mpm: 'worker' } },
  // After a graceful prefork starts StartServers children, then one a second for
  // ten seconds: with Debian's 5 the 20 visitors waited up to 14 s.
  {
    name: 'prefork',
    httpd: {
      mpm: 'prefork',
      extra: 'StartServers 40\nMaxRequestWorkers 150',
    },
  },
  {
    name: 'event with HTTP/2',
    httpd: {
      mpm: 'event',
      extra: `${loadModules(['http2'])}\nProtocols h2c http/1.1`,
    },
    isHttp2: true,
  },
]

for (const { name, httpd, isHttp2 = false } of variants)
  void t.test(name, async t => {
    const site = await startSite(t, {
      names: ['zope1', 'zope2', 'zope3'],
      hasMonitor: true,
      delayMs: 5,
      httpd,
    })
    const { port } = site.httpd
    const visitorOf = (number: number): Asking =>
      isHttp2
        ? new Http2Visitor(`http://127.0.0.1:${port}`, number)
        : new Visitor({ port, hasCookies: true }, number)
    const load = startLoad(t, { port, clients: 20, visitorOf })
    const stage = new Stage(t, site, load)

    await stage.play('nothing', async () => {})
    await stage.play('kill', async () => {
      await site.backend('zope1').kill('SIGKILL')
      await until('the monitor to see it', () => !site.has('zope1.up'))
      await more(load, 100)
      await site.backend('zope1').start()
      await until('it to be back', () => site.has('zope1.up'))
    })
    await stage.play('hang', async () => {
      const zope2 = site.backend('zope2').program
      zope2?.child.kill('SIGSTOP')
      await until('the monitor to see it', () => !site.has('zope2.up'))
      zope2?.child.kill('SIGCONT')
      await until('it to be back', () => site.has('zope2.up'))
    })
    for (const kind of ['drain', 'maint'])
      await stage.play(kind, async () => {
        for (const backend of ['zope1', 'zope2']) {
          site.touch(`${backend}.${kind}`)
          await more(load, 100)
          site.remove(`${backend}.${kind}`)
        }
      })
    await stage.play('graceful × 6', async () => {
      for (let round = 0; round < 6; round++) {
        await site.httpd.graceful()
        await more(load, 100)
      }
    })
    await stage.play('map dead', async () => {
      await site.httpd.killMap()
      await more(load, 200)
    })
    await stage.play('graceful', async () => {
      await site.httpd.graceful()
      await until('the map to answer again', () =>
        site.httpd.mapProcesses().some(isMap),
      )
    })
    await stage.play('map stopped, then graceful', async () => {
      const maps = site.httpd.mapProcesses().filter(isMap)
      for (const { pid } of maps) process.kill(pid, 'SIGSTOP')
      const stuckMs = performance.now()
      const stuck = visitorOf(1_001)
      let isStuck = true
      const answer = stuck.ask('/').finally(() => (isStuck = false))
      await until(
        'a visitor to wait for the map',
        () => isStuck && performance.now() - stuckMs > 500,
      )
      await site.httpd.graceful()
      const newcomer = visitorOf(1_000)
      t.equal((await newcomer.ask('/')).status, 200, 'new visitors are served')
      newcomer.leave()
      // the launcher wakes the old map when httpd ends it
      t.equal((await answer).status, 200, 'who waited is served')
      stuck.leave()
      await until('the old map to end', () =>
        site.httpd
          .mapProcesses()
          .every(({ pid }) => !maps.some(map => map.pid === pid)),
      )
    })

    const samples = await load.stop()
    await site.httpd.stop()
    t.strictSame(site.httpd.mapProcesses(), [], 'no process is left')
    t.strictSame(failuresOf(samples).map(brief), [], 'no request failed')
    for (const row of stage.rows) t.comment(row)
    t.ok(site.httpd.accessLog().some(({ via }) => via === 'txt'))
  })

/** The map itself, not its launcher. */
function isMap({ command }: ProcessInfo): boolean {
  return !command.startsWith('/bin/sh')
}

/** Plays one part after the other, and counts what visitors saw of it. */
class Stage {
  readonly rows: string[] = []
  readonly #t: Test
  readonly #site: Site
  readonly #load: Load

  constructor(t: Test, site: Site, load: Load) {
    this.#t = t
    this.#site = site
    this.#load = load
  }

  async play(name: string, act: () => Promise<void>): Promise<void> {
    const from = this.#load.samples.length
    await act()
    await more(this.#load, 100)
    const samples = this.#load.samples.slice(from)
    const failures = failuresOf(samples)
    this.#t.strictSame(failures.map(brief), [], `${name}: nothing fails`)
    this.rows.push(
      `${name}: ${samples.length} requests, ${failures.length} failed, ${samples.filter(({ isSentAgain }) => isSentAgain).length} sent again, longest ${Math.round(longest(samples))} ms`,
    )
    if (this.#site.httpd.errorLog().includes('AH00484'))
      this.rows.push(`${name}: httpd was full`)
  }
}

function longest(samples: readonly Sample[]): number {
  return Math.max(0, ...samples.map(({ startMs, endMs }) => endMs - startMs))
}
