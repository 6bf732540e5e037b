// The outcome of one probe: a closed set, each with a short code (`kind`, in the
// report and the log) and a sentence. Pure.
import type { LightProbe } from '../config/config.ts'
import { printable, sentence } from '../text/printable.ts'

export type Outcome =
  | { readonly kind: 'pass'; readonly status: number; readonly bytes: number }
  /** of a light probe that requests no page; the line it received, if any */
  | {
      readonly kind: 'pass'
      readonly by: Exclude<LightProbe['kind'], 'http'>
      readonly said: string
    }
  /** the host name could not be resolved: says nothing about the backend */
  | { readonly kind: 'dns'; readonly host: string; readonly error: string }
  | {
      readonly kind: 'dns-timeout'
      readonly host: string
      readonly limitMs: number
    }
  | { readonly kind: 'refused' }
  | { readonly kind: 'unreachable'; readonly error: string }
  | { readonly kind: 'connect-timeout'; readonly limitMs: number }
  | { readonly kind: 'tls'; readonly error: string }
  | { readonly kind: 'tls-timeout'; readonly limitMs: number }
  | { readonly kind: 'reset'; readonly error: string }
  /** closed without an answer */
  | { readonly kind: 'closed' }
  | { readonly kind: 'first-byte-timeout'; readonly limitMs: number }
  /** no worker answered for all of `busyTimeout` */
  | { readonly kind: 'stuck'; readonly limitMs: number }
  /** the whole probe took too long: the header arrived, the body did not end */
  | {
      readonly kind: 'timeout'
      readonly limitMs: number
      readonly bytes: number
    }
  | {
      readonly kind: 'status'
      readonly status: number
      readonly allowed: readonly (readonly [number, number])[]
    }
  | {
      readonly kind: 'content'
      readonly wanted: string
      readonly bytes: number
      /** the first line of an answer that is not a page */
      readonly said?: string
    }
  | {
      readonly kind: 'short-body'
      readonly bytes: number
      /** the content-length; null = it was chunked */
      readonly promised: number | null
    }
  /** the command exited with a code other than 0, or a signal (its name) */
  | {
      readonly kind: 'exit'
      readonly code: number | string
      readonly said: string
    }
  | { readonly kind: 'command-timeout'; readonly limitMs: number }
  /** the answer is not HTTP */
  | { readonly kind: 'protocol'; readonly error: string }
  /** a problem of the monitor (open files, memory): says nothing about the backend */
  | { readonly kind: 'local'; readonly error: string }
  /** this machine closed it together with visitors' connections (drop-connections.ts) */
  | { readonly kind: 'dropped' }
  /** the monitor was stopped or starved: says nothing about the backend */
  | { readonly kind: 'starved'; readonly lateMs: number }

export type Judgement = 'pass' | 'fail' | 'none'

/** Whether an outcome counts for the backend, against it, or not at all. */
export function judge(outcome: Outcome): Judgement {
  switch (outcome.kind) {
    case 'pass':
      return 'pass'
    case 'local':
    case 'dropped':
    case 'starved':
    // a name that cannot be resolved says nothing about the backend
    case 'dns':
    case 'dns-timeout':
      return 'none'
    case 'refused':
    case 'unreachable':
    case 'connect-timeout':
    case 'tls':
    case 'tls-timeout':
    case 'reset':
    case 'closed':
    case 'first-byte-timeout':
    case 'stuck':
    case 'timeout':
    case 'status':
    case 'content':
    case 'short-body':
    case 'exit':
    case 'command-timeout':
    case 'protocol':
      return 'fail'
  }
}

/** Whether a live server process must have caused it. */
export function isAnswer(outcome: Outcome): boolean {
  const { kind } = outcome
  // the kernel accepts for a frozen process, too
  if (kind === 'pass' && 'by' in outcome && outcome.by === 'tcp') return false
  return [
    'pass',
    'status',
    'content',
    'protocol',
    'closed',
    'timeout',
  ].includes(kind)
}

/**
 * Whether it shows that a frozen backend has changed. A refused connection does: its
 * process has exited. Silence does not, at whatever stage: a machine that is gone
 * answers nothing at all, and its name server or route may be gone, too.
 */
