// One attempt to deliver a notice. Invariant: it always ends, no redirect is
// followed, little of the answer is read, and the reason of a failure contains
// nothing secret (the webhook's path and headers).
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { got, RequestError } from 'got'
import { errorCode } from '../../system/error-code.ts'
import { sentence } from '../../text/printable.ts'
import { version } from '../../system/version.ts'
import { runCommand, shell } from '../../system/run-command.ts'
import type { Notice } from './notice.ts'

export type Delivery =
  | { readonly kind: 'arrived' }
  /** another attempt may help */
  | {
      readonly kind: 'failed'
      readonly why: string
      /** the receiver was reached and perhaps rejects this one */
      readonly isAnswer: boolean
    }
  /** the receiver will never accept this one */
  | { readonly kind: 'refused'; readonly why: string }

/** These statuses concern the notice itself, not the receiver or the address. */
const refusals: ReadonlySet<number> = new Set([
  400, 406, 411, 413, 414, 415, 422, 431,
])

/** The receiver is away or overloaded. */
const outages: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504])

// a new connection each time: notices are rare
const agent = {
  http: new HttpAgent({ keepAlive: false }),
  https: new HttpsAgent({ keepAlive: false }),
}

/** Never rejects. */
export function sendToWebhook(
  notice: Notice,
  url: string,
  headers: Readonly<Record<string, string>>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Delivery> {
  return new Promise(resolve => {
    const stream = got.stream.post(url, {
      body: JSON.stringify(notice),
      headers: {
        'user-agent': `zope-failover/${version}`,
        ...headers,
        'content-type': 'application/json',
      },
      agent,
      retry: { limit: 0 },
      followRedirect: false,
      throwHttpErrors: false,
      timeout: { request: timeoutMs },
      signal,
    })
    const done = (delivery: Delivery): void => {
      // ignore errors of the teardown
      stream.on('error', () => {})
      stream.destroy()
      resolve(delivery)
    }
    stream.once('response', ({ statusCode }: { statusCode: number }) => {
      // the body stays unread, however long it is
      done(deliveryOf(statusCode))
    })
    stream.once('error', err => {
      const why = err instanceof RequestError ? err.code : errorCode(err)
      done({ kind: 'failed', why, isAnswer: false })
    })
  })
}

function deliveryOf(status: number): Delivery {
  if (status >= 200 && status < 300) return { kind: 'arrived' }
  const why =
    status >= 300 && status < 400
      ? `status ${status}: redirects are not followed, configure the final address`
      : `status ${status}`
  return refusals.has(status)
    ? { kind: 'refused', why }
    : { kind: 'failed', why, isAnswer: status >= 400 && !outages.has(status) }
}

/** Never rejects. The notice is on the command's standard input. */
export async function sendToCommand(
  notice: Notice,
  commandLine: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Delivery> {
  const end = await runCommand(
    shell(commandLine),
    {
      ZOPE_FAILOVER_KIND: notice.kind,
      ZOPE_FAILOVER_SEVERITY: notice.severity,
      ZOPE_FAILOVER_HOST: notice.host,
      ZOPE_FAILOVER_TITLE: notice.title,
      ZOPE_FAILOVER_TEXT: notice.text,
    },
    timeoutMs,
    signal,
    `${JSON.stringify(notice)}\n`,
  )
  if (end.code === 0) return { kind: 'arrived' }
  const said = end.output === '' ? '' : `: ${sentence(end.output)}`
  // arguments and environment exceed the limit of the system
  const isTooMuch = end.how === 'not-begun' && end.code === 'E2BIG'
  const why = `${end.how} ${end.code}${said}`
  return isTooMuch
    ? { kind: 'refused', why }
    : { kind: 'failed', why, isAnswer: end.how === 'exited' }
}
