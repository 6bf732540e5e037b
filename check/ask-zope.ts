// Asks a backend for one page, for its status alone.
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { SiteAnswer, SiteQuestion } from './findings/zope.ts'

/**
 * @param limitMs for all backends together
 * @returns the answer of the first backend that gave one
 */
export async function askZope(
  { backends, path }: SiteQuestion,
  limitMs: number,
): Promise<SiteAnswer | undefined> {
  const signal = AbortSignal.timeout(limitMs)
  for (const backend of backends) {
    const status = await statusOf(backend, path, signal)
    if (status !== undefined) return { backend: backend.name, status }
  }
  return undefined
}

async function statusOf(
  { tls, host, port, probe }: SiteQuestion['backends'][number],
  path: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  return new Promise(done => {
    const ask = tls ? requestHttps : requestHttp
    const request = ask({
      host,
      port,
      path,
      signal,
      agent: false,
      rejectUnauthorized: probe.verify,
    })
    request.on('response', response => {
      done(response.statusCode)
      // the content does not matter
      response.destroy()
    })
    // a backend without an answer is left to the monitor
    request.on('error', () => {
      done(undefined)
    })
    request.end()
  })
}
