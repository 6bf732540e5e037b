// The reports of the two programs in the directory: monitor.json and
// rewritemap-PID.json.

/** The state of a backend, as the monitor sees it. */
export const states = [
  'unknown',
  'up',
  'warming',
  'slow',
  'busy',
  'frozen',
  'cut-off',
  'down',
] as const
export type State = (typeof states)[number]

/** One of the last probes. */
export type ProbeRecord = {
  /** RFC 3339 */
  readonly at: string
  /** an outcome's code (health/outcome.ts) */
  readonly outcome: string
  readonly ms: number
}

export type BackendReport = {
  readonly state: State
  /** RFC 3339: when this state began */
  readonly since: string
  /** one sentence */
  readonly reason: string
  /** percent of its weight; null = not up */
  readonly share: number | null
  /** passes (positive) or failures (negative) in a row */
  readonly streak: number
  /** true: its warm-up pages are not done; omitted: it is warm */
  readonly cold?: true
  /** oldest first, at most 64 */
  readonly probes: readonly ProbeRecord[]
}

/** The result of a check of the map program through httpd. */
export const mapStates = [
  'unknown',
  'ok',
  'dead',
  'hung',
  'out-of-step',
  'garbled',
  'busy',
  'unreachable',
  'not-configured',
] as const
export type MapState = (typeof mapStates)[number]

export type MapObservation = {
  readonly state: MapState
  /** RFC 3339: when this state began */
  readonly since: string
  /** one sentence */
  readonly reason: string
  /** checks in a row with this state */
  readonly streak: number
  /** how long the last one took */
  readonly ms: number
  /** when the command last started, RFC 3339; null = never */
  readonly commandAt: string | null
}

/** A pool's ZEO server. */
export type ZeoObservation = {
  readonly state: 'unknown' | 'well' | 'gone'
  /** RFC 3339: when this state began */
  readonly since: string
  /** one sentence */
  readonly reason: string
}

/** The state of this machine as a whole, as the monitor sees it. */
export const frontStates = [
  'unknown',
  'up',
  /** only last resorts are left in the pool */
  'last-resort',
  /** httpd answers, no backend can serve */
  'nobody',
  /** httpd, or the map program behind it, does not answer */
  'silent',
] as const
export type FrontState = (typeof frontStates)[number]

export type FrontReport = {
  /** the URL that is checked */
  readonly url: string
  /** regardless of the administrator's files */
  readonly state: FrontState
  /** RFC 3339: when this state began */
  readonly since: string
  /** one sentence */
  readonly reason: string
  /** the content of `front.up`; null = it should not exist */
  readonly score: number | null
  /** the last checks, oldest first */
  readonly probes: readonly ProbeRecord[]
}

/** A receiver of notices. */
export type ReceiverSeen = {
  /** on their way to it */
  readonly waiting: number
  /** given up since the monitor started: rejected permanently, or queue full */
  readonly dropped: number
}

/** This machine's relation to the others of its cluster. */
export const clusterStates = [
  'together',
  /** etcd gives no sign of life: local files and the last known orders apply */
  'alone',
  /** another machine has this name */
  'duplicate',
  /** etcd has lost orders: none is removed until a person decides */
  'older-data',
] as const
export type ClusterState = (typeof clusterStates)[number]

/** Another machine, or this one, as this machine sees it. */
export type MachineReport = {
  readonly state: 'live' | 'away'
  /** since its last sign of life; null = none since this monitor started */
  readonly ageMs: number | null
  readonly version: string | null
  /** its clock minus the clock of this machine; null = not known */
  readonly clockMs: number | null
  readonly settingsDiffer: boolean
  /** the backends whose settings differ; `*`: other settings */
  readonly differing: readonly string[]
  /** map programs that run there */
  readonly maps: number
  /** files that a person made there, such as `zope1.drain` */
  readonly own: readonly string[]
}

/** An order that all machines follow. */
export type OrderReport = {
  readonly id: string
  readonly by: string | null
  readonly from: string | null
  readonly reason: string | null
  /** RFC 3339, by the clock of this machine */
  readonly until: string | null
  /** etcd no longer has it */
  readonly isLost: boolean
}

