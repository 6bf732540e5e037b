// The figures as Markdown for README. Pure.
import { table } from '../report.ts'
import { median, percentile } from '../statistics.ts'
import type { FaultTiming } from './timeline.ts'

export const faultKinds = [
  'frozen',
  'busy',
  'report',
  'database',
  'half-open',
  'flapping',
  'boot',
  'well',
] as const
export type FaultKind = (typeof faultKinds)[number]

export type Faults = {
  readonly checkers: readonly string[]
  readonly rounds: number
  /** one for each round, fault and checker */
  readonly findings: readonly {
    readonly kind: FaultKind
    readonly checker: string
    readonly finding: FaultTiming
  }[]
  /** how often the flapping backend went away, in all rounds */
  readonly flaps: number
}

/** One setup of the monitor before stand-in backends. */
export type Load = {
  readonly backends: number
  readonly hasHeartbeat: boolean
  readonly seconds: number
  readonly probes: number
  readonly beats: number
  /** processor time of the monitor in these seconds */
  readonly cpuMs: number
  readonly residentMb: number
  /** from the death of a backend to its verdict, one for each that died */
  readonly verdictMs: readonly number[]
  /** probes in each 100 ms */
  readonly bins: readonly number[]
}

/** The cost of one kind of request for a real Zope. */
export type ZopeCost = {
  readonly what: string
  readonly times: number
  /** processor time of the Zope for each */
  readonly cpuMs: number
  /** until the answer */
  readonly tookMs: number
}

/** One kind of load on the status page. */
export type PageLoad = {
  readonly what: string
  readonly seconds: number
  /** processor time of the monitor in these seconds */
  readonly cpuMs: number
  readonly residentMb: number
  /** between one probe of a backend and the next */
  readonly gapsMs: readonly number[]
}

/** Sections that were not requested are missing. */
export type Results = {
  faults?: Faults
  load?: readonly Load[]
  page?: readonly PageLoad[]
  zope?: readonly ZopeCost[]
}

const titles: Readonly<Record<FaultKind, string>> = {
  frozen: 'frozen (`SIGSTOP`)',
  busy: 'four threads in a slow page, 10 s',
  report: 'four threads computing, 15 s',
  database: 'its ZEO frozen',
  'half-open': 'its link to ZEO half-open',
  flapping: 'away for 7 s, back for 7 s',
  boot: 'killed, and a slow boot',
  well: 'nothing, in addition to all this',
}

/** Who is ill, but alive: to call it down is a false alarm. */
export function isAlive(kind: FaultKind): boolean {
  return kind === 'busy' || kind === 'report' || kind === 'well'
}

export function report({ faults, load, page, zope }: Results): string {
  return `${[
    faults &&
      `### Health, compared with HAProxy and mod_proxy_hcheck\n\n${faultSection(faults)}`,
    load && `### What the monitor takes\n\n${loadSection(load)}`,
    page && `### What the status page takes\n\n${pageSection(page)}`,
    zope && `### What it takes of a Zope\n\n${zopeSection(zope)}`,
  ]
    .filter(text => text !== undefined)
    .join('\n\n')}\n`
}

function faultSection({ checkers, findings, rounds, flaps }: Faults): string {
  const kinds = faultKinds.filter(kind =>
    findings.some(found => found.kind === kind),
  )
  const rows = kinds.map(kind => [
    titles[kind],
    ...checkers.map(checker =>
      cell(
        kind,
        findings
          .filter(found => found.kind === kind && found.checker === checker)
          .map(({ finding }) => finding),
      ),
    ),
  ])
  return `${table(['fault', ...checkers], rows)}

