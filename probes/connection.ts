// A light probe without HTTP: it connects and, if configured, sends one line and
// reads the answer. Never rejects, always ends within the limit of the whole probe.
import { StageClock } from './stage-clock.ts'
import type { LookupAddress } from 'node:dns'
import { connect, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Backend, LightProbe } from '../config/config.ts'
import { errorCode } from '../system/error-code.ts'
import type { Outcome } from '../health/outcome.ts'
import { linesOutcome } from './answer.ts'
import { outcomeOfError, outcomeOfLimit, type Stage } from './failure.ts'
import type { Resolver } from './resolver.ts'
import {
  answerWith,
  localError,
  withAddresses,
  type ExchangeResult,
  type ProbeAnswer,
} from './probe.ts'
import { trustOf } from './trust.ts'

/** An answer arrives in a few pieces; each one is appended by copying. */
const maxPieces = 256

type Question = Extract<LightProbe, { readonly kind: 'ask' }>

/**
 * @param question sent to its own port, without TLS; null = an accepted connection
 *   passes, for https with its TLS handshake
 * @param signal aborts the probe; the outcome then has no meaning
 */
export function probeConnection(
  backend: Backend,
  question: Question | null,
  resolver: Resolver,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  return withAddresses(backend, resolver, (addresses, started, stages) =>
    converse(backend, question, addresses, started, stages, signal),
  )
}

function converse(
  backend: Backend,
  question: Question | null,
  addresses: readonly LookupAddress[],
  started: number,
  stages: Map<Stage, number>,
  signal: AbortSignal,
): Promise<ExchangeResult> {
  const settings = backend.probe
  const isTls = question === null && backend.tls
  const trust = isTls ? trustOf(backend) : undefined
  if (typeof trust?.problem === 'string')
    return Promise.resolve(localError(trust.problem))
  return new Promise(resolve => {
    let body: Buffer = Buffer.alloc(0)
    let isDone = false
    const target = {
      host: backend.host,
      port: question?.port ?? backend.port,
      // already resolved
      lookup: answerWith(addresses),
    }
    const socket = isTls
      ? connectTls({
          ...target,
          servername: serverName(backend),
          rejectUnauthorized: settings.verify,
          ...(trust !== undefined && {
            secureContext: trust.agent.options.secureContext,
          }),
        })
      : connect(target)

    const done = (outcome: Outcome): void => {
      if (isDone) return
      isDone = true
      clock.stop()
      signal.removeEventListener('abort', abort)
      // otherwise the backend might log an aborted handshake
      if (outcome.kind === 'pass') socket.destroySoon()
      else socket.destroy()
      resolve({ outcome, request: null, response: null, body })
    }
    const abort = (): void => done({ kind: 'local', error: 'aborted' })
    const clock = new StageClock(started, settings.timeoutMs, stages, limitMs =>
      done(outcomeOfLimit(clock.stage, limitMs, body.length, backend.host)),
    )
    signal.addEventListener('abort', abort)
    clock.enter('connect', settings.connectTimeoutMs)

    socket.once('connect', () => {
      if (question !== null) {
        // zc.monitor also accepts LF, but its users send CRLF
        socket.write(`${question.send}\r\n`)
        clock.enter('answer', settings.firstByteTimeoutMs)
      } else if (isTls) clock.enter('tls', settings.connectTimeoutMs)
      else done({ kind: 'pass', by: 'tcp', said: '' })
    })
    socket.once('secureConnect', () => {
      done({ kind: 'pass', by: 'tcp', said: '' })
    })
    let pieces = 0
    /** the lines before this position do not pass */
    let from = 0
    socket.on('data', (chunk: Buffer) => {
      if (question === null) return
      if (clock.stage === 'answer') clock.enter('body')
      const room = settings.maxBody - body.length
      body = Buffer.concat([body, chunk.subarray(0, room)])
      const isFull = body.length === settings.maxBody || ++pieces >= maxPieces
      if (!isFull && !chunk.includes('\n')) return
      const outcome = linesOutcome(body, isFull, question.expect, from)
      if (outcome !== undefined) done(outcome)
      from = body.lastIndexOf('\n') + 1
    })
    socket.on('end', () => {
      // during a TLS handshake an error event follows
      if (question === null) return
      const outcome =
        body.length === 0
          ? undefined
          : linesOutcome(body, true, question.expect, from)
      done(outcome ?? { kind: 'closed' })
    })
    // errors of the teardown arrive here, too; done() ignores them
    socket.on('error', (err: Error) => {
      done(
        outcomeOfError({
          code: errorCode(err),
          message: err.message,
          // the length was not announced
          stage: clock.stage === 'body' ? 'answer' : clock.stage,
          bytes: body.length,
          promised: null,
        }),
      )
    })
    if (signal.aborted) abort()
  })
}

/** The name an HTTPS request would use; none for an address (RFC 6066). */
function serverName({ host, probe }: Backend): string {
  const name = (probe.host ?? host)
    .replace(/(?<=\]|^[^:]*):\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
  return isIP(name) === 0 ? name : ''
}
