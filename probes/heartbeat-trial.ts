// Whether a server has a heartbeat, found out once, in place of a light probe: the
// same request, but it announces a body of one byte, asks first, and never sends it.
// Invariant: "100 Continue" and then nothing, not even after the end of our
// side, is a heartbeat. A final answer means that the request was run without its
// body. Then it has answered the light probe, too, so the server saw no request
// more than without the trial.
import type { LookupAddress } from 'node:dns'
import type { IncomingMessage } from 'node:http'
import type { Backend } from '../config/config.ts'
import type { HeartbeatEvent } from '../health/heartbeat.ts'
import type { Outcome } from '../health/outcome.ts'
import { bodyOutcome, statusOutcome } from './answer.ts'
import { askFirst, isComplaint } from './heartbeat.ts'
import type { Resolver } from './resolver.ts'

export type TrialResult = {
  readonly heart: Extract<
    HeartbeatEvent,
    { kind: 'learned' | 'heartless' | 'unclear' }
  >
  /** the outcome of the light probe that it took the place of; null = it did not */
  readonly light: { readonly outcome: Outcome; readonly ms: number } | null
}

const unclear: TrialResult = { heart: { kind: 'unclear' }, light: null }

/**
 * Never rejects. Ends within four times `patienceMs`.
 *
 * @param signal aborts it; what is returned is then without meaning
 */
export async function tryHeartbeat(
  backend: Backend,
  lookup: Resolver,
  signal: AbortSignal,
): Promise<TrialResult> {
  const resolved = await lookup.resolve(backend.host, patienceMs(backend))
  return resolved.kind === 'failed' || resolved.kind === 'hanging'
    ? unclear
    : exchange(backend, resolved.addresses, signal)
}

/**
 * How long each step may take: a server that is well answers within `slow`, but a
 * busy machine needs a little, and no light probe is asked meanwhile.
 */
function patienceMs({ probe: { slowMs } }: Backend): number {
  return Math.min(5_000, Math.max(500, slowMs))
}

function exchange(
  backend: Backend,
  addresses: readonly LookupAddress[],
  signal: AbortSignal,
): Promise<TrialResult> {
  const { light, method, maxBody } = backend.probe
  const limitMs = patienceMs(backend)
  const isPage = light.kind === 'http'
  return new Promise(resolve => {
    const startedMs = performance.now()
    let continuedMs: number | null = null
    let endedMs: number | null = null
    let response: IncomingMessage | null = null
    const chunks: Buffer[] = []
    let bytes = 0
    let timer: NodeJS.Timeout | undefined
    let isDone = false
    const request = askFirst(
      backend,
      addresses,
      isPage ? method : 'HEAD',
      signal,
    )
    const done = (tried: TrialResult): void => {
      if (isDone) return
      isDone = true
      clearTimeout(timer)
      request.destroy()
      resolve(tried)
    }
    const executed = (outcome: Outcome | null): void => {
      // what waited for the body waited for us
      const ms = performance.now() - (endedMs ?? startedMs)
      done({
        heart: { kind: 'heartless' },
        light: outcome !== null && isPage ? { outcome, ms } : null,
      })
    }
    // what has arrived is read before a limit counts
    const after = (ms: number, then: () => void): void => {
      clearTimeout(timer)
      timer = setTimeout(() => setImmediate(() => !isDone && then()), ms)
    }
    // One that runs the request has answered by now, as it answers light probes. One
    // that waits for the body answers when there is none to come.
    const end = (): void => {
      request.socket?.end()
      endedMs = performance.now()
      after(limitMs, () => {
        if (response === null) done(unclear)
        else executed(null)
      })
    }
    request.on('continue', () => {
      // once: nobody makes it wait for long by many
      if (continuedMs !== null) return
      continuedMs = performance.now() - startedMs
      after(limitMs, end)
    })
    request.on('response', head => {
      if (continuedMs !== null && endedMs !== null && isComplaint(head)) {
        done({ heart: { kind: 'learned', ms: continuedMs }, light: null })
        return
      }
      response = head
      const refused = statusOutcome(head.statusCode ?? 0, backend.probe)
      if (refused !== undefined) {
        executed(refused)
        return
      }
      const judge = (): void =>
        executed(
          bodyOutcome(
            head.statusCode ?? 0,
            Buffer.concat(chunks),
            backend.probe,
          ),
        )
      head.on('data', (chunk: Buffer) => {
        chunks.push(chunk.subarray(0, maxBody - bytes))
        bytes = Math.min(maxBody, bytes + chunk.length)
        if (bytes === maxBody) judge()
      })
      head.on('end', judge)
      head.on('error', () => executed(null))
    })
    request.on('upgrade', (_head, socket) => {
      socket.destroy()
      executed(null)
    })
    request.on('error', () => {
      if (response !== null) executed(null)
      else if (continuedMs !== null && endedMs !== null)
        done({ heart: { kind: 'learned', ms: continuedMs }, light: null })
      else done(unclear)
    })
    after(limitMs, end)
  })
}
