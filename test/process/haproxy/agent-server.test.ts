// The agent on a real port: asked as HAProxy asks, and as others might.
import { once } from 'node:events'
import { rmSync, utimesSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { agentServer } from '../../../haproxy/agent-server.ts'
import { parseConfig } from '../../../config/parse.ts'
import { beatMonitor, putUp } from '../../../lab/map.ts'
import { closed, publicDirectory, until } from '../../../lab/processes.ts'

async function agent(t: Test) {
  const directory = publicDirectory(t)
  const names = ['zope1', 'zope2']
  const config = parseConfig(
    `directory: ${directory}
backends: { zope1: "http://127.0.0.1:1", zope2: "http://127.0.0.1:2" }
pools: { default: { policy: balance } }
`,
    'f',
  )
  putUp(directory, ...names)
  beatMonitor(directory, names)
  const { server, close } = agentServer(() => config)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(close)
  const address = server.address()
  const port = typeof address === 'object' ? Number(address?.port) : 0
  return { directory, port, close }
}

/** Everything it says to these bytes until it closes. */
async function ask(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let said = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  socket.write(bytes)
  await closed(socket)
  return said
}

void t.test('one line, one answer, as the files are now', async t => {
  const { directory, port } = await agent(t)
  t.equal(await ask(port, 'zope1\n'), 'ready up 100%\n')
  t.equal(await ask(port, 'default/zope1\r\nzope2\n'), 'ready up 100%\n')
  const becomes = (answer: string) =>
    until(answer, async () => (await ask(port, 'zope1\n')) === `${answer}\n`)
  writeFileSync(`${directory}/zope1.up`, '30\n')
  await becomes('ready up 30%')
  rmSync(`${directory}/zope1.up`)
  await becomes('ready down 0% # down')
  writeFileSync(`${directory}/zope1.maint`, '')
  await becomes('maint up 100% # in maintenance')
  const old = new Date(Date.now() - 60_000)
  utimesSync(`${directory}/monitor.json`, old, old)
  await until('no verdict', async () => (await ask(port, 'zope2\n')) === '')
})

void t.test('no answer to what is no question', async t => {
  const { port } = await agent(t)
  for (const bytes of [
    'zope3\n',
    '\n',
    'x'.repeat(10_000),
    `${'x'.repeat(200)}\n`,
  ])
    t.equal(await ask(port, bytes), '', bytes.slice(0, 20))
  t.equal(await ask(port, 'zope1\n'), 'ready up 100%\n')
})

void t.test('a silent client is closed, and keeps no other out', async t => {
  const { port, close } = await agent(t)
  const silent: Socket[] = []
  for (let count = 0; count < 300; count++) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    silent.push(socket)
    await once(socket, 'connect')
  }
  t.equal(await ask(port, 'zope1\n'), 'ready up 100%\n')
  await until('all are closed', () => silent.every(socket => socket.closed))
  const last = connect(port, '127.0.0.1')
  await once(last, 'connect')
  await until('it is accepted', async () => {
    const [first] = silent
    return first?.closed
  })
  close()
  await closed(last)
})

void t.test('a reset is survived', async t => {
  const { port } = await agent(t)
  for (let count = 0; count < 20; count++) {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write('zope1\n')
    socket.resetAndDestroy()
  }
  t.equal(await ask(port, 'zope2\n'), 'ready up 100%\n')
})
