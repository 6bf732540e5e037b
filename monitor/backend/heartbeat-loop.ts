// Sends heartbeats to a backend that supports them, a few times a second, at most
// one in flight. The light probe finds out whether it does (backend-monitor.ts).
import { timesOf } from '../../health/health.ts'
import type { HeartbeatEvent } from '../../health/heartbeat.ts'
import { heartbeat } from '../../probes/heartbeat.ts'
import { jittered } from '../../health/interval.ts'
import type { Resolver } from '../../probes/resolver.ts'
import { ProbeLoop, type ProbeTarget } from './probe-loop.ts'
import type { Starvation } from './starvation.ts'

/** the host name cannot be resolved now */
const idleMs = 1_000
/** nothing to do until a heartbeat is found, or the settings change */
const offMs = 3_600_000

export class HeartbeatLoop extends ProbeLoop<HeartbeatEvent> {
  readonly #starvation: Starvation

  constructor(
    target: ProbeTarget<HeartbeatEvent>,
    resolver: Resolver,
    starvation: Starvation,
  ) {
    super(target, resolver)
    this.#starvation = starvation
  }

  protected async round(): Promise<number> {
    const { backend, health, signal } = this.target
    const times = timesOf(backend.probe, health.heartbeat)
    if (times === null || !health.heartbeat.isLearned) return offMs
    const startedMs = performance.now()
    const resolved = await this.resolver.resolve(backend.host, times.timeoutMs)
    if (resolved.kind === 'failed' || resolved.kind === 'hanging') return idleMs
    const event = await heartbeat(
      backend,
      resolved.addresses,
      times,
      silentForMs => {
        if (this.#starvation.lateSince(startedMs) === 0 && !signal.aborted)
          this.target.report({ kind: 'silent', silentForMs })
      },
      () => {
        if (!signal.aborted) this.target.report({ kind: 'heartless' })
      },
      signal,
    )
    if (signal.aborted) return 0
    if (event?.kind === 'beat')
      this.target.report({
        ...event,
        isOurs: this.#starvation.lateSince(startedMs) > 0,
      })
    else if (event !== undefined && event.kind !== 'silent')
      this.target.report(event)
    // after a refusal: at the pace of the light probe
    const intervalMs =
      this.target.health.state === 'down'
        ? backend.probe.downIntervalMs
        : event?.kind === 'broken'
          ? backend.probe.fastIntervalMs
          : times.intervalMs
    const tookMs = performance.now() - startedMs
    return Math.max(jittered(intervalMs, Math.random) - tookMs, intervalMs / 4)
  }
}
