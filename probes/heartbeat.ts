// One heartbeat: the headers of a request that announces a body of one byte and
// asks first (RFC 9110 10.1.1). waitress answers "100 Continue" from its main
// loop, before any worker is asked; the body is never sent, so no request comes
// of it. Held while it is unanswered, so that a thaw is seen at once. Other servers
// run the request without its body: their final answer is waited for after the 100.
import { request as httpRequest } from 'node:http'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { LookupAddress } from 'node:dns'
import type { Backend } from '../config/config.ts'
import { errorCode } from '../system/error-code.ts'
import { version } from '../system/version.ts'
import { isLocalError } from './failure.ts'
import type { HeartbeatEvent, HeartTimes } from '../health/heartbeat.ts'
import { plainAgent, answerWith, limitAnswer } from './probe.ts'
import { trustOf } from './trust.ts'

/** a timer that is later than this was kept by our own thread */
const ownDelayMs = 50
/** What a heartbeat can show; what a trial shows is more (probes/trial.ts). */
export type Beat = Exclude<HeartbeatEvent, { kind: 'learned' | 'unclear' }>

/** so long a final answer is waited for, unless the server closes, as it should */
const lingerMs = 1_000

/**
 * @param onSilent called when the heartbeat is late, when it has been silent for
 *   `frozenMs` and twice an interval from then on, and once per `timeoutMs`
 *   between the two; a delay of this process is not counted
 * @param onExecuted called after a heartbeat that came, when a final answer follows:
 *   it was run as a request
 * @param signal aborts it; what is returned is then without meaning
 * @returns how it ended; `silent` = given up after it was frozen, to be sent anew;
 *   undefined = this machine could not ask
 */
export function heartbeat(
  backend: Backend,
  addresses: readonly LookupAddress[],
  times: HeartTimes,
  onSilent: (silentMs: number) => void,
  onExecuted: () => void,
  signal: AbortSignal,
): Promise<Beat | undefined> {
  const startedMs = performance.now()
  const silentMs = (): number => performance.now() - startedMs
  return new Promise(resolve => {
    const request = askFirst(backend, addresses, 'HEAD', signal)
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
    // the end of our side: who waits for the body need not wait any longer
    const linger = (): void => {
      request.socket?.end()
      timer = setTimeout(() => request.destroy(), lingerMs)
      request.once('close', () => clearTimeout(timer))
    }
    // what has arrived is read before it is called silent
    const wait = (dueMs: number): void => {
      timer = setTimeout(
        () => {
          const isOurDelay = silentMs() - dueMs > ownDelayMs
          setImmediate(() => {
            if (isDone) return
            if (isOurDelay) {
              wait(silentMs() + times.lateMs)
              return
            }
            const ms = silentMs()
            onSilent(ms)
            if (ms >= times.frozenMs + times.timeoutMs)
              done({ kind: 'silent', silentMs: ms })
            else if (ms >= times.frozenMs) wait(ms + times.intervalMs / 2)
            else wait(Math.min(ms + times.timeoutMs, times.frozenMs))
          })
        },
        Math.max(0, dueMs - silentMs()),
      )
    }
    limitAnswer(
      request,
      () => false,
      0,
      why => done({ kind: 'broken', why }),
    )
    request.on('continue', () => {
      done({ kind: 'beat', ms: silentMs() })
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
 * The head of a request that announces a body of one byte and asks before it sends
 * it. What comes is for the caller; nothing is listened for yet.
 */
export function askFirst(
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
 * A bare 400 after the end of our side: the server's own word on a request that was
 * cut off (Node's, for one that listens to `checkContinue`). No application made it,
 * for that would have said more.
 */
export function isComplaint({ statusCode, headers }: IncomingMessage): boolean {
  return (
    statusCode === 400 &&
    Object.keys(headers).every(name => name === 'connection')
  )
}
