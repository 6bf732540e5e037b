// Fetches one page, with the limits of a probe: so many bytes are read and no
// more, a connection of its own, no redirect, no repetition, never a rejection.
import type { Backend } from '../config/config.ts'
import type { Resolver } from './resolver.ts'
import { probe } from './probe.ts'
import type { ProbeAnswer } from './probe.ts'

/**
 * @param path what the backend is asked for
 * @param limitMs for the whole of it, from the look-up to the last byte
 * @param signal aborts it; its outcome is then without meaning
 * @returns any status passes: the caller judges it
 */
export function fetchPage(
  backend: Backend,
  path: string,
  limitMs: number,
  lookup: Resolver,
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
    lookup,
    signal,
  )
}
