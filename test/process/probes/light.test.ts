// Each kind of light probe except a page (probe.test.ts), on real sockets
// and with real commands.
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { createServer as createTls } from 'node:tls'
import t, { type Test } from 'tap'
import { probeLight } from '../../../probes/light.ts'
import { Resolver } from '../../../probes/resolver.ts'
import type { ProbeAnswer } from '../../../probes/probe.ts'
import { selfSigned } from '../../../lab/certificate.ts'
import {
  backendOf,
  listen,
  long,
  soon,
  type Settings,
} from '../../../lab/probed-backend.ts'
import {
  closed,
  freePort,
  hasEnded,
  publicDirectory,
  startProgram,
  textOf,
  until,
  written,
} from '../../../lab/processes.ts'
import { startZcMonitor } from '../../../lab/zc-monitor.ts'

function probeUrl(
  url: string,
  settings: Settings,
  signal = new AbortController().signal,
): Promise<ProbeAnswer> {
  // held, if the callback is used
  return probeLight(
    backendOf(url, settings),
    new Resolver(),
    signal,
    () => true,
  )
}

void t.test('a page, unless another kind is configured', async t => {
  const server = createHttp((_request, response) => response.end('OK'))
  const port = await listen(t, server)
  t.match(await probeUrl(`http://127.0.0.1:${port}`, {}), {
    outcome: { kind: 'pass', status: 200 },
  })
})

void t.test('tcp: an accepted connection passes', async t => {
  const received: string[] = []
  const server = createServer(socket => {
    socket.on('data', data => received.push(data.toString()))
  })
  const url = `http://127.0.0.1:${await listen(t, server)}`
  const connected = once(server, 'connection')
  const probed = await probeUrl(url, { tcp: true })
  t.match(probed, {
    outcome: { kind: 'pass', by: 'tcp' },
    request: null,
    response: null,
    lookupError: null,
  })
  t.same([...probed.stages.keys()], ['lookup', 'connect'])
  const [socket] = await connected
  await closed(socket)
  t.same(received, [], 'and nothing is sent')
})

void t.test('tcp: with https the handshake counts', async t => {
  const server = createTls(selfSigned('zope.test'))
  server.on('tlsClientError', () => {
    // the certificate is refused
  })
  const url = `https://127.0.0.1:${await listen(t, server)}`
  t.match(await probeUrl(url, { tcp: true }), {
    outcome: { kind: 'tls', error: /^DEPTH_ZERO_SELF_SIGNED_CERT/ },
  })
  const named = new Promise(resolve => {
    server.once('secureConnection', socket => {
      // typed as if it always existed
      resolve(Reflect.get(socket, 'servername'))
    })
  })
  const probed = await probeUrl(url, {
    tcp: true,
    verify: false,
    host: 'zope.test:443',
  })
  t.match(probed, { outcome: { kind: 'pass', by: 'tcp' } })
  t.same([...probed.stages.keys()], ['lookup', 'connect', 'tls'])
  t.equal(await named, 'zope.test')
  const rude = createServer(socket => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))
  t.match(
    await probeUrl(`https://127.0.0.1:${await listen(t, rude)}`, { tcp: true }),
    { outcome: { kind: 'tls' } },
  )
  const closing = createServer(socket => socket.end())
  t.match(
    await probeUrl(`https://127.0.0.1:${await listen(t, closing)}`, {
      tcp: true,
    }),
    { outcome: { kind: 'tls' } },
  )
  const silent = await listen(t, createServer())
  t.match(
    await probeUrl(`https://127.0.0.1:${silent}`, {
      tcp: true,
      connectTimeout: soon,
    }),
    { outcome: { kind: 'tls-timeout', limitMs: 300 } },
  )
})

const ask = (port: number, more: object = {}): Settings => ({
  ask: { port, send: 'health_ok', expect: '/^OK$/', ...more },
})

