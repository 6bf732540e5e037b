// Real servers on loopback, one for each way a backend can work or fail.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createHttp, type RequestListener } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { Resolver } from '../../../probes/resolver.ts'
import { probe, type ProbeAnswer } from '../../../probes/probe.ts'
import {
  backendOf,
  listen,
  long,
  soon,
  type Settings,
} from '../../../lab/probed-backend.ts'
import { freePort } from '../../../lab/processes.ts'

function probeUrl(url: string, settings: Settings = {}): Promise<ProbeAnswer> {
  return probe(
    backendOf(url, settings),
    new Resolver(),
    new AbortController().signal,
  )
}

async function probeHttp(
  t: Test,
  answer: RequestListener,
  settings: Settings = {},
): Promise<ProbeAnswer> {
  const port = await listen(t, createHttp(answer))
  return probeUrl(`http://127.0.0.1:${port}`, settings)
}

/** A plain TCP server; `talk` starts when the request has arrived. */
async function probeTcp(
  t: Test,
  talk: (socket: Socket) => void,
  settings: Settings = {},
): Promise<ProbeAnswer> {
  const server = createServer(socket => {
    socket.on('error', () => {
      // the probe hangs up when it has seen enough
    })
    socket.once('data', () => talk(socket))
  })
  return probeUrl(`http://127.0.0.1:${await listen(t, server)}`, settings)
}

const respond =
  (status: number, body: string): RequestListener =>
  (_request, response) => {
    response.writeHead(status)
    response.end(body)
  }

const endless: RequestListener = (_request, response) => {
  const more = (): void => {
    if (response.destroyed) return
    response.write('x'.repeat(10_000), () => setImmediate(more))
  }
  more()
}

const stay = (text: string) => (socket: Socket) => {
  socket.write(text)
}

const say =
  (text: string, end: (socket: Socket) => void) => (socket: Socket) => {
    socket.write(text, () => end(socket))
  }

const close = (socket: Socket): void => {
  socket.end()
}

const reset = (socket: Socket): void => {
  socket.resetAndDestroy()
}

void t.test('an answer in good order passes', async t => {
  for (const [title, answer, settings, status, bytes] of [
    ['200', 200, {}, 200, 2],
    ['a redirect, not followed', 302, {}, 302, 2],
    ['HEAD has no body', 200, { method: 'HEAD' }, 200, 0],
    ['a status that is configured', 503, { status: '503' }, 503, 2],
    ['the body that is configured', 200, { body: '/^O/' }, 200, 2],
    ['no more than the limit of bytes', 200, { maxBody: 1 }, 200, 1],
  ] as const) {
    const probed = await probeHttp(
      t,
      (_request, response) => {
        response.writeHead(answer, { location: 'http://127.0.0.1:1/' })
        response.end('OK')
      },
      settings,
    )
    t.same(probed.outcome, { kind: 'pass', status, bytes }, title)
  }
})

void t.test('what a backend receives', async t => {
  const seen: unknown[] = []
  let connections = 0
  const server = createHttp((request, response) => {
    seen.push([request.method, request.url, request.headers])
    response.setHeader('set-cookie', 'a=b')
    response.end('OK')
  })
  server.on('connection', () => (connections += 1))
  const url = `http://127.0.0.1:${await listen(t, server)}`
  const settings = { path: '/@@ok?a=b', host: 'www.example.org' }
  const backend = backendOf(url, settings)
  const lookup = new Resolver()
  const { signal } = new AbortController()
  // a proxy from the environment must not be used
  t.intercept(process, 'env', {
    value: { ...process.env, http_proxy: 'http://127.0.0.1:1' },
  })
  await probe(backend, lookup, signal)
  await probe(backend, lookup, signal)
  const request = [
    'GET',
    '/@@ok?a=b',
    {
      'user-agent': 'zope-failover/0.1.0',
      accept: '*/*',
      'accept-encoding': 'identity',
      connection: 'close',
      host: 'www.example.org',
    },
  ]
  t.same(seen, [request, request])
  t.equal(connections, 2, 'a fresh connection each time')
})

