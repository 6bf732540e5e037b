// One backend under watch: its probes, each kind in a loop of its own, its
// health, which is published, and a line in the log for each change of state.
import type { Logger } from 'pino'
import { addressOf } from '../../config/config.ts'
import type { Backend } from '../../config/config.ts'
import type {
  BackendReport,
  ProbeRecord,
  State,
} from '../../sentinels/reports.ts'
import { leavesWaiting } from '../../probes/drop-connections.ts'
import type { ConnectionDropper } from '../../probes/drop-connections.ts'
import { intervalMs, jittered } from '../../health/interval.ts'
import { isDeepInDoubt } from '../../health/deep.ts'
import type { DeepOutcome } from '../../health/deep.ts'
import { DeepProbeLoop } from './deep-probe-loop.ts'
import type { BackendShare } from '../../health/floor.ts'
import {
  healthOf,
  holdsProbe,
  isTrialDue,
  shareOf,
  nextHealth,
  unflipped,
} from '../../health/health.ts'
import type { Health, HealthEvent } from '../../health/health.ts'
import type { HeartbeatEvent } from '../../health/heartbeat.ts'
import type { Hook } from './hook.ts'
import { LocalErrors } from './local-errors.ts'
import type { SavedVerdict } from '../../health/light.ts'
import type { Resolver } from '../../probes/resolver.ts'
import { overdueMs } from '../../health/pace.ts'
import { describe, judge } from '../../health/outcome.ts'
import type { Outcome } from '../../health/outcome.ts'
import { probeLight } from '../../probes/light.ts'
import { tryHeartbeat } from '../../probes/heartbeat-trial.ts'
import type { Publisher } from '../directory/publisher.ts'
import { backendReport } from '../directory/saved-state.ts'
import { TimedLoop } from './timed-loop.ts'
import type { ProbeTarget } from './probe-loop.ts'
import { HeartbeatLoop } from './heartbeat-loop.ts'
import type { Starvation } from './starvation.ts'
import type { ProbeKind, Telemetry } from '../../page/telemetry.ts'
import { lastingMs, nextReported } from '../../health/reported-state.ts'
import type { ReportedState } from '../../health/reported-state.ts'
import { claimMs, withoutFuture } from '../../health/transactions.ts'
import type { Transactions } from '../../health/transactions.ts'
import type { StartQueue } from './start-queue.ts'
import { WarmUp } from './warm-up.ts'

export type MonitorContext = {
  readonly resolver: Resolver
  readonly starvation: Starvation
  readonly startQueue: StartQueue
  readonly transactions: Transactions
  readonly publisher: Publisher
  readonly dropper: ConnectionDropper
  readonly hook: Hook
  readonly telemetry: Telemetry
  readonly log: Logger
  /** how long ago httpd had a good answer from a backend, as far as is known */
  readonly lastServedAgoMs: (name: string) => number
  /** its deep probes find something wrong: its ZEO server is to be asked soon */
  readonly doubt: (name: string) => void
  /** whether an operator has taken it out, so that its end is no surprise */
  readonly isPlanned: (name: string) => boolean
  /** whether a backend stays in as a last resort whatever is judged */
  readonly isKept: (name: string) => boolean
  /** whether no backend of one of its pools is in */
  readonly isStranded: (name: string) => boolean
  /** something that the report tells has changed */
  readonly changed: () => void
}

const maxProbes = 64
/** between two probes while no backend of a pool is in */
const strandedMs = 200
/** at most two forced probes a second (contract 6) */
const suspectGapMs = 500
/** a timer of Node may fire a moment early */
const timerGraceMs = 5

