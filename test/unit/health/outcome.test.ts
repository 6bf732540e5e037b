import t from 'tap'
import {
  describe,
  isAnswer,
  isSignOfLife,
  judge,
  type Judgement,
  type Outcome,
} from '../../../health/outcome.ts'

const cases: readonly [Outcome, Judgement, string][] = [
  [
    { kind: 'pass', status: 200, bytes: 2 },
    'pass',
    'status 200 with 2 bytes of body',
  ],
  [
    { kind: 'dns', host: 'zope.test', error: 'ENOTFOUND' },
    'none',
    'the host name zope.test cannot be resolved (ENOTFOUND)',
  ],
  [
    { kind: 'dns-timeout', host: 'zope.test', limitMs: 2_000 },
    'none',
    'resolving the host name zope.test took longer than 2000 ms',
  ],
  [
    { kind: 'refused' },
    'fail',
    'the connection was refused: nothing listens on that port',
  ],
  [
    { kind: 'unreachable', error: 'EHOSTUNREACH' },
    'fail',
    'the address cannot be reached (EHOSTUNREACH)',
  ],
  [
    { kind: 'connect-timeout', limitMs: 2_000 },
    'fail',
    'no connection within 2000 ms',
  ],
  [
    { kind: 'tls', error: 'CERT_HAS_EXPIRED' },
    'fail',
    'the TLS handshake failed (CERT_HAS_EXPIRED)',
  ],
  [
    { kind: 'tls-timeout', limitMs: 2_000 },
    'fail',
    'TLS handshake not finished within 2000 ms',
  ],
  [
    { kind: 'reset', error: 'read ECONNRESET' },
    'fail',
    'the connection was reset (read ECONNRESET)',
  ],
  [{ kind: 'closed' }, 'fail', 'the connection was closed without an answer'],
  [
    { kind: 'stuck', limitMs: 60_000 },
    'fail',
    'no worker answered within 60 s (the limit of busyTimeout)',
  ],
  [
    { kind: 'stuck', limitMs: 1_500 },
    'fail',
    'no worker answered within 1500 ms (the limit of busyTimeout)',
  ],
  [
    { kind: 'first-byte-timeout', limitMs: 5_000 },
    'fail',
    'connected, but no response header within 5000 ms',
  ],
  [
    { kind: 'timeout', limitMs: 5_000, bytes: 1 },
    'fail',
    'the answer did not end within 5000 ms, 1 byte of body so far',
  ],
  [
    {
      kind: 'status',
      status: 500,
      allowed: [
        [200, 299],
        [304, 304],
      ],
    },
    'fail',
    'status 500, but only 200-299, 304 passes',
  ],
  [
    { kind: 'content', wanted: '"OK"', bytes: 7 },
    'fail',
    '"OK" was not found in 7 bytes of body',
  ],
  [
    { kind: 'short-body', bytes: 3, promised: 10 },
    'fail',
    'the answer broke off after 3 bytes of body, 10 were promised',
  ],
  [
    { kind: 'short-body', bytes: 3, promised: null },
    'fail',
    'the answer broke off after 3 bytes of body, before its last chunk',
  ],
  [
    { kind: 'content', wanted: '/^OK$/', bytes: 19, said: 'Warmup\u001B[1m' },
    'fail',
    'the answer "Warmup\\u001b[1m" does not match /^OK$/',
  ],
  [
    { kind: 'pass', by: 'tcp', said: '' },
    'pass',
    'the connection was accepted',
  ],
  [{ kind: 'pass', by: 'ask', said: 'OK' }, 'pass', 'the answer was "OK"'],
  [
    { kind: 'pass', by: 'command', said: '' },
    'pass',
    'the command ended with 0',
  ],
  [
    { kind: 'pass', by: 'command', said: 'x'.repeat(101) },
    'pass',
    `the command ended with 0: "${'x'.repeat(99)}…"`,
  ],
  [
    { kind: 'exit', code: 2, said: 'CRITICAL: no page' },
    'fail',
    'the command ended with 2: "CRITICAL: no page"',
  ],
  [
    { kind: 'exit', code: 'SIGSEGV', said: '' },
    'fail',
    'the command ended with SIGSEGV and printed nothing',
  ],
  [
    { kind: 'command-timeout', limitMs: 5_000 },
    'fail',
    'the command did not end within 5000 ms and was killed',
  ],
  [
    { kind: 'protocol', error: 'HPE_INVALID_CONSTANT' },
    'fail',
    'the answer is not HTTP (HPE_INVALID_CONSTANT)',
  ],
  [
    { kind: 'local', error: 'EMFILE' },
    'none',
    'the monitor itself could not probe (EMFILE); not counted',
  ],
  [
    { kind: 'dropped' },
    'none',
    'this machine closed the connection (ss -K); not counted',
  ],
  [
    { kind: 'starved', lateMs: 4_000 },
    'none',
    'the monitor itself ran 4000 ms late (stopped or starved); not counted',
  ],
]

void t.test('every outcome has its judgement and its sentence', t => {
  for (const [outcome, judgement, sentence] of cases) {
    t.equal(judge(outcome), judgement, outcome.kind)
    t.equal(describe(outcome), sentence)
  }
  t.end()
})

void t.test('which outcomes prove a live process', t => {
  t.equal(isAnswer({ kind: 'status', status: 500, allowed: [] }), true)
  t.equal(isAnswer({ kind: 'first-byte-timeout', limitMs: 1 }), false)
  t.equal(isAnswer({ kind: 'pass', status: 200, bytes: 0 }), true)
  t.equal(isAnswer({ kind: 'pass', by: 'ask', said: 'OK' }), true)
  t.equal(isAnswer({ kind: 'pass', by: 'tcp', said: '' }), false)
  t.end()
})

void t.test('a reason is one sentence, whatever a certificate contains', t => {
  const names = Array.from({ length: 5_000 }, (_, at) => `DNS:w${at}.test`)
  const text = describe({
    kind: 'tls',
    error: `Host: a. is not in the cert's altnames:\n\u001B[31m ${names.join(', ')}`,
  })
  t.equal(text.length, 300)
  t.match(text, /^the TLS handshake failed \(Host: a\. .*…$/)
  t.notMatch(text, /\p{Cc}/u)
  t.end()
})

void t.test('frozen ends with a sign of life', t => {
  t.equal(isSignOfLife({ kind: 'refused' }), true, 'its process has ended')
  t.equal(isSignOfLife({ kind: 'status', status: 500, allowed: [] }), true)
  for (const outcome of [
    { kind: 'connect-timeout', limitMs: 1 },
    { kind: 'unreachable', error: 'EHOSTUNREACH' },
    { kind: 'first-byte-timeout', limitMs: 1 },
    { kind: 'dns', host: 'zope.test', error: 'ENOTFOUND' },
  ] as const)
    t.equal(isSignOfLife(outcome), false, outcome.kind)
  t.end()
})
