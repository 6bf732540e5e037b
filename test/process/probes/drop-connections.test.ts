// The real ss on real sockets: needs root (CAP_NET_ADMIN) and iproute2.
import { chmodSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import type { Backend } from '../../../config/config.ts'
import { errorCode } from '../../../system/error-code.ts'
import { parseConfig } from '../../../config/parse.ts'
import {
  ConnectionDropper,
  findSs,
  leavesWaiting,
} from '../../../probes/drop-connections.ts'
import { Resolver } from '../../../probes/resolver.ts'
import { probe } from '../../../probes/probe.ts'
import { until } from '../../../lab/processes.ts'

type Line = Readonly<Record<string, unknown>>

type Stage = {
  readonly dropper: ConnectionDropper
  readonly directory: string
  readonly lines: readonly Line[]
}

function stage(t: Test): Stage {
  const directory = t.testdir()
  const lines: Line[] = []
  const log = pino(
    { base: null },
    {
      write: text => {
        const line: Line = JSON.parse(text)
        lines.push(line)
      },
    },
  )
  const dropper = new ConnectionDropper(
    directory,
    new Resolver(),
    log,
    realSs(),
  )
  t.teardown(() => dropper.stop())
  return { dropper, directory, lines }
}

function realSs(): string {
  const ss = findSs()
  if (ss === undefined)
    throw new Error('ss is not installed; type: apt-get install iproute2')
  return ss
}

/** A server that accepts connections and never answers. */
async function silentServer(t: Test, host: string): Promise<Server> {
  const taken: Socket[] = []
  const server = createServer(socket => {
    taken.push(socket)
    socket.on('error', () => {})
  })
  server.listen(0, host)
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of taken) socket.destroy()
    server.close()
  })
  return server
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string')
    throw new Error('the server does not listen')
  return address.port
}

function backendAt(host: string, port: number): Backend {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  const [backend] = parseConfig(`backends: { zope1: "${url}" }`, 'x').backends
  if (backend === undefined) throw new Error('no backend')
  return backend
}

/** A connected reader; resolves to the code of the error that ends it. */
async function reader(
  t: Test,
  host: string,
  port: number,
): Promise<{ ended: Promise<string>; isOpen: () => boolean }> {
  const socket = connect(port, host)
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  let isOpen = true
  const ended = new Promise<string>(resolve => {
    socket.once('error', err => {
      isOpen = false
      resolve(errorCode(err))
    })
  })
  socket.resume()
  return { ended, isOpen: () => isOpen }
}

for (const [host, listen] of [
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '::1'],
  ['localhost', '127.0.0.1'],
] as const)
  void t.test(`readers waiting on ${host} are freed at once`, async t => {
    const { dropper, lines } = stage(t)
    const server = await silentServer(t, listen)
    const other = await silentServer(t, listen)
    const readers = await Promise.all(
      Array.from({ length: 5 }, () => reader(t, listen, portOf(server))),
    )
    const bystander = await reader(t, listen, portOf(other))
    const startMs = performance.now()
    dropper.drop(backendAt(host, portOf(server)), () => true)
    const codes = await Promise.all(readers.map(({ ended }) => ended))
    t.comment(
      `down to the readers' error: ${(performance.now() - startMs).toFixed(1)} ms`,
    )
    t.strictSame(new Set(codes), new Set(['ECONNABORTED']))
    await until('the log to tell', () => lines.length > 0)
    t.match(lines[0], {
      msg: 'connections dropped',
      backend: 'zope1',
      connections: 5,
    })
    t.ok(bystander.isOpen(), 'another port is not touched')
  })

void t.test('a request that comes a moment later is freed as well', async t => {
  const { dropper } = stage(t)
  const server = await silentServer(t, '127.0.0.1')
  const port = portOf(server)
  const early = await reader(t, '127.0.0.1', port)
  dropper.drop(backendAt('127.0.0.1', port), () => true)
  await early.ended
  const late = await reader(t, '127.0.0.1', port)
  t.equal(await late.ended, 'ECONNABORTED')
})

