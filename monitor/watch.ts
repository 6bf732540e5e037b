// One backend under watch: its probes, each kind in a loop of its own, its
// health, which is published, and a line in the log for each change of state.
import type { Logger } from 'pino'
import { addressOf } from '../config/config.ts'
import type { Backend } from '../config/config.ts'
import type { BackendReport, ProbeRecord } from '../sentinels/reports.ts'
import { leavesWaiting } from './cut-loose.ts'
import type { CutLoose } from './cut-loose.ts'
import { intervalMs, jittered } from './judgement/interval.ts'
import { isDeepInDoubt } from './judgement/deep.ts'
import type { DeepOutcome } from './judgement/deep.ts'
import { DeepWatch } from './deep-watch.ts'
import type { Judged } from './judgement/floor.ts'
import { healthOf, isHeld, shareOf, step } from './judgement/health.ts'
import type { Health, HealthEvent } from './judgement/health.ts'
import type { HeartEvent } from './judgement/heart.ts'
import type { Hook } from './hook.ts'
import { OwnTrouble } from './own-trouble.ts'
import type { Verdict } from './judgement/light.ts'
import type { Lookup } from './probes/lookup.ts'
import { describe, judge } from './judgement/outcome.ts'
import type { Outcome } from './judgement/outcome.ts'
import { probeLight } from './probes/light.ts'
import type { Publisher } from './publish.ts'
import { backendReport } from './report.ts'
import { Loop } from './loop.ts'
import { Pulse } from './pulse.ts'
import type { Starvation } from './starvation.ts'
import type { ProbeKind, Telemetry } from './telemetry.ts'
import { claimMs, withoutFuture } from './judgement/transactions.ts'
import type { Transactions } from './judgement/transactions.ts'
import type { Turns } from './turns.ts'

export type Surroundings = {
  readonly lookup: Lookup
  readonly starvation: Starvation
  readonly turns: Turns
  readonly transactions: Transactions
  readonly publisher: Publisher
  readonly cutLoose: CutLoose
  readonly hook: Hook
  readonly telemetry: Telemetry
  readonly log: Logger
  /** how long ago httpd had a good answer from a backend, as far as is known */
  readonly servedAgoMs: (name: string) => number
  /** its deep probes find something wrong: its ZEO server is to be asked soon */
  readonly doubt: (name: string) => void
  /** whether a backend stays in as a last resort whatever is judged */
  readonly isKept: (name: string) => boolean
  /** something that the report tells has changed */
  readonly changed: () => void
}

const maxProbes = 64
/** at most two forced probes a second (contract 6) */
const suspectGapMs = 500

