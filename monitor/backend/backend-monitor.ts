// Monitors one backend: runs its probes, each kind in a separate loop, combines what
// they observe into its health, and passes on each change.
import { addressOf, type Backend } from '../../config/config.ts'
import { isDeepInDoubt, type DeepOutcome } from '../../health/deep.ts'
import type { BackendShare } from '../../health/floor.ts'
import {
  healthOf,
  nextHealth,
  shareOf,
  unflipped,
  type Health,
  type HealthEvent,
} from '../../health/health.ts'
import type { HeartbeatEvent } from '../../health/heartbeat.ts'
import type { SavedState } from '../../health/light.ts'
import { describe, type Outcome } from '../../health/outcome.ts'
import { claimMs, withoutFuture } from '../../health/transactions.ts'
import type { ProbeKind } from '../../page/telemetry.ts'
import { leavesWaiting } from '../../probes/drop-connections.ts'
import type {
  BackendReport,
  ProbeRecord,
  State,
} from '../../sentinels/reports.ts'
import { backendReport } from '../directory/saved-state.ts'
import { DeepProbeLoop } from './deep-probe-loop.ts'
import { HeartbeatLoop } from './heartbeat-loop.ts'
import { LightProbeLoop, type LightProbeEvent } from './light-probe-loop.ts'
import type { MonitorContext } from './monitor-context.ts'
import type { ProbeTarget } from './probe-loop.ts'
import { StateReporter } from './state-reporter.ts'
import { WarmUp } from './warm-up.ts'

const maxProbes = 64
/** at most two probes a second because of suspicions */
const suspectGapMs = 500

export class BackendMonitor {
  readonly #context: MonitorContext
  readonly #light: LightProbeLoop
  readonly #heartbeats: HeartbeatLoop
  readonly #deep: DeepProbeLoop
  readonly #warmUp: WarmUp
  readonly #probes: ProbeRecord[] = []
  #backend: Backend
  #health: Health
  #reporter: StateReporter
  #isJudged = false
  #suspectedMs = -Infinity
  #abort = new AbortController()