void t.test('nothing listens', async t => {
  const port = await freePort()
  for (const settings of [{ tcp: true }, ask(port)])
    for (const host of ['127.0.0.1', 'localhost'])
      t.match(
        await probeUrl(`http://${host}:${port}`, settings),
        { outcome: { kind: 'refused' } },
        host,
      )
  const unknown = new Resolver((host, _options, callback) =>
    callback(Object.assign(new Error(host), { code: 'ENOTFOUND' }), []),
  )
  t.match(
    await probeLight(
      backendOf('http://zope.invalid:80', { tcp: true }),
      unknown,
      new AbortController().signal,
    ),
    { outcome: { kind: 'dns', host: 'zope.invalid', error: 'ENOTFOUND' } },
  )
})

void t.test('a listener that accepts no connection', async t => {
  // once its queue is full the kernel answers no further SYN
  const program = startProgram(t, process.execPath, [
    '-e',
    'const s = net.createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(s.address().port))',
  ])
  const port = Number(
    await until(
      'its port',
      () => program.output().endsWith('\n') && program.output(),
    ),
  )
  program.child.kill('SIGSTOP')
  const sockets = Array.from({ length: 8 }, () => connect(port, '127.0.0.1'))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (const socket of sockets)
    socket.on('error', () => {
      // it ends with the test
    })
  await until(
    'a full queue',
    () => sockets.filter(socket => !socket.connecting).length === 2,
  )
  const limits = { ...long, connectTimeout: soon }
  for (const settings of [{ tcp: true }, ask(port)])
    t.match(
      await probeUrl(`http://127.0.0.1:${port}`, { ...limits, ...settings }),
      {
        outcome: { kind: 'connect-timeout', limitMs: 300 },
      },
    )
})

void t.test('ask: the old zc.monitor (a stand-in for it)', async t => {
  const monitor = await startZcMonitor(t)
  const url = `http://127.0.0.1:${await freePort()}`
  const probed = await probeUrl(url, ask(monitor.port))
  t.match(probed, { outcome: { kind: 'pass', by: 'ask', said: 'OK' } })
  t.equal(probed.body.toString(), 'OK\n')
  t.same([...probed.stages.keys()], ['lookup', 'connect', 'answer', 'body'])
  t.same(monitor.lines, ['health_ok\r\n'])
  t.match(
    await probeUrl(`https://127.0.0.1:1`, ask(monitor.port)),
    { outcome: { kind: 'pass' } },
    'there is no TLS on that port',
  )

  monitor.answers.set('health_ok', 'Warmup in progress\nOK, later\n')
  t.match(await probeUrl(url, ask(monitor.port)), {
    outcome: {
      kind: 'content',
      wanted: '/^OK$/',
      said: 'Warmup in progress',
      bytes: 29,
    },
  })
  t.match(await probeUrl(url, ask(monitor.port, { send: 'uptime' })), {
    outcome: { kind: 'content', said: "Invalid command 'uptime'" },
  })
})

/** A server that answers after receiving a line. */
async function probeTalk(
  t: Test,
  talk: (socket: Socket) => void,
  settings: Settings = {},
): Promise<ProbeAnswer> {
  const server = createServer(socket => {
    socket.once('data', () => talk(socket))
  })
  const port = await listen(t, server)
  return probeUrl('http://127.0.0.1:1', { ...ask(port), ...settings })
}

const stay = (text: string) => (socket: Socket) => {
  socket.write(text)
}

void t.test(
  'ask: one line is enough, everything else has an outcome',
  async t => {
    const limits = { ...long, timeout: soon, connectTimeout: soon }
    for (const [title, talk, settings, outcome] of [
      ['it does not close', stay('hello\r\nOK\r\n'), {}, { kind: 'pass' }],
      [
        'no end of line, but closed',
        (socket: Socket) => socket.end('OK'),
        {},
        { kind: 'pass', said: 'OK' },
      ],
      ['closed', (socket: Socket) => socket.end(), {}, { kind: 'closed' }],
      [
        'reset',
        (socket: Socket) => socket.resetAndDestroy(),
        {},
        { kind: 'reset', error: /ECONNRESET/ },
      ],
      [
        'more than is read',
        stay('x'.repeat(100)),
        { maxBody: 10 },
        { kind: 'content', bytes: 10, said: 'x'.repeat(10) },
      ],
      [
        'silence',
        stay(''),
        limits,
        { kind: 'first-byte-timeout', limitMs: 300 },
      ],
      [
        'silence, by its own limit',
        stay(''),
        { ...long, firstByteTimeout: soon },
        { kind: 'first-byte-timeout', limitMs: 300 },
      ],
      [
        'half an answer',
        stay('O'),
        limits,
        { kind: 'timeout', limitMs: 300, bytes: 1 },
      ],
    ] as const)
      t.match(await probeTalk(t, talk, settings), { outcome }, title)
  },
)

