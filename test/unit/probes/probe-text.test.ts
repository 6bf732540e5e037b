import { IncomingMessage, request } from 'node:http'
import { Socket } from 'node:net'
import t from 'tap'
import { parseConfig } from '../../../config/parse.ts'
import {
  conclude,
  probeText,
  type ExtraProbes,
} from '../../../probes/probe-text.ts'
import type { DeepOutcome } from '../../../health/deep.ts'
import type { ProbeAnswer } from '../../../probes/probe.ts'

const [backend] = parseConfig(
  'backends: { zope1: http://127.0.0.1:8080 }',
  'test',
).backends

const probe = { slowMs: 1_000, light: { kind: 'http' } } as const

const refused: ProbeAnswer = {
  outcome: { kind: 'refused' },
  ms: 3.25,
  stages: new Map([
    ['lookup', 0],
    ['connect', 1],
  ]),
  lookupError: null,
  request: null,
  response: null,
  body: Buffer.alloc(0),
}

void t.test('the conclusion follows monitoring plugins', t => {
  const pass = { kind: 'pass', status: 200, bytes: 0 } as const
  t.equal(conclude(pass, 5, probe), 'ok')
  t.equal(conclude(pass, 1_001, probe), 'warning')
  t.equal(conclude({ kind: 'refused' }, 5, probe), 'critical')
  t.equal(conclude({ kind: 'local', error: 'EMFILE' }, 5, probe), 'unknown')
  t.end()
})

void t.test('heartbeat and deep probe count as well', t => {
  const pass = { kind: 'pass', status: 200, bytes: 0 } as const
  const silent = { kind: 'first-byte-timeout', limitMs: 5_000 } as const
  const beat = { kind: 'beat', ms: 0.31 } as const
  const path = '/@@probe'
  const deeply = (outcome: DeepOutcome) => ({ path, outcome })
  const id = '03f8000000000001'
  const fresh = {
    kind: 'fresh',
    ms: 2.04,
    own: { id, seconds: 1 },
    server: { id, seconds: 1 },
  } as const
  const gone = { kind: 'gone', why: 'status 503', own: null } as const
  t.equal(
    conclude(silent, 9e3, probe, { heartbeat: beat, deep: null }),
    'warning',
  )
  const learned = { kind: 'learned', ms: 0.31 } as const
  t.equal(
    conclude(silent, 9e3, probe, { heartbeat: learned, deep: null }),
    'warning',
  )
  t.equal(
    conclude({ kind: 'refused' }, 9, probe, { heartbeat: learned, deep: null }),
    'critical',
  )
  t.equal(
    conclude(silent, 9e3, probe, {
      heartbeat: { kind: 'silent', silentForMs: 500 },
      deep: null,
    }),
    'critical',
  )
  const ask = {
    kind: 'ask',
    port: 8180,
    send: 'health_ok',
    expect: { kind: 'text', text: 'OK' },
  } as const
  t.equal(
    conclude(
      silent,
      9e3,
      { ...probe, light: ask },
      { heartbeat: beat, deep: null },
    ),
    'critical',
    'what is asked there waits for no worker',
  )
  for (const [outcome, conclusion] of [
    [fresh, 'ok'],
    [gone, 'critical'],
    [{ kind: 'silent', ms: 3_000 }, 'critical'],
    [{ kind: 'none', why: 'refused' }, 'ok'],
  ] as const)
    t.equal(
      conclude(pass, 5, probe, { heartbeat: undefined, deep: deeply(outcome) }),
      conclusion,
    )
  if (backend === undefined) throw new Error('no backend')
  const text = (extra: ExtraProbes): string =>
    probeText(backend, refused, extra)
  for (const [heartbeat, line] of [
    [beat, '100 Continue after 0.3 ms, without waiting for a worker'],
    [{ kind: 'silent', silentForMs: 500 }, 'none within 500 ms'],
    [{ kind: 'broken', why: 'ECONNREFUSED' }, 'failed (ECONNREFUSED)'],
    [
      { kind: 'learned', ms: 0.31 },
      '100 Continue after 0.3 ms, without waiting for a worker',
    ],
    [
      { kind: 'heartless' },
      'not supported: this server runs it as a request, so response time alone counts',
    ],
    [{ kind: 'unclear' }, 'could not be determined now'],
  ] as const)
    t.ok(
      text({ heartbeat, deep: null }).includes(`\nheartbeat  ${line}\n`),
      line,
    )
  for (const [outcome, line] of [
    [
      fresh,
      `its database answered after 2.0 ms; last transaction ${id}, of its server ${id}`,
    ],
    [{ ...fresh, server: null }, 'of its server unknown'],
    [{ ...fresh, own: null }, 'its database answered after 2.0 ms\n'],
    [gone, 'its database does not answer: status 503'],
    [{ kind: 'silent', ms: 3_000 }, 'unanswered after 3000 ms'],
    [{ kind: 'none', why: 'refused' }, 'refused'],
  ] as const)
    t.match(text({ heartbeat: undefined, deep: deeply(outcome) }), line)
  t.end()
})

