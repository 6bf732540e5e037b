// Judges this machine as a whole and keeps front.up correct: keepalived and HTTP
// load balancers read that file. Invariant: it does not exist before the front has
// passed, and a stopped or slow monitor does not remove it (fail static).
import type { Logger } from 'pino'
import { isInEffect, type TablePool } from '../../choice/table.ts'
import { frontName, type FrontSettings } from '../../config/config.ts'
import { adminKinds } from '../../sentinels/names.ts'
import type { FrontReport, ProbeRecord } from '../../sentinels/reports.ts'
import type { BackendSentinels } from '../../sentinels/snapshot.ts'
import { askForMap } from './ask-httpd.ts'
import {
  firstTrack,
  judgeFront,
  probeOf,
  nextTrack,
  whileStarting,
  type FrontAnswer,
  type FrontTrack,
} from '../../health/front.ts'
import { jittered } from '../../health/interval.ts'
import { mapAgesMs } from './map-process.ts'
import { TimedLoop } from '../backend/timed-loop.ts'
import type { Publisher } from '../directory/publisher.ts'
import type { Starvation } from '../backend/starvation.ts'

/** How many probes the report lists: four seconds' worth. */
const maxProbes = 16

/** A timeout that fires later than this says nothing: this process did not run. */
const graceMs = 100

/** The part of the directory that concerns the front, as last read. */
type FrontView = {
  readonly sentinels: BackendSentinels
  /** undefined = the backends are not all judged yet */
  readonly pool: TablePool | undefined
}

export class FrontMonitor {
  readonly #settings: FrontSettings
  readonly #directory: string
  readonly #publisher: Publisher
  readonly #starvation: Starvation
  readonly #log: Logger
  readonly #changed: () => void
  readonly #loop: TimedLoop
  #track: FrontTrack
  #view: FrontView | undefined
  #report: FrontReport

  /**
   * @param directory the sentinel directory
   * @param changed called when the report says something new
   * @param before the previous monitor: keeps what it saw of the same URL
   */
  constructor(
    settings: FrontSettings,
    directory: string,
    publisher: Publisher,
    starvation: Starvation,
    log: Logger,
    changed: () => void,
    before?: FrontMonitor,
  ) {
    this.#settings = settings
    this.#directory = directory
    this.#publisher = publisher
    this.#starvation = starvation
    this.#log = log
    this.#changed = changed
    const isSame = before?.report.url === settings.url
    this.#track = isSame ? before.#track : firstTrack
    this.#view = before === undefined ? undefined : before.#view
    this.#report = before?.report ?? {
      url: settings.url,
      state: 'unknown',
      since: new Date().toISOString(),
      reason: `the front ${firstTrack.reason}`,
      score: null,
      probes: [],
    }
    this.#loop = new TimedLoop(async () => {
      await this.#round()
      return jittered(this.#settings.intervalMs, Math.random)
    })
  }

  get report(): FrontReport {
    return this.#report
  }

  start(): void {
    this.#loop.start(0)
  }

  /** `front.up` stays as it is. */
  stop(): void {
    this.#loop.stop()
  }

  /** The directory was read, or the backends were judged. */
  update(view: FrontView): void {
    this.#view = view
    this.#judge()
  }

  async #round(): Promise<void> {
    const { url } = this.#settings
    const startedMs = performance.now()
    const at = new Date().toISOString()
    const answer = await this.#ask(startedMs)
    const probe = probeOf(answer, url)
    this.#track = nextTrack(this.#track, probe, this.#settings)
    const record: ProbeRecord = {
      at,
      outcome: probe.outcome === 'pass' ? 'pass' : answer.kind,
      ms: Math.round(performance.now() - startedMs),
    }
    this.#report = {
      ...this.#report,
      url,
      probes: [...this.#report.probes, record].slice(-maxProbes),
    }
    this.#judge()
  }

  async #ask(startedMs: number): Promise<FrontAnswer> {
    const answer = await askForMap(this.#settings)
    if (answer.kind !== 'timeout') return answer
    // its timer fires before an answer that arrived meanwhile is read
    const overMs = Math.round(performance.now() - startedMs - answer.limitMs)
    const lateMs = this.#starvation.lateSince(startedMs) || overMs
    return lateMs > graceMs
      ? { kind: 'starved', lateMs }
      : whileStarting(answer, mapAgesMs(this.#directory))
  }

  #judge(): void {
    const now = Date.now()
    const sentinels = this.#view?.sentinels
    // adminKinds are in order of precedence
    const admin = adminKinds.find(kind =>
      isInEffect(sentinels?.[kind] ?? null, now),
    )
    const verdict = judgeFront(
      { track: this.#track, pool: this.#view?.pool, admin },
      this.#settings.minScore,
    )
    const was = this.#report
    const { state, reason } = verdict
    // undefined = unchanged: keep what a former monitor has written
    const score =
      verdict.score === undefined ? (sentinels?.share ?? null) : verdict.score
    this.#report = {
      ...was,
      state,
      reason,
      score,
      since: state === was.state ? was.since : new Date(now).toISOString(),
    }
    if (verdict.score !== undefined)
      this.#publisher.publish(frontName, verdict.score, false)
    if (state === was.state && score === was.score) return
    const fields = { state, was: was.state, score, admin, reason }
    if (state === 'silent' || state === 'nobody')
      this.#log.warn(fields, 'front changed')
    else this.#log.info(fields, 'front changed')
    this.#changed()
  }
}
