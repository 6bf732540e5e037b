import { IncomingMessage, request } from 'node:http'
import { Socket } from 'node:net'
import t from 'tap'
import { parseConfig } from '../../../config/parse.ts'
import { conclude, probeText } from '../../../monitor/probes/probe-text.ts'
import type { Beside } from '../../../monitor/probes/probe-text.ts'
import type { DeepOutcome } from '../../../monitor/judgement/deep.ts'
import type { Probed } from '../../../monitor/probes/probe.ts'

const [backend] = parseConfig(
  'backends: { zope1: http://127.0.0.1:8080 }',
  'test',
).backends

const refused: Probed = {
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

void t.test('the conclusion is that of monitoring plugins', t => {
  const pass = { kind: 'pass', status: 200, bytes: 0 } as const
  t.equal(conclude(pass, 5, 1_000), 'ok')
  t.equal(conclude(pass, 1_001, 1_000), 'warning')
  t.equal(conclude({ kind: 'refused' }, 5, 1_000), 'critical')
  t.equal(conclude({ kind: 'local', error: 'EMFILE' }, 5, 1_000), 'unknown')
  t.end()
})

void t.test('the heartbeat and the deep probe have their say', t => {
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
  t.equal(conclude(silent, 9e3, 1e3, { heart: beat, deep: null }), 'warning')
  t.equal(
    conclude(silent, 9e3, 1e3, {
      heart: { kind: 'silent', silentMs: 500 },
      deep: null,
    }),
    'critical',
  )
  for (const [outcome, conclusion] of [
    [fresh, 'ok'],
    [gone, 'critical'],
    [{ kind: 'silent', ms: 3_000 }, 'critical'],
    [{ kind: 'none', why: 'refused' }, 'ok'],
  ] as const)
    t.equal(
      conclude(pass, 5, 1e3, { heart: undefined, deep: deeply(outcome) }),
      conclusion,
    )
  if (backend === undefined) throw new Error('no backend')
  const told = (beside: Beside): string => probeText(backend, refused, beside)
  for (const [heart, line] of [
    [beat, '100 Continue after 0.3 ms, beside the worker queue'],
    [{ kind: 'silent', silentMs: 500 }, 'none within 500 ms'],
    [{ kind: 'broken', why: 'ECONNREFUSED' }, 'failed (ECONNREFUSED)'],
    [
      { kind: 'heartless' },
      'this server gives none: it answered the request at once',
    ],
  ] as const)
    t.ok(told({ heart, deep: null }).includes(`\nheartbeat  ${line}\n`), line)
  for (const [outcome, line] of [
    [
      fresh,
      `its database answered after 2.0 ms; last transaction ${id}, that of its server ${id}`,
    ],
    [{ ...fresh, server: null }, 'that of its server not told'],
    [{ ...fresh, own: null }, 'its database answered after 2.0 ms\n'],
    [gone, 'its database does not answer: status 503'],
    [{ kind: 'silent', ms: 3_000 }, 'unanswered after 3000 ms'],
    [{ kind: 'none', why: 'refused' }, 'refused'],
  ] as const)
    t.match(told({ heart: undefined, deep: deeply(outcome) }), line)
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
    'look-up  failed (ENOTFOUND), a former address was used',
    '     1.0 ms  looking up the host name',
    '     2.3 ms  connecting',
    '     3.3 ms  in all',
    'nothing was sent',
    'no answer',
  ])
    t.ok(text.split('\n').includes(line), line)
  t.end()
})

void t.test('an answer that came late, with hostile bytes in it', t => {
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
