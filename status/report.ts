// What `status` reports: combines configuration, directory and reports. Pure: the
// caller has read the files and checked the processes.
import { addressOf, frontName, type Config } from '../config/config.ts'
import { version } from '../system/version.ts'
import { candidatesOf } from '../choice/choose.ts'
import {
  buildTable,
  isFreshAt,
  isInEffect,
  type Standing,
} from '../choice/table.ts'
import type { AdminNote } from '../sentinels/content.ts'
import { adminKinds, type AdminKind } from '../sentinels/names.ts'
import type {
  BackendReport,
  ClusterReport,
  FrontReport,
  MapReport,
  MapObservation,
  ZeoObservation,
  MonitorLimit,
  ReceiverSeen,
} from '../sentinels/reports.ts'
import { noSentinels, type Snapshot } from '../sentinels/snapshot.ts'

/** A program as its report and the process table show it. */
export type Liveness =
  | { readonly kind: 'alive'; readonly pid: number; readonly ageMs: number }
  /** the process exists, but its report is too old */
  | { readonly kind: 'silent'; readonly pid: number; readonly ageMs: number }
  /** it left a report, but the process is gone */
  | { readonly kind: 'dead'; readonly pid: number; readonly ageMs: number }
  | { readonly kind: 'never-seen' }

export type SeenReport<Report> = {
  readonly report: Report
  readonly writtenMs: number
  readonly isRunning: boolean
}

export type MonitorSeen = SeenReport<{
  readonly pid: number
  readonly backends: Readonly<Record<string, BackendReport>>
  readonly map?: MapObservation
  readonly zeo?: Readonly<Record<string, ZeoObservation>>
  readonly front?: FrontReport
  readonly cluster?: ClusterReport
  readonly limits?: readonly MonitorLimit[]
  readonly notices?: Readonly<Record<string, ReceiverSeen>>
}>

export type BackendStatus = {
  readonly name: string
  readonly address: string
  readonly state: string
  readonly since: string | null
  readonly reason: string | null
  readonly share: number | null
  /** RFC 3339: when its last light probe began */
  readonly probed: string | null
  readonly admin: readonly {
    readonly kind: AdminKind
    readonly reason: string | null
    readonly by: string | null
    /** RFC 3339 */
    readonly until: string | null
  }[]
  /** newest last: `+` passed, `-` failed, `?` says nothing about the backend */
  readonly probes: string
}

export type PoolStatus = {
  readonly name: string
  readonly policy: string
  /** the backends that get new visitors now; [] = the answer is NULL */
  readonly newcomers: readonly string[]
  readonly members: readonly {
    readonly name: string
    readonly tier: number
    readonly weight: number
    readonly standing: Standing
  }[]
}

/** A program that answers lookups, and what it has counted. */
export type ReaderStatus = Liveness & {
  readonly lookups: number
  readonly malformed: number
  readonly unanswered: number
  readonly faults: number
  readonly outOfStep: number
  /** RFC 3339: since when it counts */
  readonly started: string
  /** lookups answered with that backend */
  readonly answers: Readonly<Record<string, number>>
  readonly problems: readonly string[]
}

/** The report of a program that answers lookups. */
export type SeenReader = SeenReport<MapReport> & { readonly program: string }

/** Documented in docs/status-json.md; keys may be added, never changed. */
export type StatusReport = {
  /** of the program that created the report */
  readonly version: string
  /** RFC 3339 */
  readonly time: string
  readonly directory: string
  readonly verdictsCount: boolean
  readonly monitor: Liveness
  readonly maps: readonly ReaderStatus[]
  /** other programs that answer from the table, if any */
  readonly readers?: readonly (ReaderStatus & {
    readonly program: string
    /** answers by backend and kind, of programs that have several kinds */
    readonly kinds?: MapReport['kinds']
  })[]
  /** the map program as seen through httpd, if the monitor checks it */
  readonly mapSeen?: MapObservation
  /** the ZEO server of each pool, if the monitor probes one */
  readonly zeo?: Readonly<Record<string, ZeoObservation>>
  /** what the running monitor cannot do in its environment */
  readonly limits?: readonly MonitorLimit[]
  /**
   * This machine as a whole, with the keys of a backend: `address` is the probed URL,
   * `share` the content of front.up. Only if the configuration has the key `front`.
   */
  readonly front?: BackendStatus
  /** the other machines, if the configuration has the key `cluster` */
  readonly cluster?: ClusterReport
  /** by receiver (`webhook`, `command`): notices of the running monitor */
  readonly notices?: Readonly<Record<string, ReceiverSeen>>
  readonly backends: readonly BackendStatus[]
  readonly pools: readonly PoolStatus[]
  readonly problems: readonly string[]
}

/** Both programs write once a second; this much later something is wrong. */
const silentAfterMs = 5_000

/**
 * @param now ms since 1970
 * @param configProblems why the configuration file is no longer the one in use
 * @param readers the reports of other programs that answer from the table
 */