export class BackendMonitor {
  readonly #around: MonitorContext
  readonly #loop: TimedLoop
  readonly #pulse: HeartbeatLoop
  readonly #deep: DeepProbeLoop
  readonly #warmUp: WarmUp
  readonly #ownTrouble: LocalErrors
  readonly #probes: ProbeRecord[] = []
  #backend: Backend
  #health: Health
  /** by the wall clock, for people: when the state began that it is in */
  #since: string
  /** what people and programs are told of it */
  #told: ReportedState & { readonly since: string; readonly reason: string }
  #tellTimer: NodeJS.Timeout | undefined
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
    verdict: SavedVerdict,
    since: string,
    around: MonitorContext,
  ) {
    this.#backend = backend
    this.#health = healthOf(verdict, backend.probe, now())
    this.#since = since
    this.#told = toldOf(this.#health, since)
    this.#around = around
    this.#ownTrouble = new LocalErrors(around.log)
    this.#loop = new TimedLoop(() => this.#round())
    const { resolver: lookup, starvation } = around
    this.#pulse = new HeartbeatLoop(
      this.#shown(event => this.#noteHeart(event)),
      lookup,
      starvation,
    )
    this.#deep = new DeepProbeLoop(
      this.#shown(outcome => this.#noteDeep(outcome)),
      lookup,
      starvation,
    )
    this.#warmUp = new WarmUp(
      this.#shown(isGood => this.#noteWarmUp(isGood)),
      lookup,
      around.log,
    )
  }

  /** Its first probe is over, whatever came of it. */
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
    clearTimeout(this.#tellTimer)
    this.#loop.stop()
    this.#pulse.stop()
    this.#deep.stop()
    this.#warmUp.stop()
    this.#abort.abort()
  }

  /** Other settings, or another address: then one probe decides afresh. */
  reconfigure(backend: Backend): void {
    const isMoved =
      addressOf(backend) !== addressOf(this.#backend) ||
      backend.tls !== this.#backend.tls
    this.#backend = backend
    if (isMoved || backend.probe.deep === null) this.#disclaim()
    if (isMoved) {
      this.#health = healthOf({ kind: 'none' }, backend.probe, now())
      this.#since = new Date().toISOString()
      this.#told = toldOf(this.#health, this.#since)
      this.#abort.abort()
      this.#abort = new AbortController()
    }
    this.#loop.start(0)
    this.#pulse.start()
    this.#deep.start(0)
    // the pages may be others: they are counted from now on
    this.#noteWarmUp(false)
    this.#warmUp.start()
  }

  /** Whether somebody's suspicion may start a probe now. */
  get isReadyForSuspicion(): boolean {
    return !this.#loop.isRunning && now() - this.#suspectedMs >= suspectGapMs
  }

  /** Probes at once. */
  suspect(): void {
    this.#suspectedMs = now()
    this.#loop.start(0)
  }

  /** Lets time do its work: the end of slow start, a grown share. */
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

  /** None of its pool is in any more: the next probe comes soon. */
  hurry(): void {
    this.#loop.start(this.#urgentMs())
  }

  /** Its share may be another one, for who else is left. */
  publishAgain(): void {
    this.#publish(false)
  }

  report(probesTold: number): BackendReport {
    return backendReport(
      {
        ...this.#health,
        state: this.#told.state,
        reason: this.#told.reason,
      },
      this.#share(),
      this.#around.isKept(this.#backend.name),
      this.#probes.slice(-probesTold),
      this.#told.since,
    )
  }

  async #round(): Promise<number> {
    await this.#around.startQueue.turn()
    const backend = this.#backend
    const { signal } = this.#abort
    if (isTrialDue(this.#health, backend.probe, now())) {
      const startedMs = now()
      this.#probedMs = startedMs
      const { heart, light } = await tryHeartbeat(
        backend,
        this.#around.resolver,
        signal,
      )
      if (signal.aborted) return 0
      this.#noteHeart(heart)
      // one that stumbled over the missing body is asked as usual
      if (light !== null && judge(light.outcome) === 'pass') {
        this.#judge(light.outcome, light.ms, startedMs)
        return this.#waitMs(startedMs)
      }
    }
    const startedMs = now()
    this.#probedMs = startedMs
    let isInFlight = true
    let overdue: NodeJS.Timeout | undefined
    const limitMs = overdueMs(
      this.#health.light.pace,
      this.#health.heartbeat,
      backend.probe,
    )
    const wait = (): void => {
      const sinceMs = now()
      overdue = setTimeout(() => {
        // what has arrived is read first: setImmediate runs after it
        setImmediate(() => {
          if (!isInFlight || signal.aborted) return
          // a time that this process was not there for is no evidence
          if (this.#around.starvation.lateSince(sinceMs) > 0) wait()
          else this.#overdue(startedMs, limitMs)
        })
      }, limitMs)
    }
    wait()
    const probed = await probeLight(
      backend,
      this.#around.resolver,
      signal,
      () => holdsProbe(this.#health, backend.probe, now()),
    )
    isInFlight = false
    clearTimeout(overdue)
    if (signal.aborted) return 0
    // dropped with the visitors' connections: no probe was made
    if (probed.outcome.kind === 'dropped') return this.#waitMs(startedMs)
    this.#ownTrouble.report(backend, probed.outcome, probed.lookupError)
    this.#judge(probed.outcome, probed.ms, startedMs)
    return this.#waitMs(startedMs)
  }

  /** The interval counts from the start, with a pause at least after the end. */
  #waitMs(startedMs: number): number {
    const settings = this.#backend.probe
    const interval = this.#around.isStranded(this.#backend.name)
      ? this.#urgentMs()
      : jittered(intervalMs(this.#health.light, settings), Math.random)
    const pause = Math.min(settings.fastIntervalMs, settings.intervalMs)
    // what its heartbeats would tell is worth an early probe
    if (isTrialDue(this.#health, settings, now())) return pause
    return Math.max(startedMs + interval - now(), pause / 2)
  }

  /** `fastInterval` at most, for visitors get the maintenance page meanwhile. */
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
    this.#around.log.debug(
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
      this.#around.changed()
  }

  #noteHeart(event: HeartbeatEvent): void {
    const { state: before, heartbeat: heart } = this.#health
    // the same silence is told again and again
    if (event.kind !== 'silent' || heart.silentForMs === 0)
      this.#count('heartbeat', event.kind, 'ms' in event ? event.ms : null)
    this.#apply(
      {
        kind: 'heart',
        heart: event,
        lastServedAgoMs:
          event.kind === 'silent'
            ? this.#around.lastServedAgoMs(this.#backend.name)
            : Infinity,
      },
      'heartbeat',
      'ms' in event ? event.ms : 0,
    )
    if (!heart.isLearned && this.#health.heartbeat.isLearned) {
      this.#around.log.info(
        { backend: this.#backend.name },
        'heartbeat learned, it is judged by it from now on',
      )
      this.#pulse.start()
    }
    if (event.kind === 'heartless')
      this.#around.log.info(
        { backend: this.#backend.name },
        'no heartbeat, this server runs it as a request: judged by time alone, tried again in an hour',
      )
    if (this.#health.state !== before) this.#publish(false)
    // dead, or alive again: the light probe knows
    const isBack = event.kind === 'beat' && this.#health.state === 'frozen'
    const { fastIntervalMs } = this.#backend.probe
    if (
      (isBack || (event.kind === 'broken' && this.#health.state !== 'down')) &&
      now() - this.#probedMs >= fastIntervalMs
    )
      this.#loop.start(0)
  }

  #noteDeep(answer: DeepOutcome): void {
    const { name, probe } = this.#backend
    const { transactions } = this.#around
    const { outcome, aheadSeconds } = withoutFuture(answer, Date.now())
    if (outcome.kind === 'fresh')
      transactions.claim(
        name,
        outcome.own,
        outcome.server,
        now(),
        Math.max(claimMs, 3 * (probe.deep?.intervalMs ?? 0)),
      )
    // what it knew before its database went is no claim of today
    else if (outcome.kind !== 'none') this.#disclaim()
    // one that is silent has not ended
    if (outcome.kind !== 'silent')
      this.#count('deep', outcome.kind, 'ms' in outcome ? outcome.ms : null)
    const { state: before, deep } = this.#health
    this.#apply(
      {
        kind: 'deep',
        outcome,
        aheadSeconds,
        ...transactions.wordFor(name, now()),
      },
      `deep-${outcome.kind}`,
      'ms' in outcome ? outcome.ms : 0,
    )
    this.#remark(deep.remark, this.#health.deep.remark)
    if (isDeepInDoubt(this.#health.deep)) this.#around.doubt(name)
    if (this.#health.state !== before) this.#publish(false)
  }

  #noteWarmUp(isGood: boolean): void {
    this.#apply({ kind: 'warm-up', isGood }, 'warm-up', 0)
    this.#publish(false)
  }

  #disclaim(): void {
    this.#around.transactions.claim(this.#backend.name, null, null, now())
  }

  /** Once when it comes up, once when it is over: its numbers change. */
  #remark(before: string | null, remark: string | null): void {
    if ((before === null) === (remark === null)) return
    const { name } = this.#backend
    this.#around.changed()
    if (remark === null)
      this.#around.log.info(
        { backend: name },
        'backend and its peers agree on the database again',
      )
    else
      this.#around.log.warn(
        { backend: name, remark },
        'backend contradicts the others about the database, nothing follows',
      )
  }

  /** What its other probes may see of this watch, as it is at each moment. */
  #shown<Event>(note: (event: Event) => void): ProbeTarget<Event> {
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
      note,
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
    this.#seeToCold(before)
    if (state !== was) {
      this.#since = new Date().toISOString()
      // one that is gone claims nothing
      if (state === 'down' || state === 'frozen') {
        this.#disclaim()
        if (this.#around.isPlanned(this.#backend.name))
          this.#health = unflipped(before, this.#health)
      }
      this.#around.changed()
      if (this.#leavesWaiting(was, outcome))
        this.#around.dropper.drop(
          this.#backend,
          () => this.#health.state === state && !this.#abort.signal.aborted,
        )
    }
    this.#tell(outcome, ms)
  }

  /** Tells of a change once it has lasted, or at once where that matters. */
  #tell(outcome: string, ms: number): void {
    const { state, reason, light } = this.#health
    const { state: was, leftMs } = this.#told
    const told = nextReported(this.#told, state, now())
    if (told.leftMs !== leftMs) {
      clearTimeout(this.#tellTimer)
      if (told.leftMs !== null)
        this.#tellTimer = setTimeout(
          () => this.#tell(outcome, ms),
          lastingMs + timerGraceMs,
        )
    }
    const since = told.state === was ? this.#told.since : this.#since
    this.#told =
      told.state === state
        ? { ...told, since, reason }
        : { ...this.#told, ...told }
    if (told.state === was) return
    const isBetter = state === 'up' || state === 'warming'
    this.#around.log[isBetter ? 'info' : 'warn'](
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
    this.#around.changed()
    this.#around.telemetry.note({
      kind: 'transition',
      backend: this.#backend.name,
      was,
      state,
    })
    this.#around.hook.run({
      backend: this.#backend.name,
      was,
      state,
      reason,
      address: addressOf(this.#backend),
    })
  }

  #leavesWaiting(was: State, outcome: string): boolean {
    const { state } = this.#health
    const { dropConnections, light } = this.#backend.probe
    return (
      (state === 'down' || state === 'frozen') &&
      // a first verdict is that of one probe: too little to cut anybody off
      was !== 'unknown' &&
      dropConnections !== 'off' &&
      leavesWaiting(outcome, light.kind)
    )
  }

  /** Its warm-up begins, or is over. */
  #seeToCold({ light: { cold: before } }: Health): void {
    const { reason, light } = this.#health
    if (before === null && light.cold !== null) this.#warmUp.start()
    if (before === null || light.cold !== null) return
    this.#around.changed()
    if (light.state !== 'down' && light.state !== 'frozen')
      this.#around.log.info(
        { backend: this.#backend.name, share: this.#share(), reason },
        'backend is warm',
      )
  }

  #count(probe: ProbeKind, outcome: string, ms: number | null): void {
    const backend = this.#backend.name
    this.#around.telemetry.note({ kind: 'probe', backend, probe, outcome, ms })
  }

  #publish(isConfirmed: boolean): void {
    if (this.#health.state === 'unknown') return
    this.#around.publisher.publish(
      this.#backend.name,
      this.#share(),
      isConfirmed,
    )
  }

  #share(): number | null {
    const share = shareOf(this.#health, this.#backend.probe, now())
    return share === null && this.#around.isKept(this.#backend.name) ? 0 : share
  }

  /** A bad or late answer counts only if this process was there to see it. */
  #unlessStarved(outcome: Outcome, ms: number, startedMs: number): Outcome {
    const lateMs = this.#around.starvation.lateSince(startedMs)
    const isTimely =
      judge(outcome) === 'pass' && ms <= this.#backend.probe.slowMs
    if (lateMs === 0 || isTimely) return outcome
    return { kind: 'starved', lateMs }
  }
}

/** @param since RFC 3339 */
function toldOf({ state, reason }: Health, since: string) {
  return { state, leftMs: null, since, reason }
}

function now(): number {
  return performance.now()
}
