// Runs the heartbeat and the deep probe once, for `zope-failover probe`.
import type { Backend } from '../config/config.ts'
import { askDeep } from './deep.ts'
import type { DeepOutcome } from '../health/deep.ts'
import { noHeartbeat, type HeartbeatEvent } from '../health/heartbeat.ts'
import { timesOf } from '../health/health.ts'
import { heartbeat as sendHeartbeat } from './heartbeat.ts'
import type { Resolver } from './resolver.ts'
import type { ExtraProbes } from './probe-text.ts'
import { tryHeartbeat } from './heartbeat-trial.ts'

/** Never rejects; ends within the limits of the two. */
export async function runExtraProbes(
  backend: Backend,
  resolver: Resolver,
): Promise<ExtraProbes> {
  const [heartbeat, deep] = await Promise.all([
    heartbeatOnce(backend, resolver),
    deepOnce(backend, resolver),
  ])
  return { heartbeat, deep }
}

async function heartbeatOnce(
  backend: Backend,
  resolver: Resolver,
): Promise<HeartbeatEvent | undefined> {
  const times = timesOf(backend.probe, noHeartbeat)
  if (times === null) return undefined
  const resolved = await resolver.resolve(backend.host, times.timeoutMs)
  if (resolved.kind === 'failed' || resolved.kind === 'hanging')
    return undefined
  const { signal } = new AbortController()
  const { heartbeat } = await tryHeartbeat(backend, resolver, signal)
  if (heartbeat.kind !== 'unclear') return heartbeat
  // a plain heartbeat shows why; wait until it counts as missing, not just late
  const once = { ...times, lateMs: times.timeoutMs, frozenMs: 0 }
  return sendHeartbeat(
    backend,
    resolved.addresses,
    once,
    () => {},
    () => {},
    signal,
  )
}

async function deepOnce(
  backend: Backend,
  resolver: Resolver,
): Promise<{ path: string; outcome: DeepOutcome } | null> {
  const { deep } = backend.probe
  if (deep === null) return null
  const { signal } = new AbortController()
  const { path, timeoutMs } = deep
  const asked = await askDeep(backend, deep, timeoutMs, resolver, signal)
  const isSilent = ['first-byte-timeout', 'timeout'].includes(
    asked.probed.outcome.kind,
  )
  return {
    path,
    outcome: isSilent ? { kind: 'silent', ms: asked.probed.ms } : asked.outcome,
  }
}