void t.test('a probe that got nowhere', t => {
  if (backend === undefined) throw new Error('no backend')
  const text = probeText(backend, { ...refused, lookupError: 'ENOTFOUND' })
  t.equal(
    text.split('\n')[0],
    'CRITICAL: zope1 refused after 3.3 ms: the connection was refused: nothing listens on that port',
  )
  for (const line of [
    'probe    GET http://127.0.0.1:8080/',
    'limits   slow 1000 ms, connect 2000 ms, first byte 5000 ms, whole 5000 ms',
    'lookup   failed (ENOTFOUND), an earlier address was used',
    '     1.0 ms  resolving the host name',
    '     2.3 ms  connecting',
    '     3.3 ms  total',
    'nothing was sent',
    'no answer',
  ])
    t.ok(text.split('\n').includes(line), line)
  t.end()
})

void t.test('a late answer with hostile bytes', t => {
  if (backend === undefined) throw new Error('no backend')
  const sent = request({ path: '/x', headers: { accept: '*/*' } })
  sent.on('error', () => {
    // it goes nowhere
  })
  sent.destroy()
  const response = new IncomingMessage(new Socket())
  response.statusCode = 200
  response.statusMessage = 'OK'
  response.httpVersion = '1.1'
  response.rawHeaders = ['Server', 'waitress', 'X']
  const text = probeText(backend, {
    ...refused,
    outcome: { kind: 'pass', status: 200, bytes: 400 },
    ms: 1_500,
    stages: new Map([
      ['lookup', 0],
      ['connect', 1],
      ['answer', 2],
      ['body', 1_490],
    ]),
    request: sent,
    response,
    body: Buffer.from(`\u001B[2J\r\nOK${'x'.repeat(396)}`),
  })
  t.match(text, /^WARNING: zope1 pass after 1500\.0 ms, later than slow/)
  for (const line of [
    '> GET /x HTTP/1.1',
    '> accept: */*',
    '< HTTP/1.1 200 OK',
    '< Server: waitress',
    '< X:',
    '< \u{fffd}[2J',
    '(104 more bytes)',
  ])
    t.ok(text.split('\n').includes(line), JSON.stringify(line))
  t.notMatch(
    probeText(backend, { ...refused, response, body: Buffer.from('OK') }),
    'more bytes',
    'a short body is shown whole',
  )
  t.end()
})

function textOf(url: string, settings: object, probed: ProbeAnswer): string[] {
  const [backend] = parseConfig(
    JSON.stringify({ backends: { zope1: { url, probe: settings } } }),
    'test',
  ).backends
  if (backend === undefined) throw new Error('no backend')
  return probeText(backend, probed).split('\n')
}

void t.test('each kind of probe is reported as what it is', t => {
  const url = 'https://[::1]:8443'
  const passed = (by: 'tcp' | 'ask' | 'command', said = ''): ProbeAnswer => ({
    ...refused,
    outcome: { kind: 'pass', by, said },
  })
  t.strictSame(textOf(url, { tcp: true }, passed('tcp')), [
    'OK: zope1 pass after 3.3 ms: the connection was accepted',
    '',
    'probe    a connection to [::1]:8443 with TLS',
    'limits   slow 1000 ms, connect 2000 ms, whole 5000 ms',
    '',
    '     1.0 ms  resolving the host name',
    '     2.3 ms  connecting',
    '     3.3 ms  total',
    '',
  ])
  t.match(
    textOf('http://h:80', { tcp: true }, passed('tcp'))[2],
    /^probe {4}a connection to h:80$/,
  )
  const ask = { port: 8180, send: 'health_ok', expect: '/^OK$/' }
  const stages = new Map([...refused.stages, ['answer', 2] as const])
  const answered = {
    ...passed('ask', 'OK'),
    stages,
    body: Buffer.from('OK\n'),
  }
  t.strictSame(textOf(url, { ask }, answered), [
    'OK: zope1 pass after 3.3 ms: the answer was "OK"',
    '',
    'probe    the line "health_ok" to [::1]:8180, a line of the answer must match /^OK$/',
    'limits   slow 1000 ms, connect 2000 ms, first byte 5000 ms, whole 5000 ms',
    '',
    '     1.0 ms  resolving the host name',
    '     1.0 ms  connecting',
    '     1.3 ms  waiting for the response header',
    '     3.3 ms  total',
    '',
    '> health_ok',
    '',
    '< OK',
    '',
  ])
  t.strictSame(textOf(url, { ask }, refused).slice(-5), [
    '',
    'nothing was sent',
    '',
    'no answer',
    '',
  ])
  const command = ['/opt/check zope', '-q', 'a b']
  const ended = { ...passed('command', 'fine'), stages: new Map() }
  t.strictSame(
    textOf(url, { command }, { ...ended, body: Buffer.from('fine\n\u001Bc') }),
    [
      'OK: zope1 pass after 3.3 ms: the command ended with 0: "fine"',
      '',
      'probe    "/opt/check zope" -q "a b"',
      'limits   slow 1000 ms, whole 5000 ms',
      '',
      '     3.3 ms  total',
      '',
      '< fine',
      '< \u{fffd}c',
      '',
    ],
  )
  t.strictSame(textOf(url, { command }, ended).slice(-3), [
    '',
    'it printed nothing',
    '',
  ])
  t.end()
})