Seconds, medians of ${rounds} rounds: from the fault until new visitors go elsewhere / until down / from its end until new visitors come again; – = not at all. **shot** = a live Zope was called down. The flapping one went away ${flaps} times; its row counts changes of route.`
}

/** What a checker made of one fault in all rounds. */
export function cell(
  kind: FaultKind,
  findings: readonly FaultTiming[],
): string {
  if (findings.length === 0) return ''
  if (kind === 'flapping')
    return `${findings.reduce((sum, { flips }) => sum + flips, 0)} changes`
  const many = (count: number): string =>
    findings.length === 1 ? '' : ` (${count} of ${findings.length})`
  const shots = isAlive(kind)
    ? findings.filter(({ downMs }) => downMs !== null).length
    : 0
  const lost = findings.filter(found => found.isLost).length
  const early =
    kind === 'boot' ? findings.filter(found => found.isEarly).length : 0
  const missed = findings.filter(found => found.elsewhereMs === null).length
  const notes = [
    ...(shots > 0 ? [`**shot**${many(shots)}`] : []),
    ...(early > 0 ? [`up too early${many(early)}`] : []),
    ...(lost > 0 ? [`not back${many(lost)}`] : []),
    ...(missed > 0 && missed < findings.length
      ? [`missed${many(missed)}`]
      : []),
  ]
  const times = [
    seconds(findings.map(found => found.elsewhereMs)),
    seconds(findings.map(found => found.downMs)),
    seconds(findings.map(found => found.backMs)),
  ]
  if (kind === 'well')
    return shots > 0
      ? `**shot**${many(shots)}`
      : missed === findings.length
        ? 'no alarm'
        : `new visitors elsewhere for a while${many(findings.length - missed)}`
  const exchange =
    missed === findings.length ? 'never noticed' : times.join(' / ')
  return [exchange, ...notes].join(', ')
}

/** Empty when there was nothing to divide by: a short run on a busy machine. */
function ratio(whole: number, parts: number): string {
  return parts === 0 ? '' : (whole / parts).toFixed(2)
}

/** The median of those that came; – = none. */
function seconds(values: readonly (number | null)[]): string {
  const came = values.filter(value => value !== null)
  return came.length === 0 ? '–' : (median(came) / 1_000).toFixed(2)
}

function loadSection(loads: readonly Load[]): string {
  const rows = loads.map(load => [
    String(load.backends),
    load.hasHeartbeat ? '4 a second' : 'off',
    String(load.probes),
    share(load),
    ratio(load.cpuMs, load.probes),
    beatCostMs(load, loads)?.toFixed(2) ?? '',
    load.residentMb.toFixed(0),
    load.verdictMs.length === 0
      ? ''
      : `${(median(load.verdictMs) / 1_000).toFixed(2)} (${(Math.max(...load.verdictMs) / 1_000).toFixed(2)})`,
    load.backends < 100 || load.probes === 0
      ? ''
      : unevenness(load.bins).toFixed(2),
  ])
  return `${table(
    [
      'backends',
      'heartbeats',
      'probes',
      'of one core',
      'ms per probe',
      'ms per heartbeat',
      'resident MB',
      'verdict s (longest)',
      'evenness',
    ],
    rows,
  )}

Stand-in backends in one process, a probe a second each, ${loads[0]?.seconds.toFixed(0) ?? 0} s. Processor time is that of the whole monitor, divided by its probes, so with few backends mostly what it does anyway; that of a heartbeat is what there is more with them. Verdict: from the moment a backend refuses connections until its \`.up\` is gone. Evenness: the fullest 100 ms over the mean.`
}

function pageSection(loads: readonly PageLoad[]): string {
  const rows = loads.map(load => {
    const gaps = load.gapsMs.toSorted((one, other) => one - other)
    return [
      load.what,
      share(load),
      load.residentMb.toFixed(0),
      ...[0.5, 0.99, 1].map(part => percentile(gaps, part).toFixed(0)),
    ]
  })
  return `${table(
    [
      'who looks',
      'of one core',
      'resident MB',
      'probe to probe ms, p50',
      'p99',
      'longest',
    ],
    rows,
  )}

20 stand-in backends with heartbeats, a probe a second each, one monitor, ${loads[0]?.seconds.toFixed(0) ?? 0} s for each line. Probe to probe: on one backend, as the backend sees it.`
}

/** Of one core. */
function share(load: {
  readonly cpuMs: number
  readonly seconds: number
}): string {
  return `${((load.cpuMs / load.seconds / 1_000) * 100).toFixed(1)} %`
}

function zopeSection(costs: readonly ZopeCost[]): string {
  const rows = costs.map(({ what, times, cpuMs, tookMs }) => [
    what,
    String(times),
    cpuMs.toFixed(2),
    tookMs.toFixed(2),
  ])
  return table(
    ['asked', 'times', "ms of Zope's processor", 'ms until answered'],
    rows,
  )
}

/** What the same setup takes more with heartbeats, for each of them. */
export function beatCostMs(
  load: Load,
  loads: readonly Load[],
): number | undefined {
  const without = loads.find(
    other => other.backends === load.backends && !other.hasHeartbeat,
  )
  if (!load.hasHeartbeat || without === undefined || load.beats === 0)
    return undefined
  const expectedMs = (without.cpuMs / without.seconds) * load.seconds
  return (load.cpuMs - expectedMs) / load.beats
}

/** The fullest bin over the mean; 1 = all alike. */
export function unevenness(bins: readonly number[]): number {
  const sum = bins.reduce((total, count) => total + count, 0)
  return (Math.max(...bins) * bins.length) / sum
}