export function isSignOfLife(outcome: Outcome): boolean {
  return ![
    'dns',
    'dns-timeout',
    'unreachable',
    'connect-timeout',
    'tls-timeout',
    'first-byte-timeout',
    'command-timeout',
  ].includes(outcome.kind)
}

/**
 * One sentence without a period: what was found, what the limit was. Text that the
 * other side controls (a certificate with hundreds of names) is cut here and nowhere
 * else.
 */
export function describe(outcome: Outcome): string {
  return sentence(wholeText(outcome))
}

function wholeText(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'pass':
      if ('by' in outcome) return passText(outcome.by, outcome.said)
      return `status ${outcome.status} with ${bytesText(outcome.bytes)} of body`
    case 'dns':
      return `the host name ${outcome.host} cannot be resolved (${outcome.error})`
    case 'dns-timeout':
      return `resolving the host name ${outcome.host} took longer than ${outcome.limitMs} ms`
    case 'refused':
      return 'the connection was refused: nothing listens on that port'
    case 'unreachable':
      return `the address cannot be reached (${outcome.error})`
    case 'connect-timeout':
      return `no connection within ${outcome.limitMs} ms`
    case 'tls':
      return `the TLS handshake failed (${outcome.error})`
    case 'tls-timeout':
      return `TLS handshake not finished within ${outcome.limitMs} ms`
    case 'reset':
      return `the connection was reset (${outcome.error})`
    case 'closed':
      return 'the connection was closed without an answer'
    case 'first-byte-timeout':
      return `connected, but no response header within ${outcome.limitMs} ms`
    case 'stuck':
      return `no worker answered within ${limitText(outcome.limitMs)} (the limit of busyTimeout)`
    case 'timeout':
      return `the answer did not end within ${outcome.limitMs} ms, ${bytesText(outcome.bytes)} of body so far`
    case 'status':
      return `status ${outcome.status}, but only ${rangesText(outcome.allowed)} passes`
    case 'content':
      if (outcome.said !== undefined)
        return `the answer ${quoted(outcome.said)} does not match ${outcome.wanted}`
      return `${outcome.wanted} was not found in ${bytesText(outcome.bytes)} of body`
    case 'short-body':
      return outcome.promised === null
        ? `the answer broke off after ${bytesText(outcome.bytes)} of body, before its last chunk`
        : `the answer broke off after ${bytesText(outcome.bytes)} of body, ${outcome.promised} were promised`
    case 'exit':
      return outcome.said === ''
        ? `the command ended with ${outcome.code} and printed nothing`
        : `the command ended with ${outcome.code}: ${quoted(outcome.said)}`
    case 'command-timeout':
      return `the command did not end within ${outcome.limitMs} ms and was killed`
    case 'protocol':
      return `the answer is not HTTP (${outcome.error})`
    case 'local':
      return `the monitor itself could not probe (${outcome.error}); not counted`
    case 'dropped':
      return 'this machine closed the connection (ss -K); not counted'
    case 'starved':
      return `the monitor itself ran ${outcome.lateMs} ms late (stopped or starved); not counted`
  }
}

function passText(
  by: Exclude<LightProbe['kind'], 'http'>,
  said: string,
): string {
  switch (by) {
    case 'tcp':
      return 'the connection was accepted'
    case 'ask':
      return `the answer was ${quoted(said)}`
    case 'command':
      return said === ''
        ? 'the command ended with 0'
        : `the command ended with 0: ${quoted(said)}`
  }
}

const maxQuoted = 100

/** Text from outside, made safe for a log and a terminal. */
function quoted(text: string): string {
  const line = printable(text)
  return `"${line.length > maxQuoted ? `${line.slice(0, maxQuoted - 1)}…` : line}"`
}

function limitText(ms: number): string {
  return ms % 1_000 === 0 ? `${ms / 1_000} s` : `${ms} ms`
}

function bytesText(bytes: number): string {
  return bytes === 1 ? '1 byte' : `${bytes} bytes`
}

function rangesText(ranges: readonly (readonly [number, number])[]): string {
  return ranges
    .map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`))
    .join(', ')
}
