import t from 'tap'
import {
  outcomeOfError,
  outcomeOfLimit,
  type Stage,
} from '../../../probes/failure.ts'

const broken = (stage: Stage, code: string, message: string) =>
  outcomeOfError({ code, message, stage, bytes: 3, promised: 10 })

void t.test('the stage decides what an error means', t => {
  const hangUp = 'socket hang up'
  const reset = 'read ECONNRESET'
  const cases: readonly [Stage, string, string, string][] = [
    ['connect', 'ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1', 'refused'],
    ['connect', 'EHOSTUNREACH', 'connect EHOSTUNREACH', 'unreachable'],
    ['connect', 'EADDRNOTAVAIL', 'connect EADDRNOTAVAIL', 'unreachable'],
    ['connect', 'ECONNRESET', 'connect ECONNRESET', 'reset'],
    ['lookup', 'ENETUNREACH', 'connect ENETUNREACH', 'unreachable'],
    ['tls', 'ECONNRESET', 'disconnected', 'tls'],
    ['tls', 'CERT_HAS_EXPIRED', 'certificate has expired', 'tls'],
    ['answer', 'ECONNRESET', hangUp, 'closed'],
    ['answer', 'ECONNRESET', reset, 'reset'],
    ['answer', 'EPIPE', 'write EPIPE', 'reset'],
    ['answer', 'HPE_INVALID_CONSTANT', 'Parse Error', 'protocol'],
    ['body', 'HPE_INVALID_CHUNK_SIZE', 'Parse Error', 'protocol'],
    ['body', 'ECONNRESET', reset, 'reset'],
    ['body', 'ECONNRESET', 'The server aborted pending request', 'short-body'],
    ['connect', 'EMFILE', 'connect EMFILE', 'local'],
    ['body', 'ENOMEM', 'read ENOMEM', 'local'],
    ['connect', 'ECONNABORTED', 'connect ECONNABORTED', 'dropped'],
    ['answer', 'ECONNABORTED', 'read ECONNABORTED', 'dropped'],
  ]
  for (const [stage, code, message, kind] of cases)
    t.equal(broken(stage, code, message).kind, kind, `${stage} ${message}`)
  t.end()
})

void t.test('the text is one line and contains the code', t => {
  t.same(broken('tls', 'EPROTO', 'write EPROTO x\ny:\n'), {
    kind: 'tls',
    error: 'write EPROTO x',
  })
  t.same(broken('tls', 'CERT_HAS_EXPIRED', 'certificate has expired'), {
    kind: 'tls',
    error: 'CERT_HAS_EXPIRED: certificate has expired',
  })
  t.same(broken('tls', 'SELF_SIGNED_CERT_IN_CHAIN', 'self-signed'), {
    kind: 'tls',
    error:
      'SELF_SIGNED_CERT_IN_CHAIN: self-signed; its certificate authority is not trusted: set probe.ca to a file with it',
  })
  t.same(broken('tls', 'EPROTO', ''), { kind: 'tls', error: 'EPROTO' })
  t.same(broken('body', 'ECONNRESET', 'aborted'), {
    kind: 'short-body',
    bytes: 3,
    promised: 10,
  })
  t.end()
})

const limit = (stage: Stage) => outcomeOfLimit(stage, 50, 3, 'zope.test')

void t.test('each stage has a limit with its own outcome', t => {
  t.same(limit('lookup'), {
    kind: 'dns-timeout',
    host: 'zope.test',
    limitMs: 50,
  })
  t.same(limit('connect'), { kind: 'connect-timeout', limitMs: 50 })
  t.same(limit('tls'), { kind: 'tls-timeout', limitMs: 50 })
  t.same(limit('answer'), { kind: 'first-byte-timeout', limitMs: 50 })
  t.same(limit('body'), { kind: 'timeout', limitMs: 50, bytes: 3 })
  t.end()
})
