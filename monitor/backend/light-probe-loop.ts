// The light probes of one backend. One of them also finds out whether the server
// supports heartbeats.
import type { Backend } from '../../config/config.ts'
import type { HeartbeatEvent } from '../../health/heartbeat.ts'
import { holdsProbe, isTrialDue } from '../../health/health.ts'
import { intervalMs, jittered } from '../../health/interval.ts'
import { judge, type Outcome } from '../../health/outcome.ts'
import { overdueMs } from '../../health/pace.ts'
import { tryHeartbeat } from '../../probes/heartbeat-trial.ts'
import { probeLight } from '../../probes/light.ts'
import { LogOnce } from '../../system/log-once.ts'
import { patientTimeout } from '../../system/patient-timeout.ts'
import { logLocalErrors } from './local-errors.ts'
import { ProbeLoop } from './probe-loop.ts'

/** between two probes while no backend of a pool is in */
const strandedMs = 200

export type LightProbeEvent =
  | { readonly kind: 'probed'; readonly outcome: Outcome; readonly ms: number }
  /** the probe in flight is `ms` old, more than `limitMs` */
  | { readonly kind: 'overdue'; readonly limitMs: number; readonly ms: number }
  | { readonly kind: 'heartbeat'; readonly event: HeartbeatEvent }

export class LightProbeLoop extends ProbeLoop<LightProbeEvent> {
  readonly #logged = new LogOnce()
  #startedMs = -Infinity

  /** When the newest probe started, by the monotonic clock. */
  get startedMs(): number {
    return this.#startedMs
  }

  /** No backend of its pool is in service: probe soon. */
  hurry(): void {
    this.start(this.#urgentMs())
  }

  protected async round(): Promise<number> {
    await this.context.startTurn()
    const { backend, health, signal } = this.target()
    const { resolver, log } = this.context
    this.#startedMs = performance.now()
    if (isTrialDue(health, backend.probe, this.#startedMs)) {
      const { heartbeat, light } = await tryHeartbeat(backend, resolver, signal)
      if (signal.aborted) return 0
      this.report({ kind: 'heartbeat', event: heartbeat })
      // a server that stumbled over the missing body gets a normal probe
      if (light !== null && judge(light.outcome) === 'pass')
        return this.#end(light.outcome, light.ms)
      this.#startedMs = performance.now()
    }
    const cancel = this.#watchOverdue()
    const { outcome, ms, lookupError } = await probeLight(
      backend,
      resolver,
      signal,
      () => holdsProbe(this.target().health, backend.probe, performance.now()),
    )
    cancel()
    if (signal.aborted) return 0
    // dropped together with the visitors' connections: counts as no probe
    if (outcome.kind === 'dropped') return this.#waitMs()
    logLocalErrors(backend, outcome, lookupError, this.#logged, log)
    return this.#end(outcome, ms)
  }

  /** Reports once when the probe is overdue; returns a function that cancels that. */
  #watchOverdue(): () => void {
    const { backend, health, signal } = this.target()
    const { pace } = health.light
    const limitMs = overdueMs(pace, health.heartbeat, backend.probe)
    let cancel: (() => void) | undefined
    const wait = (): void => {
      const sinceMs = performance.now()
      cancel = patientTimeout(limitMs, () => {
        if (signal.aborted) return
        const ms = performance.now() - this.#startedMs
        // time during which this process did not run is no evidence
        if (this.context.starvation.lateSince(sinceMs) > 0) wait()
        else this.report({ kind: 'overdue', limitMs, ms })
      })
    }
    wait()
    return () => cancel?.()
  }

  /** A bad or late answer counts only if this process was running meanwhile. */
  #end(outcome: Outcome, ms: number): number {
    const { slowMs } = this.target().backend.probe
    const lateMs = this.context.starvation.lateSince(this.#startedMs)
    const isTimely = judge(outcome) === 'pass' && ms <= slowMs
    this.report({
      kind: 'probed',
      outcome: lateMs === 0 || isTimely ? outcome : { kind: 'starved', lateMs },
      ms,
    })
    return this.#waitMs()
  }

  /** The interval counts from the start; a minimum pause follows the end. */
  #waitMs(): number {
    const { backend, health } = this.target()
    const interval = this.context.isStranded(backend.name)
      ? this.#urgentMs()
      : jittered(intervalMs(health.light, backend.probe), Math.random)
    const pause = leastMs(backend)
    const nowMs = performance.now()
    // knowing its heartbeat is worth an early probe
    if (isTrialDue(health, backend.probe, nowMs)) return pause
    return Math.max(this.#startedMs + interval - nowMs, pause / 2)
  }

  /** `fastInterval` at most: meanwhile visitors get the maintenance page. */
  #urgentMs(): number {
    const ms = Math.min(leastMs(this.target().backend), strandedMs)
    return ms * (0.9 + 0.1 * Math.random())
  }
}

function leastMs({ probe }: Backend): number {
  return Math.min(probe.fastIntervalMs, probe.intervalMs)
}
