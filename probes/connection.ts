// A light probe that connects, and asks one line if there is a question: no HTTP.
// Never rejects, always ends within the limit of the whole probe.
import type { LookupAddress } from 'node:dns'
import { connect, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Backend, LightProbe } from '../config/config.ts'
import { errorCode } from '../system/error-code.ts'
import type { Outcome } from '../health/outcome.ts'
import { linesOutcome } from './answer.ts'
import { outcomeOfError, outcomeOfLimit } from './failure.ts'
import type { Stage } from './failure.ts'
import type { Resolver } from './resolver.ts'
import { answerWith, untold, withAddresses } from './probe.ts'
import type { ExchangeResult, ProbeAnswer } from './probe.ts'
import { trustOf } from './trust.ts'

/** An answer to one line comes in a few pieces; each is added to a copy. */
const maxPieces = 256

type Question = Extract<LightProbe, { readonly kind: 'ask' }>

/**
 * @param question asked of its own port, without TLS; null = an accepted
 *   connection passes, for https with its TLS handshake
 * @param signal aborts the probe; its outcome is then without meaning
 */
export function probeConnection(
  backend: Backend,
  question: Question | null,
  lookup: Resolver,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  return withAddresses(backend, lookup, (addresses, started, stages) =>
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
    return Promise.resolve(untold(trust.problem))
  return new Promise(resolve => {
    let stage: Stage = 'connect'
    let stageTimer: NodeJS.Timeout | undefined
    let body: Buffer = Buffer.alloc(0)
    let isDone = false
    const target = {
      host: backend.host,
      port: question?.port ?? backend.port,
      // the look-up is done
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
      clearTimeout(stageTimer)
      clearTimeout(wholeTimer)
      signal.removeEventListener('abort', abort)
      // else the backend might log a handshake that was broken off
      if (outcome.kind === 'pass') socket.destroySoon()
      else socket.destroy()
      resolve({ outcome, request: null, response: null, body })
    }
    const abort = (): void => done({ kind: 'local', error: 'aborted' })
    // what came in during a pause of our own counts first: timers run before
    // arrived data is read, setImmediate after it
    const limit = (limitMs: number, isWhole: boolean): NodeJS.Timeout =>
      setTimeout(
        () => {
          const late = stage
          setImmediate(() => {
            if (isWhole || late === stage)
              done(outcomeOfLimit(stage, limitMs, body.length, backend.host))
          })
        },
        isWhole ? limitMs - (performance.now() - started) : limitMs,
      )
    const enter = (next: Stage, limitMs?: number): void => {
      stage = next
      stages.set(next, performance.now() - started)
      clearTimeout(stageTimer)
      if (limitMs !== undefined) stageTimer = limit(limitMs, false)
    }
    const wholeTimer = limit(settings.timeoutMs, true)
    signal.addEventListener('abort', abort)
    enter('connect', settings.connectTimeoutMs)

    socket.once('connect', () => {
      if (question !== null) {
        // zc.monitor takes LF, too, but its users send CRLF
        socket.write(`${question.send}\r\n`)
        enter('answer', settings.firstByteTimeoutMs)
      } else if (isTls) enter('tls', settings.connectTimeoutMs)
      else done({ kind: 'pass', by: 'tcp', said: '' })
    })
    socket.once('secureConnect', () => {
      done({ kind: 'pass', by: 'tcp', said: '' })
    })
    let pieces = 0
    /** the lines before it do not pass */
    let from = 0
    socket.on('data', (chunk: Buffer) => {
      if (question === null) return
      if (stage === 'answer') enter('body')
      const room = settings.maxBody - body.length
      body = Buffer.concat([body, chunk.subarray(0, room)])
      const isFull = body.length === settings.maxBody || ++pieces >= maxPieces
      if (!isFull && !chunk.includes('\n')) return
      const outcome = linesOutcome(body, isFull, question.expect, from)
      if (outcome !== undefined) done(outcome)
      from = body.lastIndexOf('\n') + 1
    })
    socket.on('end', () => {
      // within a TLS handshake that is an error, told as one
      if (question === null) return
      const outcome =
        body.length === 0
          ? undefined
          : linesOutcome(body, true, question.expect, from)
      done(outcome ?? { kind: 'closed' })
    })
    // also those of the teardown, which are nobody's business
    socket.on('error', (err: Error) => {
      done(
        outcomeOfError({
          code: errorCode(err),
          message: err.message,
          // no promise was made of how much would come
          stage: stage === 'body' ? 'answer' : stage,
          bytes: body.length,
          promised: null,
        }),
      )
    })
    if (signal.aborted) abort()
  })
}

/** As an HTTPS request would name it; none for an address (RFC 6066). */
function serverName({ host, probe }: Backend): string {
  const name = (probe.host ?? host)
    .replace(/(?<=\]|^[^:]*):\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
  return isIP(name) === 0 ? name : ''
}
