// GETs and POSTs while one of two backends is killed again and again. A few kills in
// the suite, many in test/soak.
import { connect } from 'node:http2'
import { setTimeout as pause } from 'node:timers/promises'
import type { Test } from 'tap'
import { loadModules, savedOf } from '../../../lab/httpd.ts'
import {
  brief,
  failuresOf,
  more,
  startLoad,
  type Sample,
} from '../../../lab/load.ts'
import { until } from '../../../lab/processes.ts'
import { startSite, type Site } from '../../../lab/site.ts'

/** Kills zope1 while pages are in flight there, waits for `settle`, and starts it again. */
async function killUnderLoad(
  kills: number,
  site: Site,
  served: () => number,
  settle: () => Promise<void>,
): Promise<void> {
  const zope1 = site.backend('zope1')
  for (let count = 0; count < kills; count++) {
    const before = served()
    await until('zope1 to be busy', () => served() > before + 40)
    await zope1.kill('SIGKILL')
    await settle()
    await zope1.start()
  }
}

/** zope1 dies again and again while others ask for pages of 50 ms. */
async function loadUnderKills(
  t: Test,
  kills: number,
  site: Site,
  options: { isKeepAlive: boolean; method?: string },
): Promise<readonly Sample[]> {
  const load = startLoad(t, { port: site.httpd.port, ...options })
  const served = (): number =>
    load.samples.filter(({ backend }) => backend === 'zope1').length
  await killUnderLoad(kills, site, served, async () => more(load, 40))
  return load.stop()
}

/** @param kills in each test */
export function testKills(t: Test, kills: number): void {
  for (const [isKeepAlive, options] of [
    [false, []],
    [true, []],
    [false, ['--keep-alive']],
    [true, ['--keep-alive']],
  ] as const)
    void t.test(
      `GETs inside a dying backend, ${isKeepAlive ? 'kept-alive' : 'fresh'} connections${options.length > 0 ? ', --keep-alive' : ''}`,
      async t => {
        const site = await startSite(t, { delayMs: 50, conf: options })
        const samples = await loadUnderKills(t, kills, site, { isKeepAlive })
        await site.httpd.stop()
        const again = samples.filter(({ isSentAgain }) => isSentAgain)
        const saved = savedOf(site.httpd.accessLog())
        t.comment(
          `${kills} kills, ${samples.length} requests, ${failuresOf(samples).length} failed, ${saved.length} saved by a second chance, ${again.length} closed before any byte and sent again by the client`,
        )
        t.strictSame(failuresOf(samples).map(brief), [], 'no request fails')
        if (isKeepAlive && options.length > 0) return
        t.ok(saved.length > 0, 'some had been inside')
        t.strictSame(again.map(brief), [], 'each has its answer')
      },
    )

  void t.test('GETs inside a dying backend, HTTP/2', async t => {
    const site = await startSite(t, {
      delayMs: 50,
      httpd: {
        extra: `${loadModules(['http2'])}\nProtocols h2c http/1.1`,
      },
    })
    const samples: { status: unknown; backend: unknown }[] = []
    const stopping = new AbortController()
    const client = async (): Promise<void> => {
      const session = connect(`http://127.0.0.1:${site.httpd.port}`)
      session.on('error', err => {
        samples.push({ status: err.message, backend: undefined })
      })
      while (!stopping.signal.aborted) {
        await new Promise<void>(done => {
          const stream = session.request({ ':path': '/' })
          let sample: (typeof samples)[0] = {
            status: undefined,
            backend: undefined,
          }
          stream.on('response', headers => {
            sample = {
              status: headers[':status'],
              backend: headers['x-backend'],
            }
          })
          stream.on('error', err => {
            sample = { status: err.message, backend: undefined }
          })
          stream.on('close', () => {
            samples.push(sample)
            done()
          })
          stream.resume()
        })
        await pause(2)
      }
      session.close()
    }
    const running = Promise.all(Array.from({ length: 20 }, client))
    const served = (): number =>
      samples.filter(({ backend }) => backend === 'zope1').length
    await killUnderLoad(kills, site, served, async () => {
      const before = samples.length
      await until('40 more', () => samples.length > before + 40)
    })
    stopping.abort()
    await running
    await site.httpd.stop()
    const saved = savedOf(site.httpd.accessLog())
    const failed = samples.filter(({ status }) => status !== 200)
    t.comment(
      `${kills} kills, ${samples.length} requests, ${failed.length} failed, ${saved.length} saved by a second chance`,
    )
    t.strictSame(failed, [])
    t.ok(saved.length > 0)
  })

  for (const isKeepAlive of [false, true])
    void t.test(
      `POSTs inside a dying backend, ${isKeepAlive ? 'kept-alive' : 'fresh'} connections`,
      async t => {
        const site = await startSite(t, { delayMs: 50 })
        const samples = await loadUnderKills(t, kills, site, {
          isKeepAlive,
          method: 'POST',
        })
        await site.httpd.stop()
        const [one, two] = site.backends.map(backend => backend.begun())
        const failed = failuresOf(samples)
        t.comment(
          `${kills} kills, ${samples.length} POSTs, ${failed.length} failed, all of them inside`,
        )
        t.ok(failed.length > 0)
        t.strictSame(
          samples.filter(({ id }) => one?.has(id) && two?.has(id)).map(brief),
          [],
          'none reaches two backends',
        )
        // handed over and not begun: the kill came before the journal
        const handed = new Set(
          site.httpd
            .accessLog()
            .filter(
              ({ backend, status }) => backend === 'zope1' && status === 502,
            )
            .map(({ id }) => id),
        )
        t.strictSame(
          failed
            .filter(({ id }) => one?.has(id) !== true && !handed.has(id))
            .map(brief),
          [],
          'each that failed was in flight',
        )
        t.ok(
          failed.every(({ status }) => status === 502),
          'each gets a 502: a closed connection would make a browser send it again',
        )
        t.strictSame(savedOf(site.httpd.accessLog()), [])
      },
    )
}
