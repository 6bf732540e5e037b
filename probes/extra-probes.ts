// The heartbeat and the deep probe once, for a person who asks.
import type { Backend } from '../config/config.ts'
import { askDeep } from './deep.ts'
import type { DeepOutcome } from '../health/deep.ts'
import { noHeart } from '../health/heartbeat.ts'
import type { HeartbeatEvent } from '../health/heartbeat.ts'
import { timesOf } from '../health/health.ts'
import { heartbeat } from './heartbeat.ts'
import type { Resolver } from './resolver.ts'
import type { ExtraProbes } from './probe-text.ts'
import { tryHeartbeat } from './heartbeat-trial.ts'

/** Never rejects; ends within the limits of the two. */
export async function askBeside(
  backend: Backend,
  lookup: Resolver,
): Promise<ExtraProbes> {
  const [heart, deep] = await Promise.all([
    heartOnce(backend, lookup),
    deepOnce(backend, lookup),
  ])
  return { heart, deep }
}

async function heartOnce(
  backend: Backend,
  lookup: Resolver,
): Promise<HeartbeatEvent | undefined> {
  const times = timesOf(backend.probe, noHeart)
  if (times === null) return undefined
  const resolved = await lookup.resolve(backend.host, times.timeoutMs)
  if (resolved.kind === 'failed' || resolved.kind === 'hanging')
    return undefined
  const { signal } = new AbortController()
  const { heart } = await tryHeartbeat(backend, lookup, signal)
  if (heart.kind !== 'unclear') return heart
  // why it showed nothing; late and missing are one here: it is waited for until it is missing
  const once = { ...times, lateMs: times.timeoutMs, frozenMs: 0 }
  return heartbeat(
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
  lookup: Resolver,
): Promise<{ path: string; outcome: DeepOutcome } | null> {
  const { deep } = backend.probe
  if (deep === null) return null
  const { signal } = new AbortController()
  const { path, timeoutMs } = deep
  const asked = await askDeep(backend, deep, timeoutMs, lookup, signal)
  const isSilent = ['first-byte-timeout', 'timeout'].includes(
    asked.probed.outcome.kind,
  )
  return {
    path,
    outcome: isSilent ? { kind: 'silent', ms: asked.probed.ms } : asked.outcome,
  }
}
