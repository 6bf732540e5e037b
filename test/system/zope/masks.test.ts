// What answers in the place of a good Zope: errors, errors that look healthy, and
// another server.
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { until } from '../../../lab/processes.ts'
import {
  seconds,
  watchZopes,
  type WatchedSite,
} from '../../../lab/watched-zope.ts'
import { isListening, startZeo } from '../../../lab/zeo.ts'
import { startZope, type Zope } from '../../../lab/zope.ts'

type Lab = { readonly zope: Zope; readonly watched: WatchedSite }

/** With a body rule: the title of the page that every new Zope has. */
async function startLab(t: Test): Promise<Lab> {
  const zope = await startZope(t, { zeo: await startZeo(t), name: 'zope1' })
  const watched = watchZopes(t, [zope], {
    probe: { body: 'Auto-generated default page' },
  })
  await watched.isWell()
  return { zope, watched }
}

for (const [title, mode, outcome] of [
  ['every page 500', 'raise', 'status'],
  ['Site Error with status 200', 'site-error', 'content'],
] as const)
  await t.test(title, async t => {
    const { zope, watched } = await startLab(t)
    const fault = watched.story()
    zope.fail(mode)
    const down = await fault.reaches('zope1', 'down')
    t.match(fault.changes('zope1').at(-1), { state: 'down', outcome })
    await isOut(t, watched, outcome)
    const cure = watched.story()
    zope.fail('no')
    const up = await cure.reaches('zope1', 'up')
    t.comment(
      `${title}: down after ${seconds(down)}, up ${seconds(up)} after its end`,
    )
  })

for (const [title, take, outcome] of [
  [
    'another web server',
    () =>
      createHttpServer((_request, response) => {
        response.end('It works!')
      }),
    'content',
  ],
  [
    'a server of another protocol',
    () =>
      createServer(socket => {
        socket.on('error', () => undefined)
        socket.resume()
        socket.end('220 mail.example.org ESMTP\r\n')
      }),
    'protocol',
  ],
] as const)
  await t.test(`the port is taken over by ${title}`, async t => {
    const { zope, watched } = await startLab(t)
    const fault = watched.story()
    await zope.kill()
    const other: Server = take()
    other.listen(zope.port, '127.0.0.1')
    await once(other, 'listening')
    const sockets = new Set<Socket>()
    other.on('connection', socket => sockets.add(socket))
    const leave = (): void => {
      other.close()
      for (const socket of sockets) socket.destroy()
    }
    t.teardown(leave)
    const down = await fault.reaches('zope1', 'down')
    await isOut(t, watched, outcome)
    leave()
    await until('the port is free', async () => !(await isListening(zope.port)))
    const cure = watched.story()
    await zope.start()
    const up = await cure.reaches('zope1', 'up')
    t.comment(
      `${title}: down after ${seconds(down)}, up ${seconds(up)} after the start of Zope`,
    )
  })

/** Out, and not kept by minAlive: of no use to a visitor. */
async function isOut(
  t: Test,
  watched: WatchedSite,
  outcome: string,
): Promise<void> {
  await until(`down, and the outcome ${outcome}`, () => {
    const { state, probes } = watched.report('zope1') ?? {}
    return state === 'down' && probes?.at(-1)?.outcome === outcome
  })
  t.equal(watched.share('zope1'), null)
  t.same(watched.logged('too few backends are left (minAlive)'), [], 'not kept')
}
