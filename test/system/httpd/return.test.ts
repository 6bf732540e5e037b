// Both backends are dead for a while: 503 with Retry-After meanwhile, and the first
// that is back serves at its first pass, with the default settings.
import t from 'tap'
import { Visitor } from '../../../lab/load.ts'
import { jsonLines, until } from '../../../lab/processes.ts'
import { startSite } from '../../../lab/site.ts'

void t.test('the first pass brings the first one back', async t => {
  // the defaults
  const site = await startSite(t, { hasMonitor: true, yaml: '' })
  const states = (): string[] =>
    jsonLines(site.monitor?.output() ?? '').flatMap(({ backend, state }) =>
      backend === 'zope1' && typeof state === 'string' ? [state] : [],
    )
  for (const backend of site.backends) await backend.kill('SIGKILL')
  await until(
    'both to be out',
    () => !site.has('zope1.up') && !site.has('zope2.up'),
  )
  const visitor = new Visitor({ port: site.httpd.port, isKeepAlive: false })
  t.equal((await visitor.ask('/')).status, 503)
  const before = states().length
  await site.backend('zope1').start()
  const startMs = performance.now()
  await until(
    'a good answer',
    async () => (await visitor.ask('/')).status === 200,
  )
  const ms = Math.round(performance.now() - startMs)
  visitor.leave()
  t.comment(`first good answer ${ms} ms after the return`)
  t.ok(
    jsonLines(site.monitor?.output() ?? '').some(({ msg }) =>
      String(msg).startsWith('backend answers again'),
    ),
    'as last resort, before rise was reached',
  )
  await until('up in the end', () => states().length > before)
})