void t.test(
  'no connection is dropped if the backend is up again, or forced',
  async t => {
    for (const isForced of [false, true]) {
      const { dropper, directory, lines } = stage(t)
      const server = await silentServer(t, '127.0.0.1')
      const it = await reader(t, '127.0.0.1', portOf(server))
      const asked: boolean[] = []
      if (isForced) writeFileSync(`${directory}/zope1.force`, '')
      dropper.drop(backendAt('127.0.0.1', portOf(server)), () => {
        asked.push(isForced)
        return isForced
      })
      await until('all sweeps', () => asked.length === 3)
      // one that does drop: by now an earlier one would have, too
      const other = await silentServer(t, '127.0.0.1')
      const victim = await reader(t, '127.0.0.1', portOf(other))
      const second = stage(t)
      second.dropper.drop(backendAt('127.0.0.1', portOf(other)), () => true)
      await victim.ended
      t.ok(it.isOpen())
      t.strictSame(lines, [])
    }
  },
)

void t.test('a probe that is dropped with the rest is no evidence', async t => {
  const { dropper } = stage(t)
  const server = await silentServer(t, '127.0.0.1')
  const backend = backendAt('127.0.0.1', portOf(server))
  const taken = once(server, 'connection')
  const probing = probe(backend, new Resolver(), new AbortController().signal)
  await taken
  dropper.drop(backend, () => true)
  t.equal((await probing).outcome.kind, 'dropped')
})

void t.test('without ss: logged once, with the remedy', async t => {
  const directory = t.testdir()
  t.equal(findSs(`${directory}:relative`) === `${directory}/ss`, false)
  writeFileSync(`${directory}/ss`, '')
  t.equal(findSs(`relative:${directory}`), `${directory}/ss`)
  const lines: string[] = []
  const dropper = new ConnectionDropper(
    directory,
    new Resolver(),
    pino({}, { write: line => lines.push(line) }),
    '',
  )
  dropper.check('auto')
  dropper.check('auto')
  t.equal(lines.length, 1)
  t.match(lines[0], 'apt-get install iproute2')
  t.match(lines[0], '"level":30', 'not asked for: no error')
  t.match(dropper.limit, { severity: 'info', what: /ss is not installed/ })
  dropper.check('on')
  t.equal(dropper.limit?.severity, 'warning')
  dropper.check('off')
  t.equal(dropper.limit, undefined)
})

for (const [title, script, wanted] of [
  [
    'without the capability: logged once, with the remedy',
    'echo "SOCK_DESTROY answers: Operation not permitted" >&2',
    /AmbientCapabilities=CAP_NET_ADMIN/,
  ],
  ['an ss that fails is logged', 'exit 3', /ss failed/],
  ['an ss that hangs is ended', 'exec sleep 1000', /did not end within 2000/],
] as const)
  void t.test(title, async t => {
    const directory = t.testdir()
    const ss = `${directory}/fake-ss`
    writeFileSync(ss, `#!/bin/sh\necho x >> ${directory}/calls\n${script}\n`)
    chmodSync(ss, 0o755)
    const lines: string[] = []
    const dropper = new ConnectionDropper(
      directory,
      new Resolver(),
      pino({}, { write: line => lines.push(line) }),
      ss,
    )
    t.teardown(() => dropper.stop())
    let asked = 0
    dropper.drop(backendAt('127.0.0.1', 1), () => {
      asked++
      return true
    })
    await until('it is logged', () => lines.length > 0 && asked === 3)
    t.match(lines[0], wanted)
    if (script.startsWith('echo')) t.equal(lines.length, 1)
  })

void t.test('only for a backend that gives no answer', t => {
  for (const outcome of ['first-byte-timeout', 'timeout', 'connect-timeout'])
    t.equal(leavesWaiting(outcome, 'http'), true, outcome)
  for (const outcome of ['status', 'content', 'pass'])
    t.equal(leavesWaiting(outcome, 'tcp'), false, outcome)
  // these probe a different port than visitors use
  for (const kind of ['ask', 'command'] as const) {
    t.equal(leavesWaiting('first-byte-timeout', kind), false, kind)
    t.equal(leavesWaiting('heartbeat', kind), true, kind)
  }
  t.end()
})