export class Watch {
  readonly #around: Surroundings
  readonly #loop: Loop
  readonly #pulse: Pulse
  readonly #deep: DeepWatch
  readonly #ownTrouble: OwnTrouble
  readonly #probes: ProbeRecord[] = []
  #backend: Backend
  #health: Health
  /** by the wall clock, for people: when this state began */
  #since: string
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
    verdict: Verdict,
    since: string,
    around: Surroundings,
  ) {
    this.#backend = backend
    this.#health = healthOf(verdict, backend.probe, now())
    this.#since = since
    this.#around = around
    this.#ownTrouble = new OwnTrouble(around.log)
    this.#loop = new Loop(() => this.#round())
    const { lookup, starvation } = around
    this.#pulse = new Pulse(
      this.#shown(event => this.#noteHeart(event)),
      lookup,
      starvation,
    )
    this.#deep = new DeepWatch(
      this.#shown(outcome => this.#noteDeep(outcome)),
      lookup,
      starvation,
    )
  }

  /** Its first probe is over, whatever came of it. */
  get isJudged(): boolean {
    return this.#isJudged
  }

  start(delayMs: number): void {
    this.#loop.start(delayMs)
    this.#pulse.start(delayMs)
    this.#deep.start(delayMs)
  }

  /** The verdict stays on disk. */
  stop(): void {
    this.#loop.stop()
    this.#pulse.stop()
    this.#deep.stop()
    this.#abort.abort()
  }

  /** Other settings, or another address: then one probe decides afresh. */
  retune(backend: Backend): void {
    const isMoved =
      addressOf(backend) !== addressOf(this.#backend) ||
      backend.tls !== this.#backend.tls
    this.#backend = backend
    if (isMoved || backend.probe.deep === null) this.#disclaim()
    if (isMoved) {
      this.#health = healthOf({ kind: 'none' }, backend.probe, now())
      this.#since = new Date().toISOString()
      this.#abort.abort()
      this.#abort = new AbortController()
    }
    this.#loop.start(0)
    this.#pulse.retune()
    this.#deep.start(0)
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

  get judged(): Judged {
    return {
      state: this.#health.state,
      outcome: this.#probes.at(-1)?.outcome ?? '',
    }
  }

  /** Its share may be another one, for who else is left. */
  publishAgain(): void {
    this.#publish(false)
  }

  report(probesTold: number): BackendReport {
    return backendReport(
      this.#health,
      this.#share(),
      this.#around.isKept(this.#backend.name),
      this.#probes.slice(-probesTold),
      this.#since,
    )
  }

  async #round(): Promise<number> {
    await this.#around.turns.take()
    const backend = this.#backend
    const { signal } = this.#abort
    const startedMs = now()
    this.#probedMs = startedMs
    let isInFlight = true
    let overdue: NodeJS.Timeout | undefined
    const wait = (): void => {
      const sinceMs = now()
      overdue = setTimeout(() => {
        // what has arrived is read first: setImmediate runs after it
        setImmediate(() => {
          if (!isInFlight || signal.aborted) return
          // a time that this process was not there for is no evidence
          if (this.#around.starvation.lateSince(sinceMs) > 0) wait()
          else this.#overdue(startedMs)
        })
      }, backend.probe.slowMs)
    }
    wait()
    const probed = await probeLight(backend, this.#around.lookup, signal, () =>
      isHeld(this.#health, backend.probe, now()),
    )
    isInFlight = false
    clearTimeout(overdue)
    if (signal.aborted) return 0
    this.#ownTrouble.tell(backend, probed.outcome, probed.lookupError)
    this.#judge(
      this.#unlessStarved(probed.outcome, probed.ms, startedMs),
      probed.ms,
    )
    return this.#waitMs(startedMs)
  }

  /** The interval counts from the start, with a pause at least after the end. */
  #waitMs(startedMs: number): number {
    const settings = this.#backend.probe
    const interval = jittered(
      intervalMs(this.#health.light, settings),
      Math.random,
    )
    const pause = Math.min(settings.fastIntervalMs, settings.intervalMs)
    return Math.max(startedMs + interval - now(), pause / 2)
  }

  #judge(outcome: Outcome, ms: number): void {
    this.#count('light', outcome.kind, outcome.kind === 'pass' ? ms : null)
    this.#probes.push({
      at: new Date(Date.now() - ms).toISOString(),
      outcome: outcome.kind,
      ms: Math.round(ms * 10) / 10,
    })
    if (this.#probes.length > maxProbes) this.#probes.shift()
    const isFirst = !this.#isJudged
    this.#isJudged = true
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
    if (isFirst) this.#around.changed()
  }

  #noteHeart(event: HeartEvent): void {
    const { state: before, heart } = this.#health
    // the same silence is told again and again
    if (event.kind !== 'silent' || heart.silentMs === 0)
      this.#count(
        'heartbeat',
        event.kind,
        event.kind === 'beat' ? event.ms : null,
      )
    this.#apply(
      {
        kind: 'heart',
        heart: event,
        servedAgoMs:
          event.kind === 'silent'
            ? this.#around.servedAgoMs(this.#backend.name)
            : Infinity,
      },
      'heartbeat',
      event.kind === 'beat' ? event.ms : 0,
    )
    if (!heart.isLearned && this.#health.heart.isLearned)
      this.#around.log.info(
        { backend: this.#backend.name },
        'heartbeat learned, it is judged by it from now on',
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
  #shown<Event>(note: (event: Event) => void) {
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

  #overdue(startedMs: number): void {
    const before = this.#health
    this.#apply({ kind: 'overdue' }, 'overdue', now() - startedMs)
    if (this.#health !== before) this.#publish(false)
  }

  #apply(event: HealthEvent, outcome: string, ms: number): void {
    const was = this.#health.state
    this.#health = step(this.#health, event, this.#backend.probe, now())
    const { state, reason, light } = this.#health
    if (state === was) return
    // one that is gone claims nothing
    if (state === 'down' || state === 'frozen') this.#disclaim()
    this.#since = new Date().toISOString()
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
    this.#around.hook.note({
      backend: this.#backend.name,
      was,
      state,
      reason,
      address: addressOf(this.#backend),
    })
    // a first verdict is that of one probe: too little to cut anybody off
    if (
      (state === 'down' || state === 'frozen') &&
      was !== 'unknown' &&
      this.#backend.probe.cutLoose &&
      leavesWaiting(outcome, this.#backend.probe.light.kind)
    )
      this.#around.cutLoose.cut(
        this.#backend,
        () => this.#health.state === state && !this.#abort.signal.aborted,
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

function now(): number {
  return performance.now()
}
