// One backend under watch: probes it in its own loop, keeps its health, has the
// verdict published, and logs each change of state in a line that explains it.
import type { Logger } from 'pino'
import { addressOf } from '../config/config.ts'
import type { Backend } from '../config/config.ts'
import type { BackendReport, ProbeRecord } from '../sentinels/reports.ts'
import { leavesWaiting } from './cut-loose.ts'
import type { CutLoose } from './cut-loose.ts'
import { intervalMs, jittered } from './interval.ts'
import { healthOf, shareOf, step } from './health.ts'
import type { Health, HealthEvent, Verdict } from './health.ts'
import type { Lookup } from './lookup.ts'
import { describe, judge } from './outcome.ts'
import type { Outcome } from './outcome.ts'
import { probe } from './probe.ts'
import type { Publisher } from './publish.ts'
import { backendReport } from './report.ts'
import { Loop } from './loop.ts'
import type { Starvation } from './starvation.ts'
import type { Turns } from './turns.ts'

export type Surroundings = {
  readonly lookup: Lookup
  readonly starvation: Starvation
  readonly turns: Turns
  readonly publisher: Publisher
  readonly cutLoose: CutLoose
  readonly log: Logger
  /** something that the report tells has changed */
  readonly changed: () => void
}

const maxProbes = 64
/** at most two forced probes a second (contract 6) */
const suspectGapMs = 500

export class Watch {
  readonly #around: Surroundings
  readonly #loop: Loop
  readonly #probes: ProbeRecord[] = []
  #backend: Backend
  #health: Health
  /** by the wall clock, for people: when this state began */
  #since: string
  #isJudged = false
  #isLookupTold = false
  #suspectedMs = -Infinity
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
    this.#loop = new Loop(() => this.#round())
  }

  /** Its first probe is over, whatever came of it. */
  get isJudged(): boolean {
    return this.#isJudged
  }

  start(delayMs: number): void {
    this.#loop.start(delayMs)
  }

  /** The verdict stays on disk. */
  stop(): void {
    this.#loop.stop()
    this.#abort.abort()
  }

  /** Other settings, or another address: then one probe decides afresh. */
  retune(backend: Backend): void {
    const isMoved =
      addressOf(backend) !== addressOf(this.#backend) ||
      backend.tls !== this.#backend.tls
    this.#backend = backend
    if (isMoved) {
      this.#health = healthOf({ kind: 'none' }, backend.probe, now())
      this.#since = new Date().toISOString()
      this.#abort.abort()
      this.#abort = new AbortController()
    }
    this.#loop.start(0)
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

  report(probesTold: number): BackendReport {
    return backendReport(
      this.#health,
      this.#share(),
      this.#probes.slice(-probesTold),
      this.#since,
    )
  }

  async #round(): Promise<number> {
    await this.#around.turns.take()
    const backend = this.#backend
    const { signal } = this.#abort
    const startedMs = now()
    const overdue = setTimeout(() => {
      // what has arrived is read first: setImmediate runs after it
      setImmediate(() => {
        if (isInFlight && !signal.aborted) this.#overdue(startedMs)
      })
    }, backend.probe.slowMs)
    let isInFlight = true
    const probed = await probe(backend, this.#around.lookup, signal)
    isInFlight = false
    clearTimeout(overdue)
    if (signal.aborted) return 0
    this.#tellLookup(probed.lookupError)
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
      intervalMs(this.#health.state, this.#health.streak, settings),
      Math.random,
    )
    const pause = Math.min(settings.fastIntervalMs, settings.intervalMs)
    return Math.max(startedMs + interval - now(), pause / 2)
  }

  #judge(outcome: Outcome, ms: number): void {
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
        good: this.#health.streak,
        ms: Math.round(ms),
        reason: describe(outcome),
      },
      'probed',
    )
    this.#apply({ kind: 'probed', outcome, ms }, outcome.kind, ms)
    this.#publish(judge(outcome) === 'pass')
    if (isFirst) this.#around.changed()
  }

  #overdue(startedMs: number): void {
    if (this.#around.starvation.lateSince(startedMs) > 0) return
    const before = this.#health
    this.#apply({ kind: 'overdue' }, 'overdue', now() - startedMs)
    if (this.#health !== before) this.#publish(false)
  }

  #apply(event: HealthEvent, outcome: string, ms: number): void {
    const was = this.#health.state
    this.#health = step(this.#health, event, this.#backend.probe, now())
    const { state, reason, streak } = this.#health
    if (state === was) return
    this.#since = new Date().toISOString()
    const isBetter = state === 'up' || state === 'warming'
    this.#around.log[isBetter ? 'info' : 'warn'](
      {
        backend: this.#backend.name,
        address: addressOf(this.#backend),
        state,
        was,
        outcome,
        good: streak,
        ms: Math.round(ms),
        share: this.#share(),
        reason,
      },
      'backend changed state',
    )
    this.#around.changed()
    // a first verdict is that of one probe: too little to cut anybody off
    if (
      state === 'down' &&
      was !== 'unknown' &&
      this.#backend.probe.cutLoose &&
      leavesWaiting(outcome)
    )
      this.#around.cutLoose.cut(
        this.#backend,
        () => this.#health.state === 'down' && !this.#abort.signal.aborted,
      )
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
    return shareOf(this.#health, this.#backend.probe, now())
  }

  /** A bad or late answer counts only if this process was there to see it. */
  #unlessStarved(outcome: Outcome, ms: number, startedMs: number): Outcome {
    const lateMs = this.#around.starvation.lateSince(startedMs)
    const isTimely =
      judge(outcome) === 'pass' && ms <= this.#backend.probe.slowMs
    if (lateMs === 0 || isTimely) return outcome
    return { kind: 'starved', lateMs }
  }

  #tellLookup(error: string | null): void {
    if (error === null) {
      if (this.#isLookupTold)
        this.#around.log.info(
          { backend: this.#backend.name },
          'host name is looked up again',
        )
      this.#isLookupTold = false
      return
    }
    if (this.#isLookupTold) return
    this.#isLookupTold = true
    this.#around.log.warn(
      { backend: this.#backend.name, host: this.#backend.host, err: error },
      'host name cannot be looked up, using its last address',
    )
  }
}

function now(): number {
  return performance.now()
}
