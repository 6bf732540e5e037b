// Tests once whether a server supports heartbeats, in place of a light probe: the
// same request, but it announces a body of one byte, asks first, and never sends it.
// Invariant: "100 Continue" and then nothing, not even after we close our side, is a
// heartbeat. A final answer means that the request was run without its body. That
// answer then serves as the light probe, so the trial costs no extra request.
import { patientTimeout } from '../system/patient-timeout.ts'
import type { LookupAddress } from 'node:dns'
import type { IncomingMessage } from 'node:http'
import type { Backend } from '../config/config.ts'
import type { HeartbeatEvent } from '../health/heartbeat.ts'
import type { Outcome } from '../health/outcome.ts'
import { bodyOutcome, statusOutcome } from './answer.ts'
import { expectContinue, isComplaint } from './heartbeat.ts'
import type { Resolver } from './resolver.ts'

type TrialResult = {
  readonly heartbeat: Extract<
    HeartbeatEvent,
    { kind: 'learned' | 'heartless' | 'unclear' }
  >
  /** the outcome of the light probe that it replaced; null = it did not */
  readonly light: { readonly outcome: Outcome; readonly ms: number } | null
}

const unclear: TrialResult = { heartbeat: { kind: 'unclear' }, light: null }

/**
 * Never rejects. Ends within four times `patienceMs`.
 *
 * @param signal aborts it; the result then has no meaning
 */
export async function tryHeartbeat(
  backend: Backend,
  resolver: Resolver,
  signal: AbortSignal,
): Promise<TrialResult> {
  const resolved = await resolver.resolve(backend.host, patienceMs(backend))
  return resolved.kind === 'failed' || resolved.kind === 'hanging'
    ? unclear
    : exchange(backend, resolved.addresses, signal)
}

/**
 * How long each step may take: a healthy server answers within `slow`, but a busy
 * machine needs a little longer, and no light probe is sent meanwhile.
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
    let cancel: (() => void) | undefined
    let isDone = false
    const request = expectContinue(
      backend,
      addresses,
      isPage ? method : 'HEAD',
      signal,
    )
    const done = (tried: TrialResult): void => {
      if (isDone) return
      isDone = true
      cancel?.()
      request.destroy()
      resolve(tried)
    }
    const executed = (outcome: Outcome | null): void => {
      // the time spent waiting for the body does not count
      const ms = performance.now() - (endedMs ?? startedMs)
      done({
        heartbeat: { kind: 'heartless' },
        light: outcome !== null && isPage ? { outcome, ms } : null,
      })
    }
    const after = (ms: number, then: () => void): void => {
      cancel?.()
      cancel = patientTimeout(ms, then)
    }
    // A server that runs the request has answered by now, as for a light probe. A
    // server that waits for the body answers when we close our side.
    const end = (): void => {
      request.socket?.end()
      endedMs = performance.now()
      after(limitMs, () => {
        if (response === null) done(unclear)
        else executed(null)
      })
    }
    request.on('continue', () => {
      // only the first counts: a server cannot prolong the trial by sending more
      if (continuedMs !== null) return
      continuedMs = performance.now() - startedMs
      after(limitMs, end)
    })
    request.on('response', head => {
      if (continuedMs !== null && endedMs !== null && isComplaint(head)) {
        done({ heartbeat: { kind: 'learned', ms: continuedMs }, light: null })
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
        done({ heartbeat: { kind: 'learned', ms: continuedMs }, light: null })
      else done(unclear)
    })
    after(limitMs, end)
  })
}