void t.test('a wrong status or body fails', async t => {
  t.match(await probeHttp(t, respond(500, 'oh')), {
    outcome: { kind: 'status', status: 500 },
  })
  t.match(await probeHttp(t, respond(200, 'no'), { body: 'OK' }), {
    outcome: { kind: 'content', wanted: '"OK"', bytes: 2 },
  })
})

void t.test('an endless body is judged by the part received', async t => {
  t.match(await probeHttp(t, endless), {
    outcome: { kind: 'pass', bytes: 65_536 },
  })
  t.match(await probeHttp(t, endless, { maxBody: 5, body: 'OK' }), {
    outcome: { kind: 'content', bytes: 5 },
  })
})

void t.test('each limit has its own outcome', async t => {
  const limits = { ...long, timeout: soon, connectTimeout: soon }
  const head = 'HTTP/1.1 200 OK\r\n'
  for (const [title, text, kind] of [
    ['silence', '', 'first-byte-timeout'],
    ['half a head', head, 'first-byte-timeout'],
    ['half a body', `${head}content-length: 9\r\n\r\nabc`, 'timeout'],
  ] as const)
    t.match(
      await probeTcp(t, stay(text), limits),
      { outcome: { kind, limitMs: 300 } },
      title,
    )
  t.match(
    await probeTcp(t, stay(''), { ...long, firstByteTimeout: soon }),
    { outcome: { kind: 'first-byte-timeout', limitMs: 300 } },
    'the limit for the first byte ends it before that of the whole',
  )
  const dripping = (socket: Socket): void => {
    socket.write(`${head}content-length: 99999\r\n\r\n`)
    const timer = setInterval(() => socket.write('x'), 10)
    socket.once('close', () => clearInterval(timer))
  }
  t.match(
    await probeTcp(t, dripping, limits),
    { outcome: { kind: 'timeout', limitMs: 300 } },
    'drop by drop',
  )
})

void t.test('a held probe has a limit for its body, too', async t => {
  const taken: Socket[] = []
  const server = createServer(socket => taken.push(socket))
  const url = `http://127.0.0.1:${await listen(t, server)}`
  const probed = await probe(
    backendOf(url, {
      timeout: '1s',
      connectTimeout: '1s',
      firstByteTimeout: soon,
    }),
    new Resolver(),
    new AbortController().signal,
    () => {
      // held before the total limit, which then no longer applies
      taken.shift()?.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc')
      return true
    },
  )
  t.match(probed, { outcome: { kind: 'timeout', bytes: 3 } })
})

void t.test('an answer that breaks off fails', async t => {
  const long = 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n'
  const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'
  for (const [title, text, end, outcome] of [
    ['closed', '', close, { kind: 'closed' }],
    ['closed in the head', 'HTTP/1.1 2', close, { kind: 'closed' }],
    ['reset', '', reset, { kind: 'reset' }],
    [
      'short',
      `${long}abc`,
      close,
      { kind: 'short-body', bytes: 3, promised: 9 },
    ],
    [
      'no last chunk',
      `${chunked}3\r\nabc\r\n`,
      close,
      { kind: 'short-body', bytes: 3, promised: null },
    ],
    ['no chunk', `${chunked}xyz\r\n`, close, { kind: 'protocol' }],
    ['not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', close, { kind: 'protocol' }],
    [
      'too long a head',
      `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(99_999)}`,
      close,
      { kind: 'protocol' },
    ],
    [
      'another protocol',
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
      close,
      { kind: 'status', status: 101 },
    ],
  ] as const)
    t.match(await probeTcp(t, say(text, end)), { outcome }, title)
  t.match(
    await probeTcp(t, say('HTTP/1.0 200 OK\r\n\r\nabc', close)),
    { outcome: { kind: 'pass', bytes: 3 } },
    'the old way to end a body is none',
  )
})