export function statusReport(
  config: Config,
  snapshot: Snapshot,
  monitor: MonitorSeen | undefined,
  maps: readonly SeenReport<MapReport>[],
  now: number,
  configProblems: readonly string[] = [],
  readers: readonly SeenReader[] = [],
): StatusReport {
  // no property access by name: a backend may be called "constructor"
  const reports = new Map(Object.entries(monitor?.report.backends ?? {}))
  return {
    version,
    time: new Date(now).toISOString(),
    directory: config.directory,
    verdictsCount: isFreshAt(snapshot, config.staleAfterMs, now),
    monitor: liveness(monitor, now),
    maps: maps.map(seen => readerStatus(seen, now)),
    ...(readers.length > 0 && {
      readers: readers.map(seen => ({
        program: seen.program,
        ...readerStatus(seen, now),
        ...(seen.report.kinds !== undefined && { kinds: seen.report.kinds }),
      })),
    }),
    ...(monitor?.report.map !== undefined && { mapSeen: monitor.report.map }),
    ...(monitor?.report.zeo !== undefined && { zeo: monitor.report.zeo }),
    // a dead monitor has no current limits or notices
    ...(monitor?.isRunning === true &&
      monitor.report.limits !== undefined && { limits: monitor.report.limits }),
    ...(monitor?.isRunning === true &&
      monitor.report.notices !== undefined && {
        notices: monitor.report.notices,
      }),
    ...(monitor?.isRunning === true &&
      monitor.report.cluster !== undefined && {
        cluster: monitor.report.cluster,
      }),
    ...(config.front !== undefined && {
      front: judgedStatus(
        frontName,
        config.front.url,
        monitor?.report.front,
        snapshot,
        now,
      ),
    }),
    backends: config.backends.map(backend =>
      judgedStatus(
        backend.name,
        addressOf(backend),
        reports.get(backend.name),
        snapshot,
        now,
      ),
    ),
    pools: poolsOf(config, snapshot, now),
    problems: [...configProblems, ...snapshot.problems.map(({ text }) => text)],
  }
}

/** What the monitor says about it, and its files. */
function judgedStatus(
  name: string,
  address: string,
  judged: BackendReport | FrontReport | undefined,
  snapshot: Snapshot,
  now: number,
): BackendStatus {
  const sentinels = snapshot.backends.get(name) ?? noSentinels
  return {
    name,
    address,
    state: judged?.state ?? 'unknown',
    since: judged?.since ?? null,
    reason: judged?.reason ?? null,
    share: sentinels.share,
    probed: judged?.probes.at(-1)?.at ?? null,
    admin: adminKinds.flatMap(kind => {
      const note = sentinels[kind]
      return note !== null && isInEffect(note, now)
        ? [{ kind, ...noteStatus(note) }]
        : []
    }),
    probes: (judged?.probes ?? [])
      .map(({ outcome }) => probeSign(outcome))
      .join(''),
  }
}

/** @param now ms since 1970 */
export function poolsOf(
  config: Config,
  snapshot: Snapshot,
  now: number,
): PoolStatus[] {
  const pools = [...buildTable(config, snapshot, now).pools.values()]
  return config.pools.map(pool => {
    const present = pools
      .filter(({ name }) => name === pool.name)
      .flatMap(({ members }) => members)
    return {
      name: pool.name,
      policy: pool.policy,
      newcomers: candidatesOf(present).map(({ name }) => name),
      members: present.flatMap(({ name, standing }) =>
        pool.members
          .filter(member => member.name === name)
          .map(({ tier, weight }) => ({ name, tier, weight, standing })),
      ),
    }
  })
}

function readerStatus(seen: SeenReport<MapReport>, now: number): ReaderStatus {
  const { report } = seen
  return {
    ...liveness(seen, now),
    lookups: report.lookups,
    malformed: report.malformed,
    unanswered: report.unanswered,
    faults: report.faults,
    outOfStep: report.outOfStep ?? 0,
    started: report.started,
    answers: report.answers,
    problems: report.problems,
  }
}

/** Outcomes (health/outcome.ts) that are not a failure of the backend. */
const probeSigns = new Map([
  ['pass', '+'],
  ['local', '?'],
  ['dns', '?'],
  ['dns-timeout', '?'],
  ['starved', '?'],
  ['starting', '?'],
])

/** One probe as one character of `BackendStatus.probes`. */
export function probeSign(outcome: string): string {
  return probeSigns.get(outcome) ?? '-'
}

function noteStatus({ reason, by, until }: AdminNote) {
  return {
    reason,
    by,
    until: until === null ? null : new Date(until).toISOString(),
  }
}

function liveness(
  seen: SeenReport<{ readonly pid: number }> | undefined,
  now: number,
): Liveness {
  if (seen === undefined) return { kind: 'never-seen' }
  const ageMs = Math.max(0, now - seen.writtenMs)
  const kind = !seen.isRunning
    ? 'dead'
    : ageMs > silentAfterMs
      ? 'silent'
      : 'alive'
  return { kind, pid: seen.report.pid, ageMs }
}
