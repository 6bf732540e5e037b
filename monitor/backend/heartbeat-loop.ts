// Sends heartbeats to a backend that supports them, a few times a second, at most
// one in flight. The light probe finds out whether it does (light-probe-loop.ts).
import { timesOf } from '../../health/health.ts'
import type { HeartbeatEvent } from '../../health/heartbeat.ts'
import { heartbeat } from '../../probes/heartbeat.ts'
import { jittered } from '../../health/interval.ts'
import { ProbeLoop } from './probe-loop.ts'

/** the host name cannot be resolved now */
const idleMs = 1_000
/** nothing to do until a heartbeat is found, or the settings change */
const offMs = 3_600_000

export class HeartbeatLoop extends ProbeLoop<HeartbeatEvent> {
  protected async round(): Promise<number> {
    const { backend, health, signal } = this.target()
    const { resolver, starvation } = this.context
    const times = timesOf(backend.probe, health.heartbeat)
    if (times === null || !health.heartbeat.isLearned) return offMs
    const startedMs = performance.now()
    const resolved = await resolver.resolve(backend.host, times.timeoutMs)
    if (resolved.kind === 'failed' || resolved.kind === 'hanging') return idleMs
    const event = await heartbeat(
      backend,
      resolved.addresses,
      times,
      silentForMs => {
        if (starvation.lateSince(startedMs) === 0 && !signal.aborted)
          this.report({ kind: 'silent', silentForMs })
      },
      () => {
        if (!signal.aborted) this.report({ kind: 'heartless' })
      },
      signal,
    )
    if (signal.aborted) return 0
    if (event?.kind === 'beat')
      this.report({
        ...event,
        isOurs: starvation.lateSince(startedMs) > 0,
      })
    else if (event !== undefined && event.kind !== 'silent') this.report(event)
    // after a refusal: at the pace of the light probe
    const intervalMs =
      this.target().health.state === 'down'
        ? backend.probe.downIntervalMs
        : event?.kind === 'broken'
          ? backend.probe.fastIntervalMs
          : times.intervalMs
    const tookMs = performance.now() - startedMs
    return Math.max(jittered(intervalMs, Math.random) - tookMs, intervalMs / 4)
  }
}
