// Monitors one backend: runs its probes, each kind in a separate loop; publishes
// its health; logs one line per change of state.
import { patientTimeout } from '../../system/patient-timeout.ts'
import type { Logger } from 'pino'
import { addressOf, type Backend } from '../../config/config.ts'
import type {
  BackendReport,
  ProbeRecord,
  State,
} from '../../sentinels/reports.ts'
import {
  leavesWaiting,
  type ConnectionDropper,
} from '../../probes/drop-connections.ts'
import { intervalMs, jittered } from '../../health/interval.ts'
import { isDeepInDoubt, type DeepOutcome } from '../../health/deep.ts'
import { DeepProbeLoop } from './deep-probe-loop.ts'
import type { BackendShare } from '../../health/floor.ts'
import {
  healthOf,
  holdsProbe,
  isTrialDue,
  shareOf,
  nextHealth,
  unflipped,
  type Health,
  type HealthEvent,
} from '../../health/health.ts'
import type { HeartbeatEvent } from '../../health/heartbeat.ts'
import { LocalErrors } from './local-errors.ts'
import type { SavedState } from '../../health/light.ts'
import type { Resolver } from '../../probes/resolver.ts'
import { overdueMs } from '../../health/pace.ts'
import { describe, judge, type Outcome } from '../../health/outcome.ts'
import { probeLight } from '../../probes/light.ts'
import { tryHeartbeat } from '../../probes/heartbeat-trial.ts'
import type { Publisher } from '../directory/publisher.ts'
import { backendReport } from '../directory/saved-state.ts'
import { TimedLoop } from './timed-loop.ts'
import type { ProbeTarget } from './probe-loop.ts'
import { HeartbeatLoop } from './heartbeat-loop.ts'
import type { Starvation } from './starvation.ts'
import type { ProbeKind, Telemetry } from '../../page/telemetry.ts'
import {
  lastingMs,
  nextReported,
  type ReportedState,
} from '../../health/reported-state.ts'
import {
  claimMs,
  withoutFuture,
  type Transactions,
} from '../../health/transactions.ts'
import type { StartQueue } from './start-queue.ts'
import { WarmUp } from './warm-up.ts'

export type MonitorContext = {
  readonly resolver: Resolver
  readonly starvation: Starvation
  readonly startQueue: StartQueue
  readonly transactions: Transactions
  readonly publisher: Publisher
  readonly dropper: ConnectionDropper
  readonly telemetry: Telemetry
  readonly log: Logger
  /** how long ago httpd got a good answer from a backend; Infinity = unknown */
  readonly lastServedAgoMs: (name: string) => number
  /** its deep probes found something wrong: probe its ZEO server soon */
  readonly doubt: (name: string) => void
  /** whether an operator has taken it out, so its stopping is expected */
  readonly isPlanned: (name: string) => boolean
  /** whether a backend stays in as a last resort whatever its verdict */
  readonly isKept: (name: string) => boolean
  /** whether no backend of one of its pools is in */
  readonly isStranded: (name: string) => boolean
  /** something in the report has changed */
  readonly changed: () => void
}

const maxProbes = 64
/** between two probes while no backend of a pool is in */
const strandedMs = 200
/** at most two probes a second because of suspicions */
const suspectGapMs = 500
/** a timer of Node may fire a moment early */
const timerGraceMs = 5

