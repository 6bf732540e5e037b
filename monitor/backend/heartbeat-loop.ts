// The heartbeats of one backend that has one, a few times a second, one in flight
// at most. Whether it has one is for the light probe to find out (watch.ts).
import { timesOf } from '../../health/health.ts'
import type { HeartbeatEvent } from '../../health/heartbeat.ts'
import { heartbeat } from '../../probes/heartbeat.ts'
import { jittered } from '../../health/interval.ts'
import type { Resolver } from '../../probes/resolver.ts'
import { ProbeLoop } from './probe-loop.ts'
import type { ProbeTarget } from './probe-loop.ts'
import type { Starvation } from './starvation.ts'

/** the name cannot be looked up now */
const idleMs = 1_000
/** nothing to do until it is learned, or other settings are there */
const offMs = 3_600_000

export class HeartbeatLoop extends ProbeLoop<HeartbeatEvent> {
  readonly #starvation: Starvation

  constructor(
    of: ProbeTarget<HeartbeatEvent>,
    lookup: Resolver,
    starvation: Starvation,
  ) {
    super(of, lookup)
    this.#starvation = starvation
  }

  protected async round(): Promise<number> {
    const { backend, health, signal } = this.of
    const times = timesOf(backend.probe, health.heartbeat)
    if (times === null || !health.heartbeat.isLearned) return offMs
    const startedMs = performance.now()
    const resolved = await this.lookup.resolve(backend.host, times.timeoutMs)
    if (resolved.kind === 'failed' || resolved.kind === 'hanging') return idleMs
    const event = await heartbeat(
      backend,
      resolved.addresses,
      times,
      silentMs => {
        if (this.#starvation.lateSince(startedMs) === 0 && !signal.aborted)
          this.of.note({ kind: 'silent', silentMs })
      },
      () => {
        if (!signal.aborted) this.of.note({ kind: 'heartless' })
      },
      signal,
    )
    if (signal.aborted) return 0
    if (event?.kind === 'beat')
      this.of.note({
        ...event,
        isOurs: this.#starvation.lateSince(startedMs) > 0,
      })
    else if (event !== undefined && event.kind !== 'silent') this.of.note(event)
    // a refusal has the pace of the light probe
    const wantedMs =
      this.of.health.state === 'down'
        ? backend.probe.downIntervalMs
        : event?.kind === 'broken'
          ? backend.probe.fastIntervalMs
          : times.intervalMs
    const tookMs = performance.now() - startedMs
    return Math.max(jittered(wantedMs, Math.random) - tookMs, wantedMs / 4)
  }
}
