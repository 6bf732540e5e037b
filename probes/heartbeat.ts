// One heartbeat: the headers of a request that announces a body of one byte and
// asks first (RFC 9110 10.1.1). waitress answers "100 Continue" from its main loop,
// before a worker is involved; the body is never sent, so no request is executed. An
// unanswered heartbeat stays open, so that a thaw is seen at once. Other servers run
// the request without its body: their final answer is awaited after the 100.
import {
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
} from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { LookupAddress } from 'node:dns'
import type { Backend } from '../config/config.ts'
import { errorCode } from '../system/error-code.ts'
import { version } from '../system/version.ts'
import { isLocalError } from './failure.ts'
import type { HeartbeatEvent, HeartbeatTimes } from '../health/heartbeat.ts'
import { plainAgent, answerWith, limitAnswer } from './probe.ts'
import { trustOf } from './trust.ts'

/** a timer that fires later than this was delayed by our own thread */
const ownDelayMs = 50
/** What a heartbeat can show; a trial can show more (heartbeat-trial.ts). */
type Beat = Exclude<HeartbeatEvent, { kind: 'learned' | 'unclear' }>

/** how long to wait for a final answer, unless the server closes, as it should */
const lingerMs = 1_000

/**
 * @param onSilent called when the heartbeat is late, when it has been silent for
 *   `frozenMs` and twice per interval from then on, and once per `timeoutMs` in
 *   between; a delay of this process is not counted
 * @param onExecuted called when a final answer follows a heartbeat: the server ran it
 *   as a request
 * @param signal aborts it; the result then has no meaning
 * @returns how it ended; `silent` = given up after it was frozen, send a new one;
 *   undefined = this machine could not send it
 */
export function heartbeat(
  backend: Backend,
  addresses: readonly LookupAddress[],
  times: HeartbeatTimes,
  onSilent: (silentForMs: number) => void,
  onExecuted: () => void,
  signal: AbortSignal,
): Promise<Beat | undefined> {
  const startedMs = performance.now()
  const silentForMs = (): number => performance.now() - startedMs
  return new Promise(resolve => {
    const request = expectContinue(backend, addresses, 'HEAD', signal)
    let timer: NodeJS.Timeout | undefined
    let isDone = false
    const done = (event: Beat | undefined): void => {
      if (isDone) return
      isDone = true
      clearTimeout(timer)
      if (event?.kind === 'beat') linger()
      else request.destroy()
      resolve(event)
    }
    // closes our side: the server need not wait for the body any longer
    const linger = (): void => {
      request.socket?.end()
      timer = setTimeout(() => request.destroy(), lingerMs)
      request.once('close', () => clearTimeout(timer))
    }
    // read arrived data before it counts as silent
    const wait = (dueMs: number): void => {
      timer = setTimeout(
        () => {
          const isOurDelay = silentForMs() - dueMs > ownDelayMs
          setImmediate(() => {
            if (isDone) return
            if (isOurDelay) {
              wait(silentForMs() + times.lateMs)
              return
            }
            const ms = silentForMs()
            onSilent(ms)
            if (ms >= times.frozenMs + times.timeoutMs)
              done({ kind: 'silent', silentForMs: ms })
            else if (ms >= times.frozenMs) wait(ms + times.intervalMs / 2)
            else wait(Math.min(ms + times.timeoutMs, times.frozenMs))
          })
        },
        Math.max(0, dueMs - silentForMs()),
      )
    }
    limitAnswer(
      request,
      () => false,
      0,
      why => done({ kind: 'broken', why }),
    )
    request.on('continue', () => {
      done({ kind: 'beat', ms: silentForMs() })
    })
    request.on('response', head => {
      if (isDone && !isComplaint(head)) onExecuted()
      done({ kind: 'heartless' })
      request.destroy()
    })
    request.on('error', (err: Error) => {
      const why = errorCode(err)
      done(isLocalError(why) ? undefined : { kind: 'broken', why })
    })
    wait(times.lateMs)
  })
}

/**
 * The header of a request that announces a body of one byte and asks before sending
 * it. The caller attaches the listeners.
 */
export function expectContinue(
  backend: Backend,
  addresses: readonly LookupAddress[],
  method: string,
  signal: AbortSignal,
): ClientRequest {
  return (backend.tls ? httpsRequest : httpRequest)({
    host: backend.host,
    port: backend.port,
    path: backend.probe.path,
    method,
    headers: {
      'user-agent': `zope-failover/${version}`,
      accept: '*/*',
      'accept-encoding': 'identity',
      'content-length': 1,
      expect: '100-continue',
      connection: 'close',
      ...(backend.probe.host === null ? {} : { host: backend.probe.host }),
    },
    agent: backend.tls ? trustOf(backend).agent : plainAgent,
    rejectUnauthorized: backend.probe.verify,
    lookup: answerWith(addresses),
    signal,
  })
}

/**
 * A bare 400 after we closed our side: the server itself complains about a truncated
 * request (Node's, if it listens to `checkContinue`). An application would have sent
 * more headers.
 */
export function isComplaint({ statusCode, headers }: IncomingMessage): boolean {
  return (
    statusCode === 400 &&
    Object.keys(headers).every(name => name === 'connection')
  )
}