  /**
   * @param verdict what an earlier monitor left on disk
   * @param since RFC 3339: since when that holds
   */
  constructor(
    backend: Backend,
    verdict: SavedState,
    since: string,
    context: MonitorContext,
  ) {
    this.#backend = backend
    this.#health = healthOf(verdict, backend.probe, now())
    this.#context = context
    this.#reporter = this.#newReporter(since)
    const target = this.#target
    this.#light = new LightProbeLoop(target, context, event =>
      this.#onLight(event),
    )
    this.#heartbeats = new HeartbeatLoop(target, context, event =>
      this.#onHeartbeat(event),
    )
    this.#deep = new DeepProbeLoop(target, context, outcome =>
      this.#onDeep(outcome),
    )
    this.#warmUp = new WarmUp(target, context, isGood => this.#onWarmUp(isGood))
  }

  readonly #target = (): ProbeTarget => ({
    backend: this.#backend,
    health: this.#health,
    signal: this.#abort.signal,
  })

  #newReporter(since: string): StateReporter {
    return new StateReporter(
      this.#target,
      () => this.#share(),
      this.#context,
      since,
    )
  }

  /** Whether its first probe is over, whatever the outcome. */
  get isJudged(): boolean {
    return this.#isJudged
  }

  start(delayMs: number): void {
    this.#light.start(delayMs)
    this.#deep.start(delayMs)
    this.#warmUp.start()
  }

  /** The verdict stays on disk. */
  stop(): void {
    this.#reporter.stop()
    this.#light.stop()
    this.#heartbeats.stop()
    this.#deep.stop()
    this.#warmUp.stop()
    this.#abort.abort()
  }

  /** New settings. After a change of address the next probe alone decides. */
  reconfigure(backend: Backend): void {
    const isMoved =
      addressOf(backend) !== addressOf(this.#backend) ||
      backend.tls !== this.#backend.tls
    this.#backend = backend
    if (isMoved || backend.probe.deep === null) this.#disclaim()
    if (isMoved) {
      this.#health = healthOf({ kind: 'none' }, backend.probe, now())
      this.#reporter.stop()
      this.#reporter = this.#newReporter(new Date().toISOString())
      this.#abort.abort()
      this.#abort = new AbortController()
    }
    this.#light.start(0)
    this.#heartbeats.start()
    this.#deep.start(0)
    // the pages may have changed: count from zero
    this.#onWarmUp(false)
    this.#warmUp.start()
  }

  /** Whether a suspicion may start a probe now. */
  get isReadyForSuspicion(): boolean {
    return !this.#light.isRunning && now() - this.#suspectedMs >= suspectGapMs
  }

  /** Probes at once. */
  suspect(): void {
    this.#suspectedMs = now()
    this.#light.start(0)
  }

  /** Applies the passage of time: the end of slow start, a grown share. */
  tick(): void {
    const before = this.#share()
    this.#apply({ kind: 'tick' }, 'tick', 0)
    if (this.#health.state === 'warming' || this.#share() !== before)
      this.#publish(false)
  }

  get judged(): BackendShare {
    return {
      state: this.#health.state,
      outcome: this.#probes.at(-1)?.outcome ?? '',
      isAnswering: this.#health.light.streak > 0,
    }
  }

  /** No backend of its pool is in service: probe soon. */
  hurry(): void {
    this.#light.hurry()
  }

  /** Its share may have changed, because other backends came or went. */
  republish(): void {
    this.#publish(false)
  }

  report(probesReported: number): BackendReport {
    const { state, reason, since } = this.#reporter.reported
    return backendReport(
      { ...this.#health, state, reason },
      this.#share(),
      this.#context.isKept(this.#backend.name),
      this.#probes.slice(-probesReported),
      since,
    )
  }

  #onLight(event: LightProbeEvent): void {
    if (event.kind === 'heartbeat') this.#onHeartbeat(event.event)
    else if (event.kind === 'overdue') this.#apply(event, 'overdue', event.ms)
    else this.#onProbed(event.outcome, event.ms)
  }

  #onProbed(outcome: Outcome, ms: number): void {
    this.#count('light', outcome.kind, outcome.kind === 'pass' ? ms : null)
    this.#probes.push({
      at: new Date(Date.now() - ms).toISOString(),
      outcome: outcome.kind,
      ms: Math.round(ms * 10) / 10,
    })
    if (this.#probes.length > maxProbes) this.#probes.shift()
    const isFirst = !this.#isJudged
    this.#isJudged = true
    const { state, light } = this.#health
    this.#context.log.debug(
      {
        backend: this.#backend.name,
        outcome: outcome.kind,
        state,
        good: light.streak,
        ms: Math.round(ms),
        reason: describe(outcome),
      },
      'probed',
    )
    this.#apply({ kind: 'probed', outcome, ms }, outcome.kind, ms)
    // a change of state is published already
    if (this.#health.state === state) this.#publish(outcome.kind === 'pass')
    if (isFirst || this.judged.isAnswering !== light.streak > 0)
      this.#context.changed()
  }

  #onHeartbeat(event: HeartbeatEvent): void {
    const { log, lastServedAgoMs } = this.#context
    const { name: backend, probe } = this.#backend
    const { heartbeat } = this.#health
    // one silence raises this event many times: count it once
    if (event.kind !== 'silent' || heartbeat.silentForMs === 0)
      this.#count('heartbeat', event.kind, 'ms' in event ? event.ms : null)
    this.#apply(
      {
        kind: 'heartbeat',
        event,
        lastServedAgoMs:
          event.kind === 'silent' ? lastServedAgoMs(backend) : Infinity,
      },
      'heartbeat',
      'ms' in event ? event.ms : 0,
    )
    if (!heartbeat.isLearned && this.#health.heartbeat.isLearned) {
      log.info({ backend }, 'heartbeat learned, using it from now on')
      this.#heartbeats.start()
    }
    if (event.kind === 'heartless')
      log.info(
        { backend },
        'no heartbeat, this server runs it as a request: judging by response time alone, trying again in an hour',
      )
    // dead, or alive again: the light probe will tell
    const isBack = event.kind === 'beat' && this.#health.state === 'frozen'
    if (
      (isBack || (event.kind === 'broken' && this.#health.state !== 'down')) &&
      now() - this.#light.startedMs >= probe.fastIntervalMs
    )
      this.#light.start(0)
  }

  #onDeep(answer: DeepOutcome): void {
    const { name, probe } = this.#backend
    const { transactions } = this.#context
    const { outcome, aheadSeconds } = withoutFuture(answer, Date.now())
    if (outcome.kind === 'fresh')
      transactions.claim(
        name,
        outcome.own,
        outcome.server,
        now(),
        Math.max(claimMs, 3 * (probe.deep?.intervalMs ?? 0)),
      )
    // what it knew before it lost its database is no longer a claim
    else if (outcome.kind !== 'none') this.#disclaim()
    // a silent probe has not ended
    if (outcome.kind !== 'silent')
      this.#count('deep', outcome.kind, 'ms' in outcome ? outcome.ms : null)
    const { deep } = this.#health
    this.#apply(
      {
        kind: 'deep',
        outcome,
        aheadSeconds,
        ...transactions.consensusFor(name, now()),
      },
      `deep-${outcome.kind}`,
      'ms' in outcome ? outcome.ms : 0,
    )
    this.#logRemark(deep.remark, this.#health.deep.remark)
    if (isDeepInDoubt(this.#health.deep)) this.#context.doubt(name)
  }

  #onWarmUp(isGood: boolean): void {
    this.#apply({ kind: 'warm-up', isGood }, 'warm-up', 0)
    this.#publish(false)
  }

  #disclaim(): void {
    this.#context.transactions.claim(this.#backend.name, null, null, now())
  }

  /** Logs its start and its end only: the numbers in it keep changing. */
  #logRemark(before: string | null, remark: string | null): void {
    if ((before === null) === (remark === null)) return
    const { log, changed } = this.#context
    const backend = this.#backend.name
    changed()
    if (remark === null)
      log.info({ backend }, 'backend and its peers agree on the database again')
    else
      log.warn(
        { backend, remark },
        'backend disagrees with its peers about the database, no action taken',
      )
  }

  #apply(event: HealthEvent, outcome: string, ms: number): void {
    const before = this.#health
    this.#health = nextHealth(before, event, this.#backend.probe, now())
    this.#onWarmthChange(before)
    if (this.#health.state !== before.state)
      this.#onStateChange(before, outcome)
    this.#reporter.update(outcome, ms)
  }

  #onStateChange(before: Health, outcome: string): void {
    const { name, probe } = this.#backend
    const { state } = this.#health
    // a backend that is down claims nothing
    if (isOut(state)) this.#disclaim()
    if (isOut(state) && this.#context.isPlanned(name))
      this.#health = unflipped(before, this.#health)
    this.#context.changed()
    this.#publish(outcome === 'pass')
    if (
      isOut(state) &&
      // a first verdict rests on one probe: not enough to drop connections
      before.state !== 'unknown' &&
      probe.dropConnections !== 'off' &&
      leavesWaiting(outcome, probe.light.kind)
    )
      this.#context.dropper.drop(
        this.#backend,
        () => this.#health.state === state && !this.#abort.signal.aborted,
      )
  }

  /** Starts the warm-up, or logs its end. */
  #onWarmthChange({ light: { cold: before } }: Health): void {
    const { reason, light } = this.#health
    if (before === null && light.cold !== null) this.#warmUp.start()
    if (before === null || light.cold !== null) return
    this.#context.changed()
    if (!isOut(light.state))
      this.#context.log.info(
        { backend: this.#backend.name, share: this.#share(), reason },
        'backend is warm',
      )
  }

  #count(probe: ProbeKind, outcome: string, ms: number | null): void {
    const { telemetry } = this.#context
    const backend = this.#backend.name
    telemetry.record({ kind: 'probe', backend, probe, outcome, ms })
  }

  #publish(isConfirmed: boolean): void {
    if (this.#health.state === 'unknown') return
    const { publisher } = this.#context
    publisher.publish(this.#backend.name, this.#share(), isConfirmed)
  }

  #share(): number | null {
    const { name, probe } = this.#backend
    const share = shareOf(this.#health, probe, now())
    return share === null && this.#context.isKept(name) ? 0 : share
  }
}

function isOut(state: State): boolean {
  return state === 'down' || state === 'frozen'
}

function now(): number {
  return performance.now()
}
