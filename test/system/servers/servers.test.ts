// How each web server is judged: real ones of eight kinds, with the real monitor and
// the real httpd. Invariant: no request of the monitor reaches the application
// but light probes, and a server whose workers are all busy is not frozen.
import t, { type Test } from 'tap'
import { apacheConf } from '../../../lab/apache-conf.ts'
import { startHttpd } from '../../../lab/httpd.ts'
import { until } from '../../../lab/processes.ts'
import {
  kinds,
  startWebServer,
  type WebServer,
} from '../../../lab/web-server.ts'
import {
  passes,
  watchZopes,
  type WatchedSite,
} from '../../../lab/watched-zope.ts'
import { ask } from '../../../lab/zope-client.ts'

/** those whose main loop answers, whatever their workers do */
const withHeart = ['waitress', 'pyruvate']
const busySeconds = 10

// they sleep most of the time
t.jobs = 2
for (const kind of Object.keys(kinds))
  void t.test(kind, { buffered: true }, async t => {
    const servers = [
      await startWebServer(t, kind, 'zope1'),
      await startWebServer(t, kind, 'zope2'),
    ] as const
    const watched = watchZopes(t, servers, { probe: { interval: '300ms' } })
    for (const { name } of servers) await isTried(watched, name, kind)
    for (const server of servers) await isProbed(watched, server)
    for (const server of servers) noHeartbeatIsARequest(t, server)

    const conf = apacheConf(watched.configFile)
    const { port } = await startHttpd(t, { conf })
    const url = `http://127.0.0.1:${port}/`
    await until('a page', async () => (await ask(url)).status === 200)

    const story = watched.story()
    const busy = [
      ...(await servers[0].occupy(busySeconds)).answers,
      ...(await servers[1].occupy(busySeconds)).answers,
    ]
    const visitors: Promise<number>[] = []
    let isOver = false
    void Promise.all(busy).then(() => (isOver = true))
    while (!isOver) {
      visitors.push(ask(url).then(({ status }) => status))
      await passes(500)
    }
    t.ok(visitors.length >= busySeconds, 'visitors came all the while')
    t.same(
      [...new Set(await Promise.all(visitors))],
      [200],
      'each of them gets a page',
    )
    for (const { name } of servers) {
      const states = story.states(name)
      t.same(
        states.filter(state => ['frozen', 'down'].includes(state)),
        [],
        `${name} is busy, and not frozen: ${states.join(', ')}`,
      )
      t.equal(
        states.includes('busy'),
        withHeart.includes(kind),
        'busy is known where there is a heartbeat',
      )
    }
    for (const server of servers) noHeartbeatIsARequest(t, server)
  })

/** A trial has shown whether it has a heartbeat. */
async function isTried(
  watched: WatchedSite,
  name: string,
  kind: string,
): Promise<void> {
  const message = withHeart.includes(kind)
    ? 'heartbeat learned'
    : 'no heartbeat'
  await until(`${name}: ${message}`, () => {
    if (watched.monitor.isGone()) throw new Error(watched.monitor.output())
    return watched.logged(message).some(line => line['backend'] === name)
  })
}

/** Ten light probes from now on. */
async function isProbed(
  watched: WatchedSite,
  server: WebServer,
): Promise<void> {
  const light = (): number =>
    server.reached().filter(({ expect }) => expect === '-').length
  const end = light() + 10
  await until('ten light probes', () => {
    if (watched.monitor.isGone()) throw new Error(watched.monitor.output())
    return light() >= end
  })
}

/** At most one announced a body: the trial, in place of a light probe. */
function noHeartbeatIsARequest(t: Test, { name, reached }: WebServer): void {
  t.same(
    reached().filter(({ method }) => method === 'HEAD'),
    [],
    `no heartbeat reaches the application of ${name}`,
  )
  t.ok(
    reached().filter(({ expect }) => expect !== '-').length <= 1,
    'the trial is one light probe',
  )
}