export type ClusterReport = {
  readonly name: string
  readonly state: ClusterState
  /** RFC 3339: when this state began */
  readonly since: string
  readonly engine: {
    /** the member of etcd that is watched; null = none */
    readonly url: string | null
    /** one sentence; null = etcd can be used */
    readonly problem: string | null
  }
  readonly members: Readonly<Record<string, MachineReport>>
  /** by backend and machine: states that differ from those of this machine */
  readonly differs: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** by file, such as `zope1.drain` */
  readonly orders: Readonly<Record<string, OrderReport>>
}

export type MonitorReport = {
  readonly version: string
  readonly pid: number
  readonly started: string
  readonly written: string
  readonly config: string
  readonly backends: Readonly<Record<string, BackendReport>>
  /** when the configuration has the key `map` */
  readonly map?: MapObservation
  /** by pool, when one has the key `zeo` */
  readonly zeo?: Readonly<Record<string, ZeoObservation>>
  /** when the configuration has the key `front` */
  readonly front?: FrontReport
  /** by receiver (`webhook`, `command`), with the key `notify` */
  readonly notices?: Readonly<Record<string, ReceiverSeen>>
  /** by host name: its last known addresses, for the next monitor */
  readonly addresses?: Readonly<
    Record<
      string,
      {
        /** RFC 3339 */
        readonly at: string
        readonly addresses: readonly string[]
      }
    >
  >
  /** when the configuration has the key `cluster` */
  readonly cluster?: ClusterReport
  /** what this monitor cannot do in its environment; omitted: nothing */
  readonly limits?: readonly MonitorLimit[]
}

/** Something the monitor would do if it were allowed to. */
export type MonitorLimit = {
  /** info = not configured, but recommended */
  readonly severity: 'info' | 'warning'
  /** what cannot be done, and why: one sentence */
  readonly what: string
  /** what follows for visitors */
  readonly why: string
  /** how to allow it */
  readonly remedy: string
}

/** Written by each running map program once a second. */
export type MapReport = {
  readonly version: string
  readonly pid: number
  readonly started: string
  readonly written: string
  readonly config: string
  /** sentences: current problems of directory, files or configuration */
  readonly problems: readonly string[]
  /** these two identify the process (system/process.ts) */
  readonly startTime?: string
  readonly pidNamespace?: string
  /**
   * how long the current lookup has been unanswered, in ms; 0 = less than 1 s
   */
  readonly lookupMs?: number
  readonly lookups: number
  /** lookups that were malformed, too long, or for an unknown pool */
  readonly malformed: number
  /** lookups answered NULL although well-formed */
  readonly unanswered: number
  /** bugs caught in the answer path */
  readonly faults: number
  /** unread answers of killed httpd children that were drained from the pipe */
  readonly outOfStep?: number
  /** tables used so far */
  readonly tables: number
  readonly answers: Readonly<Record<string, number>>
  /** the same by kind, where a program has several kinds of answers */
  readonly kinds?: Readonly<Record<string, Readonly<Record<string, number>>>>
}

/**
 * The backends that the monitor has judged, from its report; [] for garbage.
 */
export function judgedBackends(
  report: Readonly<Record<string, unknown>> | undefined,
): string[] {
  const backends = report?.['backends']
  return Object.entries(isRecord(backends) ? backends : {})
    .filter(
      ([, backend]) => isRecord(backend) && judgedStates.has(backend['state']),
    )
    .map(([name]) => name)
}

/** A report file as a value; undefined when it is not a JSON object. */
export function parseReport(
  text: string,
): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : undefined
  } catch {
    // JSON.parse throws only because of its input
    return undefined
  }
}

const judgedStates: ReadonlySet<unknown> = new Set(
  states.filter(state => state !== 'unknown'),
)

