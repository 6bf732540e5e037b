// One probe of one backend, with got: a new connection, one request, one outcome.
// Never rejects, always ends within the limit of the whole probe.
import { StageClock } from './stage-clock.ts'
import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
} from 'node:http'
import { connect, type Socket } from 'node:net'
import { got } from 'got'
import type { LookupAddress } from 'node:dns'
import { addressOf, originOf, type Backend } from '../config/config.ts'
import { errorCode } from '../system/error-code.ts'
import { version } from '../system/version.ts'
import { bodyOutcome, statusOutcome } from './answer.ts'
import { outcomeOfError, outcomeOfLimit, type Stage } from './failure.ts'
import type { Resolver } from './resolver.ts'
import type { Outcome } from '../health/outcome.ts'
import { trustOf } from './trust.ts'

export type ProbeAnswer = {
  readonly outcome: Outcome
  /** from the start to the end of the probe */
  readonly ms: number
  /** when each stage that was reached began, in ms from the start */
  readonly stages: ReadonlyMap<Stage, number>
  /** why the DNS lookup failed and a remembered address was used; null = it did not */
  readonly lookupError: string | null
  readonly request: ClientRequest | null
  readonly response: IncomingMessage | null
  readonly body: Buffer
}

/** Bytes of an answer before its body; Node itself takes 16 KiB of headers. */
const maxHeadBytes = 65_536
/** In addition to the body itself: chunk headers and their extensions. */
const maxFraming = 262_144
/** Interim answers (1xx) before the final one. */
const maxInterim = 16

/**
 * Limits what one answer may cost. Node skips line ends before an answer without
 * limit and accepts any number of interim answers: either could keep a core busy for
 * the whole duration of the probe.
 *
 * @param isInBody whether the header has arrived
 * @param maxBody how many bytes of the body are read
 * @param exceeded called with a sentence, perhaps more than once
 */
export function limitAnswer(
  request: ClientRequest,
  isInBody: () => boolean,
  maxBody: number,
  exceeded: (why: string) => void,
): void {
  let interim = 0
  request.on('information', () => {
    if (++interim > maxInterim)
      exceeded(`more than ${maxInterim} interim answers (1xx)`)
  })
  request.once('socket', socket => {
    let bytes = 0
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (!isInBody() && bytes > maxHeadBytes)
        exceeded(`more than ${maxHeadBytes} bytes before its body`)
      else if (bytes > maxHeadBytes + maxFraming + maxBody)
        exceeded(`more than ${maxFraming} bytes of framing around its body`)
    })
  })
}

/** how often a held probe checks whether to go on waiting */
const holdCheckMs = 250

// separate agents, so that neither a kept connection nor a proxy from the environment
// interferes; the limits are enforced here, not by sockets
export const plainAgent = new HttpAgent({
  keepAlive: false,
  maxSockets: Infinity,
})

/** common to all probes, so that got validates it only once */
const client = got.extend({
  headers: {
    'user-agent': `zope-failover/${version}`,
    accept: '*/*',
    'accept-encoding': 'identity',
    connection: 'close',
  },
  retry: { limit: 0 },
  followRedirect: false,
  throwHttpErrors: false,
  decompress: false,
})

/**
 * @param signal aborts the probe; the outcome then has no meaning
 * @param isHeld called when no response header came in time: whether to go on
 *   waiting, until `busyTimeoutMs`; Zope executes an abandoned request anyway
 */
export async function probe(
  backend: Backend,
  resolver: Resolver,
  signal: AbortSignal,
  isHeld: () => boolean = () => false,
): Promise<ProbeAnswer> {
  return withAddresses(backend, resolver, (addresses, started, stages) =>
    exchange(backend, addresses, started, stages, signal, isHeld),
  )
}

/**
 * The common start of every probe over the network: resolves the host name.
 *
 * @param converse never rejects
 */
export async function withAddresses(
  { host, probe: settings }: Backend,
  resolver: Resolver,
  converse: (
    addresses: readonly LookupAddress[],
    started: number,
    stages: Map<Stage, number>,
  ) => Promise<ExchangeResult>,
): Promise<ProbeAnswer> {
  const started = performance.now()
  const stages = new Map<Stage, number>([['lookup', 0]])
  const finish = (
    outcome: Outcome,
    rest: Partial<ProbeAnswer> = {},
  ): ProbeAnswer => ({
    outcome,
    ms: performance.now() - started,
    stages,
    lookupError: null,
    request: null,
    response: null,
    body: Buffer.alloc(0),
    ...rest,
  })
  const lookupMs = Math.min(settings.connectTimeoutMs, settings.timeoutMs)
  const resolved = await resolver.resolve(host, lookupMs)
  if (resolved.kind === 'failed')
    return finish({ kind: 'dns', host, error: resolved.error })
  if (resolved.kind === 'hanging')
    return finish({ kind: 'dns-timeout', host, limitMs: lookupMs })
  const exchanged = await converse(resolved.addresses, started, stages)
  return finish(exchanged.outcome, {
    ...exchanged,
    lookupError: resolved.kind === 'remembered' ? resolved.error : null,
  })
}