void t.test('a flood before the header is cut off', async t => {
  // what the probe reads, plus the contents of the system's buffers
  const takenBytes = async (text: string): Promise<[ProbeAnswer, number]> => {
    let taken = 0
    const piece = text.repeat(Math.ceil(1_000 / text.length))
    const flood = (socket: Socket): void => {
      const more = (): void => {
        if (socket.destroyed) return
        socket.write(piece, err => {
          if (err) return
          taken += piece.length
          // a flood that is not cut off ends here, so that the test fails
          if (taken < maxFlood) setImmediate(more)
          else socket.destroy()
        })
      }
      more()
    }
    return [await probeTcp(t, flood), taken]
  }
  const maxFlood = 32 * 1024 * 1024
  for (const [title, text, error] of [
    [
      'interim answers',
      'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n',
      'more than 16 interim answers (1xx)',
    ],
    ['line ends', '\r\n', 'more than 65536 bytes before its body'],
  ] as const) {
    const [probed, taken] = await takenBytes(text)
    t.match(probed, { outcome: { kind: 'protocol', error } }, title)
    t.ok(taken < maxFlood, `${title}: ${taken} bytes`)
  }
})

void t.test('nothing listens', async t => {
  const port = await freePort()
  for (const host of ['127.0.0.1', 'localhost'])
    t.match(
      await probeUrl(`http://${host}:${port}`),
      { outcome: { kind: 'refused' }, request: {}, response: null },
      host,
    )
  t.match(
    await probe(
      backendOf('http://zope.invalid:80', {}),
      new Resolver((host, _options, callback) =>
        callback(Object.assign(new Error(host), { code: 'ENOTFOUND' }), []),
      ),
      new AbortController().signal,
    ),
    {
      outcome: { kind: 'dns', host: 'zope.invalid', error: 'ENOTFOUND' },
      request: null,
    },
  )
  t.match(
    await probe(
      backendOf('http://zope.invalid:80', { connectTimeout: soon }),
      new Resolver(() => {}),
      new AbortController().signal,
    ),
    { outcome: { kind: 'dns-timeout', limitMs: 300 } },
  )
})

void t.test('a host name is resolved, all its addresses count', async t => {
  const server = createHttp((request, response) => {
    response.end(request.headers.host)
  })
  const port = await listen(t, server)
  const probed = await probe(
    backendOf(`http://zope.test:${port}`, {}),
    new Resolver((_host, _options, callback) =>
      callback(null, [
        { address: '127.0.0.2', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]),
    ),
    new AbortController().signal,
  )
  t.match(probed, { outcome: { kind: 'pass' }, lookupError: null })
  t.equal(probed.body.toString(), `zope.test:${port}`)
})

void t.test('an aborted probe ends', async t => {
  const controller = new AbortController()
  const server = createServer()
  const port = await listen(t, server)
  const probing = probe(
    backendOf(`http://127.0.0.1:${port}`, {}),
    new Resolver(),
    controller.signal,
  )
  await once(server, 'connection')
  controller.abort()
  t.match(await probing, { outcome: { kind: 'local', error: 'aborted' } })
  t.match(
    await probe(
      backendOf(`http://127.0.0.1:${port}`, {}),
      new Resolver(),
      controller.signal,
    ),
    { outcome: { kind: 'local' } },
    'one that is aborted from the start, too',
  )
})

void t.test('TLS', async t => {
  const directory = t.testdir()
  const [key, cert] = [`${directory}/key.pem`, `${directory}/cert.pem`]
  execFileSync(
    'openssl',
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=zope.test -keyout ${key} -out ${cert}`.split(
      ' ',
    ),
    { stdio: 'ignore' },
  )
  const server = createHttps(
    { key: readFileSync(key), cert: readFileSync(cert) },
    (_request, response) => response.end('OK'),
  )
  const url = `https://127.0.0.1:${await listen(t, server)}`
  t.match(await probeUrl(url), {
    outcome: { kind: 'tls', error: /^DEPTH_ZERO_SELF_SIGNED_CERT/ },
  })
  const passed = await probeUrl(url, { verify: false })
  t.match(passed, { outcome: { kind: 'pass', status: 200, bytes: 2 } })
  t.same(
    [...passed.stages.keys()],
    ['lookup', 'connect', 'tls', 'answer', 'body'],
  )
  const plain = createHttp((_request, response) => response.end('OK'))
  t.match(await probeUrl(`https://127.0.0.1:${await listen(t, plain)}`), {
    outcome: { kind: 'tls' },
  })
  const silent = await listen(t, createServer())
  t.match(
    await probeUrl(`https://127.0.0.1:${silent}`, { connectTimeout: soon }),
    { outcome: { kind: 'tls-timeout', limitMs: 300 } },
  )
})
