// Connections are dropped by default: visitors inside a frozen backend are freed
// by the verdict, not by httpd's timeout. Needs root and ss, as the monitor does.
import t from 'tap'
import { Visitor } from '../../../lab/load.ts'
import { jsonLines, until, type Line } from '../../../lab/processes.ts'
import { startSite, type Site } from '../../../lab/site.ts'

/** The log lines of the monitor with this message. */
function logged(site: Site, message: string): Line[] {
  return jsonLines(site.monitor?.output() ?? '').filter(
    ({ msg }) => msg === message,
  )
}

for (const hasSecondChance of [true, false])
  void t.test(
    `a visitor waiting on a frozen backend is released, ${hasSecondChance ? 'with' : 'without'} second chance`,
    async t => {
      const site = await startSite(t, {
        hasMonitor: true,
        // so long that only the cut can end a request
        conf: [
          '--timeout=10m',
          ...(hasSecondChance ? [] : ['--no-second-chance']),
        ],
        yaml: 'probe: { interval: 200ms, timeout: 500ms, slow: 300ms, fall: 2, slowStart: 0s }',
      })
      const zope1 = site.backend('zope1')
      const visitors = Array.from(
        { length: 10 },
        () => new Visitor({ port: site.httpd.port }),
      )
      const waiting = visitors.map(visitor => visitor.ask('/?delay=2000'))
      await until('all to be inside', () => zope1.begun().size === 10)
      zope1.program?.child.kill('SIGSTOP')
      const frozenMs = performance.now()
      const down = until('the verdict', () => !site.has('zope1.up')).then(() =>
        performance.now(),
      )
      const moved = hasSecondChance
        ? until(
            'all to be inside the other one',
            () => site.backend('zope2').begun().size === 10,
          ).then(() => performance.now())
        : Promise.resolve(0)
      const samples = await Promise.all(waiting)
      const downMs = await down
      const freedMs = hasSecondChance
        ? await moved
        : Math.max(...samples.map(({ endMs }) => endMs))
      for (const visitor of visitors) visitor.leave()
      t.comment(
        `frozen to down ${Math.round(downMs - frozenMs)} ms; down to the last of ten ${hasSecondChance ? 'inside the other backend' : 'with an error page'} ${Math.round(freedMs - downMs)} ms`,
      )
      t.strictSame(
        samples.map(({ status, backend }) => ({ status, backend })),
        samples.map(() =>
          hasSecondChance
            ? { status: 200, backend: 'zope2' }
            : { status: 502, backend: 'undefined' },
        ),
      )
      await until(
        'the log',
        () => logged(site, 'connections dropped').length > 0,
      )
      const [cut] = logged(site, 'connections dropped')
      t.equal(cut?.['backend'], 'zope1')
      // a probe of the monitor's own may have been among them
      t.ok(Number(cut?.['connections']) >= 10)
      const newcomer = new Visitor({ port: site.httpd.port })
      t.equal((await newcomer.ask('/')).backend, 'zope2')
      newcomer.leave()
      zope1.program?.child.kill('SIGCONT')
      await until('it to come back', () => site.has('zope1.up'))
      t.strictSame(
        logged(
          site,
          'the monitor itself cannot probe, backend state unchanged',
        ),
        [],
        'a probe that was dropped, too, is no trouble',
      )
    },
  )

void t.test('a visitor waiting on a slow backend is left alone', async t => {
  const site = await startSite(t, {
    hasMonitor: true,
    yaml: 'probe: { path: "/?delay=400", interval: 200ms, timeout: 5s, slow: 100ms, fall: 1, slowStart: 0s, dropConnections: true }',
  })
  const visitor = new Visitor({ port: site.httpd.port })
  const asked = visitor.ask('/?delay=2000')
  await until('slow', () =>
    logged(site, 'backend changed state').some(
      ({ backend, state }) => backend === 'zope1' && state === 'slow',
    ),
  )
  t.equal((await asked).status, 200)
  visitor.leave()
  t.strictSame(logged(site, 'connections dropped'), [])
})

void t.test('switched off, nothing is dropped', async t => {
  const site = await startSite(t, {
    hasMonitor: true,
    yaml: 'probe: { interval: 200ms, timeout: 500ms, slow: 300ms, fall: 1, slowStart: 0s, dropConnections: false }',
  })
  const zope1 = site.backend('zope1')
  const visitor = new Visitor({ port: site.httpd.port })
  const asked = visitor.ask('/?delay=1000')
  await until('it to be inside', () => zope1.begun().size === 1)
  zope1.program?.child.kill('SIGSTOP')
  await until('the verdict', () => !site.has('zope1.up'))
  zope1.program?.child.kill('SIGCONT')
  t.equal((await asked).status, 200, 'the visitor is served after the thaw')
  visitor.leave()
})
