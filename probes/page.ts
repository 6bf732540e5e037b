// Fetches one page with the limits of a probe: a maximum number of bytes, a new
// connection, no redirect, no retry, never a rejection.
import type { Backend } from '../config/config.ts'
import type { Resolver } from './resolver.ts'
import { probe, type ProbeAnswer } from './probe.ts'

/**
 * @param path requested from the backend
 * @param limitMs for the whole exchange, from the DNS lookup to the last byte
 * @param signal aborts it; the outcome then has no meaning
 * @returns any status passes: the caller judges it
 */
export function fetchPage(
  backend: Backend,
  path: string,
  limitMs: number,
  resolver: Resolver,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  return probe(
    {
      ...backend,
      probe: {
        ...backend.probe,
        path,
        method: 'GET',
        body: null,
        status: [[100, 599]],
        timeoutMs: limitMs,
        firstByteTimeoutMs: limitMs,
      },
    },
    resolver,
    signal,
  )
}