/** Checks all that `status` shows: any user may have written the file. */
export function isMonitorReport(value: unknown): value is MonitorReport {
  return (
    isRecord(value) &&
    isPid(value['pid']) &&
    isRecord(value['backends']) &&
    Object.values(value['backends']).every(isBackendReport) &&
    (value['map'] === undefined || isSeen(value['map'])) &&
    (value['zeo'] === undefined ||
      (isRecord(value['zeo']) && Object.values(value['zeo']).every(isSeen))) &&
    (value['front'] === undefined ||
      (isBackendReport(value['front']) &&
        typeof value['front']['url'] === 'string')) &&
    (value['notices'] === undefined ||
      (isRecord(value['notices']) &&
        Object.values(value['notices']).every(isReceiver))) &&
    (value['cluster'] === undefined || isClusterReport(value['cluster'])) &&
    (value['limits'] === undefined ||
      (Array.isArray(value['limits']) && value['limits'].every(isLimit)))
  )
}

function isClusterReport(value: unknown): boolean {
  return (
    isRecord(value) &&
    clusterStates.some(state => state === value['state']) &&
    ['name', 'since'].every(key => typeof value[key] === 'string') &&
    isRecord(value['engine']) &&
    isRecord(value['members']) &&
    Object.values(value['members']).every(isMachine) &&
    isRecord(value['differs']) &&
    Object.values(value['differs']).every(
      machines =>
        isRecord(machines) &&
        Object.values(machines).every(state => typeof state === 'string'),
    ) &&
    isRecord(value['orders']) &&
    Object.values(value['orders']).every(
      order => isRecord(order) && typeof order['id'] === 'string',
    )
  )
}

function isMachine(value: unknown): boolean {
  return (
    isRecord(value) &&
    typeof value['state'] === 'string' &&
    ['ageMs', 'clockMs'].every(
      key => value[key] === null || Number.isFinite(value[key]),
    ) &&
    (value['version'] === null || typeof value['version'] === 'string') &&
    ['differing', 'own'].every(key => {
      const list = value[key]
      return Array.isArray(list) && list.every(one => typeof one === 'string')
    })
  )
}

function isReceiver(value: unknown): boolean {
  return (
    isRecord(value) && isCount(value['waiting']) && isCount(value['dropped'])
  )
}

function isLimit(value: unknown): boolean {
  return (
    isRecord(value) &&
    (value['severity'] === 'info' || value['severity'] === 'warning') &&
    ['what', 'why', 'remedy'].every(key => typeof value[key] === 'string')
  )
}

function isSeen(value: unknown): boolean {
  return (
    isRecord(value) &&
    ['state', 'since', 'reason'].every(key => typeof value[key] === 'string')
  )
}

function isBackendReport(
  value: unknown,
): value is Readonly<Record<string, unknown>> {
  return (
    isRecord(value) &&
    typeof value['state'] === 'string' &&
    typeof value['since'] === 'string' &&
    typeof value['reason'] === 'string' &&
    Array.isArray(value['probes']) &&
    value['probes'].every(
      probe => isRecord(probe) && typeof probe['outcome'] === 'string',
    )
  )
}

/** As for `isMonitorReport`. */
export function isMapReport(value: unknown): value is MapReport {
  return (
    isRecord(value) &&
    isPid(value['pid']) &&
    typeof value['started'] === 'string' &&
    ['lookups', 'malformed', 'unanswered', 'faults'].every(key =>
      isCount(value[key]),
    ) &&
    isCount(value['outOfStep'] ?? 0) &&
    isCount(value['lookupMs'] ?? 0) &&
    ['startTime', 'pidNamespace'].every(
      key => typeof (value[key] ?? '') === 'string',
    ) &&
    isRecord(value['answers']) &&
    Object.values(value['answers']).every(isCount) &&
    isKinds(value['kinds']) &&
    Array.isArray(value['problems']) &&
    value['problems'].every(problem => typeof problem === 'string')
  )
}

function isKinds(value: unknown): boolean {
  return (
    value === undefined ||
    (isRecord(value) &&
      Object.values(value).every(
        kinds => isRecord(kinds) && Object.values(kinds).every(isCount),
      ))
  )
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value < Infinity
}

/** The id of one process: 0 and below would mean whole groups. */
function isPid(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) > 0
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