/** A problem on this side: it says nothing about the backend. */
export function localError(error: string): ExchangeResult {
  return {
    outcome: { kind: 'local', error },
    request: null,
    response: null,
    body: Buffer.alloc(0),
  }
}

export type ExchangeResult = Pick<
  ProbeAnswer,
  'outcome' | 'request' | 'response' | 'body'
>

function exchange(
  backend: Backend,
  addresses: readonly LookupAddress[],
  started: number,
  stages: Map<Stage, number>,
  signal: AbortSignal,
  isHeld: () => boolean,
): Promise<ExchangeResult> {
  const settings = backend.probe
  const trust = backend.tls ? trustOf(backend) : undefined
  if (typeof trust?.problem === 'string')
    return Promise.resolve(localError(trust.problem))
  return new Promise(resolve => {
    let request: ClientRequest | null = null
    let response: IncomingMessage | null = null
    const chunks: Buffer[] = []
    let bytes = 0
    let isDone = false

    // already resolved
    const lookup = answerWith(addresses)
    const { host, port } = backend
    // an agent would cost a tenth of a probe and keeps no connections here anyway
    const dial = (): Socket => connect({ host, port, lookup })
    const stream = client.stream(originOf(backend) + settings.path, {
      method: settings.method,
      ...(settings.host === null ? {} : { headers: { host: settings.host } }),
      ...(trust !== undefined
        ? { agent: { https: trust.agent } }
        : { createConnection: dial }),
      ...(settings.verify ? {} : { https: { rejectUnauthorized: false } }),
      dnsLookup: lookup,
    })

    const done = (outcome: Outcome): void => {
      if (isDone) return
      isDone = true
      clock.stop()
      signal.removeEventListener('abort', abort)
      // ignore errors of the teardown
      stream.on('error', () => {})
      stream.destroy()
      resolve({ outcome, request, response, body: Buffer.concat(chunks) })
    }
    const abort = (): void => done({ kind: 'local', error: 'aborted' })
    // Own limits, not got's: got's one for connecting is not armed for an IPv6
    // literal, and a single limit per stage says in which one the time went.
    const clock = new StageClock(
      started,
      settings.timeoutMs,
      stages,
      limitMs => {
        if (clock.stage === 'answer' && isHeld()) hold()
        else late(limitMs)
      },
    )
    const late = (limitMs: number): void =>
      done(outcomeOfLimit(clock.stage, limitMs, bytes, backend.host))
    const hold = (): void => {
      clock.hold(holdCheckMs, () => {
        if (clock.sinceMs >= settings.busyTimeoutMs)
          done({ kind: 'stuck', limitMs: settings.busyTimeoutMs })
        else if (isHeld()) hold()
        else late(settings.timeoutMs)
      })
    }
    signal.addEventListener('abort', abort)
    clock.enter('connect', settings.connectTimeoutMs)

    stream.on('request', (sent: ClientRequest) => {
      request = sent
      limitAnswer(
        sent,
        () => clock.stage === 'body',
        settings.maxBody,
        error => done({ kind: 'protocol', error }),
      )
      sent.once('upgrade', (head, socket) => {
        socket.destroy()
        const status = head.statusCode ?? 0
        done(
          statusOutcome(status, settings) ?? { kind: 'pass', status, bytes: 0 },
        )
      })
      sent.once('socket', socket => {
        socket.once('connect', () => {
          if (backend.tls) clock.enter('tls', settings.connectTimeoutMs)
          else clock.enter('answer', settings.firstByteTimeoutMs)
        })
        socket.once('secureConnect', () => {
          clock.enter('answer', settings.firstByteTimeoutMs)
        })
      })
    })
    stream.on('response', (head: IncomingMessage) => {
      response = head
      clock.enter('body', settings.timeoutMs)
      const outcome = statusOutcome(head.statusCode ?? 0, settings)
      if (outcome !== undefined) done(outcome)
    })
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk.subarray(0, settings.maxBody - bytes))
      bytes = Math.min(settings.maxBody, bytes + chunk.length)
      if (bytes === settings.maxBody) judgeBody()
    })
    stream.on('end', judgeBody)
    stream.on('error', (err: Error) => {
      const promised = response?.headers['content-length']
      done(
        outcomeOfError({
          code: errorCode(err),
          message: err.message === '' ? addressOf(backend) : err.message,
          stage: clock.stage,
          bytes,
          promised: promised === undefined ? null : Number(promised),
        }),
      )
    })
    function judgeBody(): void {
      done(
        bodyOutcome(response?.statusCode ?? 0, Buffer.concat(chunks), settings),
      )
    }
    if (signal.aborted) abort()
  })
}

/** A lookup function with a known result; it answers asynchronously, as a real one. */
export function answerWith(addresses: readonly LookupAddress[]) {
  return (
    _host: string,
    options: unknown,
    callback: (
      error: NodeJS.ErrnoException | null,
      address: string | LookupAddress[],
      family?: number,
    ) => void,
  ): void => {
    const wantsAll =
      typeof options === 'object' &&
      options !== null &&
      Reflect.get(options, 'all') === true
    setImmediate(() => {
      if (wantsAll) callback(null, [...addresses])
      else
        callback(null, addresses[0]?.address ?? '', addresses[0]?.family ?? 4)
    })
  }
}
