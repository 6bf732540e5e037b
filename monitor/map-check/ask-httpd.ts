// One request to httpd on this machine, as a visitor would send it.
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { RequestError, TimeoutError, got } from 'got'
import { errorCode } from '../../system/error-code.ts'
import { version } from '../../system/version.ts'
import type { MapAnswer } from '../../health/map-health.ts'

// a new connection each time, as for the probes; a certificate for 127.0.0.1
// cannot be expected
const agent = {
  http: new HttpAgent({ keepAlive: false }),
  https: new HttpsAgent({ keepAlive: false, rejectUnauthorized: false }),
}

type Question = {
  readonly url: string
  /** the Host header; null = that of the URL */
  readonly host: string | null
  /** for the whole request */
  readonly timeoutMs: number
}

/**
 * The answer, whatever its status.
 *
 * @throws {TimeoutError} when it does not come in time, {RequestError} when there
 *   is no connection or no answer that could be read
 */
export async function askHttpd({ url, host, timeoutMs }: Question) {
  return got(url, {
    agent,
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    timeout: { request: timeoutMs },
    headers: {
      'user-agent': `zope-failover/${version}`,
      ...(host !== null && { host }),
    },
  })
}

/** What httpd reports about its map program at `/.zope-failover/map`. Never rejects. */
export async function askForMap(question: Question): Promise<MapAnswer> {
  try {
    const response = await askHttpd(question)
    const header = response.headers['x-zope-failover-map']
    return {
      kind: 'answer',
      status: response.statusCode,
      header: typeof header === 'string' ? header : null,
    }
  } catch (err) {
    if (err instanceof TimeoutError)
      return { kind: 'timeout', limitMs: question.timeoutMs }
    return {
      kind: 'error',
      error: err instanceof RequestError ? err.code : errorCode(err),
    }
  }
}
