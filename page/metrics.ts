// What Prometheus reads: counters of the events of the monitor's main thread, and
// gauges of what `status` reports now. Invariant: labels have few values, all known
// in advance except configured names, and a backend that leaves the configuration
// leaves the metrics.
import { Counter, Histogram, Registry } from 'prom-client'
import type { ReaderStatus, StatusReport } from '../status/report.ts'
import type { ProbeKind, TelemetryEvent } from './telemetry.ts'
import { states } from '../sentinels/reports.ts'
import { newGauges, setGauges } from './gauges.ts'
import { MapCounts } from '../status/map-counts.ts'

/** From a local heartbeat to a light probe that is held for `busyTimeout`. */
const secondsBuckets = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
  60,
]

const probeKinds: readonly ProbeKind[] = ['light', 'deep', 'heartbeat']

export class Metrics {
  readonly #registry = new Registry()
  readonly #gauges = newGauges(this.#registry)
  readonly #mapCounts = new MapCounts()
  readonly #readerCounts = new Map<string, MapCounts>()
  /** by backend: the outcomes counted so far */
  readonly #counted = new Map<string, Set<string>>()

  readonly #probes = this.#counter(
    'probes_total',
    'Finished probes by outcome; for heartbeats each silence, too',
    ['backend', 'kind', 'outcome'],
  )
  readonly #durations = new Histogram({
    name: 'zope_failover_probe_duration_seconds',
    help: 'Duration of good probes; for deep ones the round trip to the database',
    labelNames: ['backend', 'kind'],
    buckets: secondsBuckets,
    registers: [this.#registry],
  })
  readonly #transitions = this.#counter(
    'transitions_total',
    'Changes to this state',
    ['backend', 'state'],
  )
  readonly #lost = this.#counter(
    'telemetry_lost_total',
    'Probes and transitions that are missing in the counts above',
  )
  readonly #lookups = this.#counter(
    'lookups_total',
    'Lookups by httpd, over all map programs',
  )
  readonly #answers = this.#counter(
    'answers_total',
    'Lookups answered with that backend',
    ['backend'],
  )
  readonly #malformed = this.#counter(
    'lookups_malformed_total',
    'Lookups that were malformed, too long, or for an unknown pool',
  )
  readonly #unanswered = this.#counter(
    'lookups_unanswered_total',
    'Well-formed lookups answered NULL: the pool had no usable backend',
  )
  readonly #faults = this.#counter(
    'map_faults_total',
    'Errors caught while answering a lookup',
  )
  readonly #readerLookups = this.#counter(
    'reader_lookups_total',
    'Lookups by Squid, by answering program',
    ['program'],
  )
  readonly #readerAnswers = this.#counter(
    'reader_answers_total',
    'Answers that named this backend, by answering program',
    ['program', 'backend'],
  )
  readonly #outOfStep = this.#counter(
    'map_out_of_step_total',
    'Answers left unread by killed children of httpd and skipped',
  )

  readonly #noticesDropped = this.#counter(
    'notices_dropped_total',
    'Dropped notices: permanently rejected, or too many were waiting',
    ['receiver'],
  )

  /** For the header Content-Type of the answer. */
  get contentType(): string {
    return this.#registry.contentType
  }

  /** Counts an event of the main thread (page/telemetry.ts). */
  record(event: TelemetryEvent): void {
    switch (event.kind) {
      case 'probe': {
        const { backend, probe: kind, outcome, ms } = event
        this.#countedOf(backend).add(outcome)
        this.#probes.inc({ backend, kind, outcome })
        if (ms !== null) this.#durations.observe({ backend, kind }, ms / 1_000)
        return
      }
      case 'transition': {
        const { backend, state } = event
        this.#countedOf(backend)
        this.#transitions.inc({ backend, state })
        return
      }
      case 'lost':
        this.#lost.inc(event.events)
    }
  }

  /**
   * Adds the counts of the map programs. Call it about once a second: what a map
   * program has counted between the last call and its exit is lost.
   *
   * @param now ms since 1970
   */
  update({ maps, readers = [], backends }: StatusReport, now: number): void {
    for (const program of new Set(readers.map(one => one.program)))
      this.#updateReaders(
        program,
        readers.filter(one => one.program === program),
        now,
      )
    const grown = this.#mapCounts.grown(maps, now)
    this.#lookups.inc(grown.lookups)
    this.#malformed.inc(grown.malformed)
    this.#unanswered.inc(grown.unanswered)
    this.#faults.inc(grown.faults)
    this.#outOfStep.inc(grown.outOfStep)
    for (const { name } of backends)
      this.#answers.inc({ backend: name }, grown.answers.get(name) ?? 0)
  }

  #updateReaders(
    program: string,
    readers: readonly ReaderStatus[],
    now: number,
  ): void {
    const counts = this.#readerCounts.get(program) ?? new MapCounts()
    this.#readerCounts.set(program, counts)
    const grown = counts.grown(readers, now)
    this.#readerLookups.inc({ program }, grown.lookups)
    for (const [backend, answers] of grown.answers)
      this.#readerAnswers.inc({ program, backend }, answers)
  }

  /**
   * Everything in Prometheus' text format.
   *
   * @param now ms since 1970
   */
  async text(report: StatusReport, now: number): Promise<string> {
    this.update(report, now)
    const names = report.backends.map(({ name }) => name)
    this.#removeUnconfigured(new Set(names))
    for (const backend of names) {
      this.#countedOf(backend)
      // exists before the first change, so that no increase is missed
      for (const state of states) this.#transitions.inc({ backend, state }, 0)
    }
    // counted by the monitor itself, since its start
    this.#noticesDropped.reset()
    for (const [receiver, { dropped }] of Object.entries(report.notices ?? {}))
      this.#noticesDropped.inc({ receiver }, dropped)
    setGauges(this.#gauges, report)
    return this.#registry.metrics()
  }

  #countedOf(backend: string): Set<string> {
    const counted = this.#counted.get(backend) ?? new Set()
    this.#counted.set(backend, counted)
    return counted
  }

  /** Removes the counters of backends that are no longer configured. */
  #removeUnconfigured(names: ReadonlySet<string>): void {
    for (const [backend, outcomes] of this.#counted) {
      if (names.has(backend)) continue
      this.#counted.delete(backend)
      this.#answers.remove({ backend })
      for (const program of this.#readerCounts.keys())
        this.#readerAnswers.remove({ program, backend })
      for (const state of states) this.#transitions.remove({ backend, state })
      for (const kind of probeKinds) {
        this.#durations.remove({ backend, kind })
        for (const outcome of outcomes)
          this.#probes.remove({ backend, kind, outcome })
      }
    }
  }

  #counter<Label extends string = never>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
  ): Counter<Label> {
    return new Counter({
      name: `zope_failover_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
    })
  }
}