export class BackendMonitor {
  readonly #context: MonitorContext
  readonly #loop: TimedLoop
  readonly #heartbeats: HeartbeatLoop
  readonly #deep: DeepProbeLoop
  readonly #warmUp: WarmUp
  readonly #localErrors: LocalErrors
  readonly #probes: ProbeRecord[] = []
  #backend: Backend
  #health: Health
  /** by the wall clock, for people: when its state began */
  #since: string
  /** what the log, the report and the notices say about it */
  #reported: ReportedState & { readonly since: string; readonly reason: string }
  #reportTimer: NodeJS.Timeout | undefined
  #isJudged = false
  #suspectedMs = -Infinity
  #probedMs = -Infinity
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
    this.#since = since
    this.#reported = reportedFrom(this.#health, since)
    this.#context = context
    this.#localErrors = new LocalErrors(context.log)
    this.#loop = new TimedLoop(() => this.#probeOnce())
    const { resolver, starvation } = context
    this.#heartbeats = new HeartbeatLoop(
      this.#probeTarget(event => this.#onHeartbeat(event)),
      resolver,
      starvation,
    )
    this.#deep = new DeepProbeLoop(
      this.#probeTarget(outcome => this.#onDeep(outcome)),
      resolver,
      starvation,
    )
    this.#warmUp = new WarmUp(
      this.#probeTarget(isGood => this.#onWarmUp(isGood)),
      resolver,
      context.log,
    )
  }

  /** Whether its first probe is over, whatever the outcome. */
  get isJudged(): boolean {
    return this.#isJudged
  }

  start(delayMs: number): void {
    this.#loop.start(delayMs)
    this.#deep.start(delayMs)
    this.#warmUp.start()
  }

  /** The verdict stays on disk. */
  stop(): void {
    clearTimeout(this.#reportTimer)
    this.#loop.stop()
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
      this.#since = new Date().toISOString()
      this.#reported = reportedFrom(this.#health, this.#since)
      this.#abort.abort()
      this.#abort = new AbortController()
    }
    this.#loop.start(0)
    this.#heartbeats.start()
    this.#deep.start(0)
    // the pages may have changed: count from zero
    this.#onWarmUp(false)
    this.#warmUp.start()
  }

  /** Whether a suspicion may start a probe now. */
  get isReadyForSuspicion(): boolean {
    return !this.#loop.isRunning && now() - this.#suspectedMs >= suspectGapMs
  }

  /** Probes at once. */
  suspect(): void {
    this.#suspectedMs = now()
    this.#loop.start(0)
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

  /** No backend of its pool is in any more: probe soon. */
  hurry(): void {
    this.#loop.start(this.#urgentMs())
  }

  /** Its share may have changed, because other backends came or went. */
  republish(): void {
    this.#publish(false)
  }

  report(probesReported: number): BackendReport {
    return backendReport(
      {
        ...this.#health,
        state: this.#reported.state,
        reason: this.#reported.reason,
      },
      this.#share(),
      this.#context.isKept(this.#backend.name),
      this.#probes.slice(-probesReported),
      this.#reported.since,
    )
  }

  async #probeOnce(): Promise<number> {
    await this.#context.startQueue.turn()
    const backend = this.#backend
    const { signal } = this.#abort
    if (isTrialDue(this.#health, backend.probe, now())) {
      const startedMs = now()
      this.#probedMs = startedMs
      const { heartbeat, light } = await tryHeartbeat(
        backend,
        this.#context.resolver,
        signal,
      )
      if (signal.aborted) return 0
      this.#onHeartbeat(heartbeat)
      // a server that stumbled over the missing body gets a normal probe
      if (light !== null && judge(light.outcome) === 'pass') {
        this.#judge(light.outcome, light.ms, startedMs)
        return this.#waitMs(startedMs)
      }
    }
    const startedMs = now()
    this.#probedMs = startedMs
    let cancel: (() => void) | undefined
    const limitMs = overdueMs(
      this.#health.light.pace,
      this.#health.heartbeat,
      backend.probe,
    )
    const wait = (): void => {
      const sinceMs = now()
      cancel = patientTimeout(limitMs, () => {
        if (signal.aborted) return
        // time during which this process did not run is no evidence
        if (this.#context.starvation.lateSince(sinceMs) > 0) wait()
        else this.#overdue(startedMs, limitMs)
      })
    }
    wait()
    const probed = await probeLight(
      backend,
      this.#context.resolver,
      signal,
      () => holdsProbe(this.#health, backend.probe, now()),
    )
    cancel?.()
    if (signal.aborted) return 0
    // dropped together with the visitors' connections: counts as no probe
    if (probed.outcome.kind === 'dropped') return this.#waitMs(startedMs)
    this.#localErrors.report(backend, probed.outcome, probed.lookupError)
    this.#judge(probed.outcome, probed.ms, startedMs)
    return this.#waitMs(startedMs)
  }

  /** The interval counts from the start; a minimum pause follows the end. */
  #waitMs(startedMs: number): number {
    const settings = this.#backend.probe
    const interval = this.#context.isStranded(this.#backend.name)
      ? this.#urgentMs()
      : jittered(intervalMs(this.#health.light, settings), Math.random)
    const pause = Math.min(settings.fastIntervalMs, settings.intervalMs)
    // knowing its heartbeat is worth an early probe
    if (isTrialDue(this.#health, settings, now())) return pause
    return Math.max(startedMs + interval - now(), pause / 2)
  }

  /** `fastInterval` at most: meanwhile visitors get the maintenance page. */
  #urgentMs(): number {
    const settings = this.#backend.probe
    const ms = Math.min(
      settings.fastIntervalMs,
      settings.intervalMs,
      strandedMs,
    )
    return ms * (0.9 + 0.1 * Math.random())
  }

  #judge(answered: Outcome, ms: number, startedMs: number): void {
    const outcome = this.#unlessStarved(answered, ms, startedMs)
    this.#count('light', outcome.kind, outcome.kind === 'pass' ? ms : null)
    this.#probes.push({
      at: new Date(Date.now() - ms).toISOString(),
      outcome: outcome.kind,
      ms: Math.round(ms * 10) / 10,
    })
    if (this.#probes.length > maxProbes) this.#probes.shift()
    const isFirst = !this.#isJudged
    this.#isJudged = true
    const wasAnswering = this.#health.light.streak > 0
    this.#context.log.debug(
      {
        backend: this.#backend.name,
        outcome: outcome.kind,
        state: this.#health.state,
        good: this.#health.light.streak,
        ms: Math.round(ms),
        reason: describe(outcome),
      },
      'probed',
    )
    this.#apply({ kind: 'probed', outcome, ms }, outcome.kind, ms)
    this.#publish(judge(outcome) === 'pass')
    if (isFirst || this.#health.light.streak > 0 !== wasAnswering)
      this.#context.changed()
  }

  #onHeartbeat(event: HeartbeatEvent): void {
    const { state: before, heartbeat } = this.#health
    // one silence raises this event many times: count it once
    if (event.kind !== 'silent' || heartbeat.silentForMs === 0)
      this.#count('heartbeat', event.kind, 'ms' in event ? event.ms : null)
    this.#apply(
      {
        kind: 'heartbeat',
        event,
        lastServedAgoMs:
          event.kind === 'silent'
            ? this.#context.lastServedAgoMs(this.#backend.name)
            : Infinity,
      },
      'heartbeat',
      'ms' in event ? event.ms : 0,
    )
    if (!heartbeat.isLearned && this.#health.heartbeat.isLearned) {
      this.#context.log.info(
        { backend: this.#backend.name },
        'heartbeat learned, using it from now on',
      )
      this.#heartbeats.start()
    }
    if (event.kind === 'heartless')
      this.#context.log.info(
        { backend: this.#backend.name },
        'no heartbeat, this server runs it as a request: judging by response time alone, trying again in an hour',
      )
    if (this.#health.state !== before) this.#publish(false)
    // dead, or alive again: the light probe will tell
    const isBack = event.kind === 'beat' && this.#health.state === 'frozen'
    const { fastIntervalMs } = this.#backend.probe
    if (
      (isBack || (event.kind === 'broken' && this.#health.state !== 'down')) &&
      now() - this.#probedMs >= fastIntervalMs
    )
      this.#loop.start(0)
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
    const { state: before, deep } = this.#health
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
    if (this.#health.state !== before) this.#publish(false)
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
    const { name } = this.#backend
    this.#context.changed()
    if (remark === null)
      this.#context.log.info(
        { backend: name },
        'backend and its peers agree on the database again',
      )
    else
      this.#context.log.warn(
        { backend: name, remark },
        'backend disagrees with its peers about the database, no action taken',
      )
  }

  /** What the probe loops see of this monitor: always the current values. */
  #probeTarget<Event>(report: (event: Event) => void): ProbeTarget<Event> {
    const [backend, health, signal] = [
      () => this.#backend,
      () => this.#health,
      () => this.#abort.signal,
    ]
    return {
      get backend() {
        return backend()
      },
      get health() {
        return health()
      },
      get signal() {
        return signal()
      },
      report,
    }
  }

  #overdue(startedMs: number, limitMs: number): void {
    const before = this.#health
    this.#apply({ kind: 'overdue', limitMs }, 'overdue', now() - startedMs)
    if (this.#health !== before) this.#publish(false)
  }

  #apply(event: HealthEvent, outcome: string, ms: number): void {
    const before = this.#health
    const was = before.state
    this.#health = nextHealth(before, event, this.#backend.probe, now())
    const { state } = this.#health
    this.#onWarmthChange(before)
    if (state !== was) {
      this.#since = new Date().toISOString()
      // a backend that is down claims nothing
      if (state === 'down' || state === 'frozen') {
        this.#disclaim()
        if (this.#context.isPlanned(this.#backend.name))
          this.#health = unflipped(before, this.#health)
      }
      this.#context.changed()
      if (this.#leavesWaiting(was, outcome))
        this.#context.dropper.drop(
          this.#backend,
          () => this.#health.state === state && !this.#abort.signal.aborted,
        )
    }
    this.#reportChange(outcome, ms)
  }

  /** Reports a change once it has lasted, or at once where that matters. */
  #reportChange(outcome: string, ms: number): void {
    const { state, reason, light } = this.#health
    const { state: was, leftMs } = this.#reported
    const reported = nextReported(
      this.#reported,
      state,
      light.lateAnswers,
      now(),
    )
    if (reported.leftMs !== leftMs) {
      clearTimeout(this.#reportTimer)
      if (reported.leftMs !== null)
        this.#reportTimer = setTimeout(
          () => this.#reportChange(outcome, ms),
          lastingMs + timerGraceMs,
        )
    }
    const since = reported.state === was ? this.#reported.since : this.#since
    this.#reported =
      reported.state === state
        ? { ...reported, since, reason }
        : { ...this.#reported, ...reported }
    if (reported.state === was) return
    const isBetter = state === 'up' || state === 'warming'
    this.#context.log[isBetter ? 'info' : 'warn'](
      {
        backend: this.#backend.name,
        address: addressOf(this.#backend),
        state,
        was,
        outcome,
        good: light.streak,
        ms: Math.round(ms),
        share: this.#share(),
        reason,
      },
      'backend changed state',
    )
    this.#context.changed()
    this.#context.telemetry.record({
      kind: 'transition',
      backend: this.#backend.name,
      was,
      state,
    })
  }

  #leavesWaiting(was: State, outcome: string): boolean {
    const { state } = this.#health
    const { dropConnections, light } = this.#backend.probe
    return (
      (state === 'down' || state === 'frozen') &&
      // a first verdict rests on one probe: not enough to drop connections
      was !== 'unknown' &&
      dropConnections !== 'off' &&
      leavesWaiting(outcome, light.kind)
    )
  }

  /** Starts the warm-up, or logs its end. */
  #onWarmthChange({ light: { cold: before } }: Health): void {
    const { reason, light } = this.#health
    if (before === null && light.cold !== null) this.#warmUp.start()
    if (before === null || light.cold !== null) return
    this.#context.changed()
    if (light.state !== 'down' && light.state !== 'frozen')
      this.#context.log.info(
        { backend: this.#backend.name, share: this.#share(), reason },
        'backend is warm',
      )
  }

  #count(probe: ProbeKind, outcome: string, ms: number | null): void {
    const backend = this.#backend.name
    this.#context.telemetry.record({
      kind: 'probe',
      backend,
      probe,
      outcome,
      ms,
    })
  }

  #publish(isConfirmed: boolean): void {
    if (this.#health.state === 'unknown') return
    this.#context.publisher.publish(
      this.#backend.name,
      this.#share(),
      isConfirmed,
    )
  }

  #share(): number | null {
    const share = shareOf(this.#health, this.#backend.probe, now())
    return share === null && this.#context.isKept(this.#backend.name)
      ? 0
      : share
  }

  /** A bad or late answer counts only if this process was running meanwhile. */
  #unlessStarved(outcome: Outcome, ms: number, startedMs: number): Outcome {
    const lateMs = this.#context.starvation.lateSince(startedMs)
    const isTimely =
      judge(outcome) === 'pass' && ms <= this.#backend.probe.slowMs
    if (lateMs === 0 || isTimely) return outcome
    return { kind: 'starved', lateMs }
  }
}

/** @param since RFC 3339 */
function reportedFrom({ state, reason }: Health, since: string) {
  return { state, leftMs: null, since, reason }
}

function now(): number {
  return performance.now()
}
