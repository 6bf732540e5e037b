// What a network error says about a backend. The stage that the probe had reached
// matters as much as the code: the same ECONNRESET can mean a failure handshake, a
// closed connection or a truncated body.
import type { Outcome } from '../health/outcome.ts'

/** How far a probe has got. */
export type Stage = 'lookup' | 'connect' | 'tls' | 'answer' | 'body'

type NetworkError = {
  readonly code: string
  readonly message: string
  readonly stage: Stage
  /** bytes of body so far, and the content-length */
  readonly bytes: number
  readonly promised: number | null
}

/** This machine closed the socket from outside (ss -K, drop-connections.ts). */
const dropped = 'ECONNABORTED'
const local = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', dropped])

/** OpenSSL's codes for a chain that does not end in a trusted authority. */
const untrusted = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** Whether a certificate's chain does not end in a trusted authority. */
export function isUntrusted(code: string): boolean {
  return untrusted.has(code)
}

function trustHint(code: string): string {
  return isUntrusted(code)
    ? '; its certificate authority is not trusted: set probe.ca to a file with it'
    : ''
}

/** Whether an error is a problem of this machine. */
export function isLocalError(code: string): boolean {
  return local.has(code)
}

/** The outcome of a probe that ended in an error. */
export function outcomeOfError(failure: NetworkError): Outcome {
  const { code, stage } = failure
  if (code === dropped) return { kind: 'dropped' }
  // OpenSSL writes several lines
  const message = failure.message.replace(/[\r\n][^]*$/, '').trim()
  const error = message.includes(code)
    ? message
    : `${code}${message === '' ? '' : `: ${message}`}`
  if (isLocalError(code)) return { kind: 'local', error }
  switch (stage) {
    case 'lookup':
    case 'connect':
      return code === 'ECONNREFUSED'
        ? { kind: 'refused' }
        : code === 'ECONNRESET'
          ? { kind: 'reset', error }
          : { kind: 'unreachable', error: code }
    case 'tls':
      return { kind: 'tls', error: error + trustHint(code) }
    case 'answer':
    case 'body':
      if (/^(HPE_|ERR_HTTP_|ERR_INVALID_HTTP)/.test(code))
        return { kind: 'protocol', error }
      if (stage === 'body' && !message.includes('read '))
        return {
          kind: 'short-body',
          bytes: failure.bytes,
          promised: failure.promised,
        }
      return message.includes('hang up')
        ? { kind: 'closed' }
        : { kind: 'reset', error }
  }
}

/** The outcome of a probe that ran into a limit. */
export function outcomeOfLimit(
  stage: Stage,
  limitMs: number,
  bytes: number,
  host: string,
): Outcome {
  switch (stage) {
    case 'lookup':
      return { kind: 'dns-timeout', host, limitMs }
    case 'connect':
      return { kind: 'connect-timeout', limitMs }
    case 'tls':
      return { kind: 'tls-timeout', limitMs }
    case 'answer':
      return { kind: 'first-byte-timeout', limitMs }
    case 'body':
      return { kind: 'timeout', limitMs, bytes }
  }
}