void t.test('ask: reset in the middle of an answer', async t => {
  const probed = await probeTalk(t, socket => {
    socket.write('O', () => socket.resetAndDestroy())
  })
  // Linux reports a reset after unread data as an end
  t.match(probed, { outcome: { kind: /^(reset|content)$/ } })
})

const run = (script: string): Settings => ({
  command: ['/bin/sh', '-c', script],
})
const url = 'http://[::1]:8080'

void t.test('command: its exit code is the verdict', async t => {
  const passed = await probeUrl(url, run('echo fine; echo more'))
  t.match(passed, {
    outcome: { kind: 'pass', by: 'command', said: 'fine' },
    stages: new Map(),
    request: null,
    lookupError: null,
  })
  t.equal(passed.body.toString(), 'fine\nmore')
  for (const [script, outcome] of [
    ['true', { kind: 'pass', said: '' }],
    ['echo no page >&2; exit 2', { kind: 'exit', code: 2, said: 'no page' }],
    ['exit 2', { kind: 'exit', code: 2, said: '' }],
    ['kill -TERM $$', { kind: 'exit', code: 'SIGTERM' }],
  ] as const)
    t.match(await probeUrl(url, run(script)), { outcome }, script)
  t.match(await probeUrl(url, { command: ['/does/not/exist'] }), {
    outcome: { kind: 'local', error: /ENOENT/ },
  })
  const endless = await probeUrl(url, run('yes | head -c 1000000'))
  t.match(endless, { outcome: { kind: 'pass', said: 'y' } })
  t.ok(endless.body.length <= 4_096)
})

void t.test(
  'command: it gets the backend in its environment and runs without a shell',
  async t => {
    const directory = publicDirectory(t)
    const check = `${directory}/check zope`
    writeFileSync(
      check,
      '#!/bin/sh\necho "$1 $ZOPE_FAILOVER_BACKEND $ZOPE_FAILOVER_HOST $ZOPE_FAILOVER_PORT $ZOPE_FAILOVER_URL"\n',
    )
    chmodSync(check, 0o755)
    const probed = await probeUrl(url, { command: [check, '$HOME; a  b'] })
    t.equal(
      probed.body.toString(),
      '$HOME; a  b zope1 ::1 8080 http://[::1]:8080',
    )
  },
)

void t.test(
  'command: at its limit it is killed, with its child processes',
  async t => {
    const file = `${publicDirectory(t)}/pid`
    // repeated if the shell was too slow for the limit
    const pid = await until('a child', async () => {
      const probed = await probeUrl(url, {
        ...run(`sleep 600 & echo $! >${file}; wait`),
        timeout: soon,
        connectTimeout: soon,
      })
      t.match(probed, { outcome: { kind: 'command-timeout', limitMs: 300 } })
      return textOf(file)?.trim() || undefined
    })
    await until('its child to be gone', () => hasEnded(pid))
  },
)

void t.test('an aborted probe ends', async t => {
  const controller = new AbortController()
  const server = createServer()
  const port = await listen(t, server)
  const asking = probeUrl('http://127.0.0.1:1', ask(port), controller.signal)
  await once(server, 'connection')
  const file = `${publicDirectory(t)}/pid`
  const script = `echo $$ >${file}; exec sleep 600`
  const running = probeUrl(url, run(script), controller.signal)
  const pid = await written(file)
  controller.abort()
  const outcome = { kind: 'local', error: 'aborted' }
  t.match(await asking, { outcome })
  t.match(await running, { outcome })
  t.ok(hasEnded(pid), 'and so does its command')
  for (const settings of [{ tcp: true }, run('sleep 600')])
    t.match(
      await probeUrl(`http://127.0.0.1:${port}`, settings, controller.signal),
      { outcome },
      'one that is aborted from the start, too',
    )
})
