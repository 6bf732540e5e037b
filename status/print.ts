// The output of `status` for people. Pure.
import { formatDuration } from '../text/duration.ts'
import { printable } from '../text/printable.ts'
import type { ClusterReport } from '../sentinels/reports.ts'
import {
  clockText,
  clusterSentence,
  lostOrders,
  machineNotes,
} from './cluster.ts'
import type { Liveness, StatusReport } from './report.ts'

/**
 * @param isColored on a terminal
 * @param now ms since 1970
 */
export function statusText(
  report: StatusReport,
  isColored: boolean,
  now: number,
): string {
  const paint = isColored ? color : plain
  const lines = [
    paint(report.monitor.kind, programText('monitor', report.monitor)),
    ...readersOf(report).map(({ name, seen, counts }) =>
      paint(seen.kind, [programText(name, seen), ...counts].join(', ')),
    ),
    ...(report.mapSeen === undefined
      ? []
      : [mapSeenText(report.mapSeen, paint, now)]),
    ...(report.cluster === undefined
      ? []
      : clusterLines(report.cluster, paint)),
    ...reportNotices(report).map(text => paint('silent', text)),
    report.verdictsCount ? '' : paint('dead', staleVerdicts),
    '',
    ...aligned(
      ['BACKEND', 'ADDRESS', 'STATE', 'SHARE', 'SINCE', 'PROBES', 'REASON'],
      rowsOf(report).map(backend => [
        backend.name,
        backend.address,
        [backend.state, ...backend.admin.map(({ kind }) => kind)].join('+'),
        backend.share === null ? '-' : `${backend.share} %`,
        ago(backend.since, now),
        backend.probes.slice(-16) || '-',
        [
          ...backend.admin.map(
            ({ kind, reason, by, until }) =>
              `${kind}${by === null ? '' : ` by ${by}`}${until === null ? '' : ` until ${until}`}${reason === null ? '' : `: ${reason}`};`,
          ),
          backend.reason ?? 'not judged yet',
        ].join(' '),
      ]),
    ),
    ...report.pools.flatMap(pool => [
      '',
      pool.newcomers.length === 0
        ? paint(
            'dead',
            `pool ${pool.name} (${pool.policy}): NO BACKEND can serve`,
          )
        : `pool ${pool.name} (${pool.policy}): new visitors go to ${pool.newcomers.join(', ')}`,
      ...aligned(
        ['  MEMBER', 'TIER', 'WEIGHT', 'STANDING'],
        pool.members.map(({ name, tier, weight, standing }) => [
          `  ${name}`,
          String(tier),
          String(weight),
          standing,
        ]),
      ),
    ]),
    ...reportProblems(report).map(problem => paint('silent', problem)),
  ]
  return `${lines.join('\n').replaceAll(/\n{3,}/g, '\n\n')}\n`
}

/** This machine itself, if it is judged, then the backends. */
export function rowsOf({ front, backends }: StatusReport) {
  return front === undefined ? backends : [front, ...backends]
}

/**
 * The programs that answer lookups: name, health, counts. A missing map program gets
 * a line unless another program answers.
 */
export function readersOf({ maps, readers = [] }: StatusReport): readonly {
  readonly name: string
  readonly seen: Liveness
  readonly counts: readonly string[]
}[] {
  if (maps.length === 0 && readers.length === 0)
    return [{ name: 'map', seen: { kind: 'never-seen' }, counts: [] }]
  return [
    ...maps.map(map => ({ name: 'map', seen: map, counts: [mapCounts(map)] })),
    ...readers.map(reader => ({
      name: reader.program,
      seen: reader,
      counts: [
        reader.program === 'follow'
          ? `${reader.lookups} runs, ${reader.unanswered} failed`
          : mapCounts(reader),
        ...kindCounts(reader.kinds),
      ],
    })),
  ]
}

/** `zope1 5 hit 3 miss` for each backend, without zero counts. */
function kindCounts(
  kinds: NonNullable<StatusReport['readers']>[number]['kinds'] = {},
): string[] {
  return Object.entries(kinds).map(
    ([backend, counts]) =>
      `${backend} ${Object.entries(counts)
        .filter(([, count]) => count > 0)
        .map(([kind, count]) => `${count} ${kind}`)
        .join(' ')}`,
  )
}

export const staleVerdicts =
  'verdicts are stale: they still rank the backends, but exclude none'

/** Problems with the files, each once; those of one program carry its name. */
export function reportProblems({
  problems,
  maps,
  readers = [],
  limits = [],
}: StatusReport): string[] {
  const named = [...maps.map(map => ({ ...map, program: 'map' })), ...readers]
  return [
    ...problems.map(printable),
    ...named.flatMap(({ program, problems: own }) =>
      own
        .filter(problem => !problems.includes(problem))
        .map(problem => `${program}: ${printable(problem)}`),
    ),
    ...limits.map(({ what, why, remedy }) =>
      printable(`${what}: ${why}; ${remedy}`),
    ),
  ]
}

/** Undelivered notices; a receiver that has everything gets no line. */
export function reportNotices({ notices = {} }: StatusReport): string[] {
  return Object.entries(notices)
    .filter(([, { waiting, dropped }]) => waiting + dropped > 0)
    .map(
      ([receiver, { waiting, dropped }]) =>
        `notices by ${printable(receiver)}: ${waiting} waiting, ${dropped} dropped`,
    )
}

function mapCounts({
  lookups,
  unanswered,
  malformed,
}: StatusReport['maps'][number]): string {
  return `${lookups} lookups, ${unanswered} without a usable backend, ${malformed} malformed`
}

/** The health of a program, in words. */
export function programText(what: string, seen: Liveness): string {
  switch (seen.kind) {
    case 'alive':
      return `${what}: alive, pid ${seen.pid}`
    case 'silent':
      return `${what}: SILENT for ${rounded(seen.ageMs)}, pid ${seen.pid} is running but writes no report`
    case 'dead':
      return `${what}: DEAD, pid ${seen.pid} is gone, last sign of life ${rounded(seen.ageMs)} ago`
    case 'never-seen':
      return `${what}: never seen in this directory`
  }
}

/** The state of the map program as seen through httpd, as a liveness. */
export function seenKind(state: string): Liveness['kind'] {
  if (state === 'ok') return 'alive'
  return state === 'unknown' ? 'never-seen' : 'dead'
}

function mapSeenText(
  { state, since, reason }: NonNullable<StatusReport['mapSeen']>,
  paint: typeof plain,
  now: number,
): string {
  const kind = seenKind(state)
  return paint(
    kind,
    `map program seen through httpd: ${printable(kind === 'dead' ? state.toUpperCase() : state)} for ${ago(since, now)}, ${printable(reason)}`,
  )
}

/** The part about the other machines alone. */
export function clusterText(
  cluster: ClusterReport,
  isColored: boolean,
): string {
  const paint = isColored ? color : plain
  return `${clusterLines(cluster, paint).join('\n')}\n`
}

/** Whether this machine is together with the others, and a line for each. */
function clusterLines(cluster: ClusterReport, paint: typeof plain): string[] {
  return [
    paint(
      cluster.state === 'together' ? 'alive' : 'dead',
      clusterSentence(cluster),
    ),
    ...lostOrders(cluster).map(text => paint('dead', text)),
    '',
    ...aligned(
      ['MACHINE', 'STATE', 'SEEN', 'VERSION', 'CLOCK', 'MAPS', 'NOTES'],
      Object.entries(cluster.members).map(([name, seen]) => [
        name === cluster.name ? `${name} (this one)` : name,
        seen.state,
        seen.ageMs === null ? '-' : `${rounded(seen.ageMs)} ago`,
        seen.version ?? '-',
        clockText(seen.clockMs),
        String(seen.maps),
        machineNotes(name, cluster).join('; ') || '-',
      ]),
    ),
  ]
}

function ago(since: string | null, now: number): string {
  const ms = now - Date.parse(since ?? '')
  return Number.isNaN(ms) ? '-' : rounded(Math.max(0, ms))
}

/** Rounded down to the largest unit: 61 seconds are `1m`. */
function rounded(ms: number): string {
  const unit = [3_600_000, 60_000, 1_000].find(size => ms >= size) ?? 1
  return formatDuration(Math.floor(ms / unit) * unit)
}

function aligned(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const lines = [head, ...rows].map(row => row.map(printable))
  const widths = head.map((_, column) =>
    lines.reduce((most, row) => Math.max(most, Number(row[column]?.length)), 0),
  )
  return lines.map(row =>
    row
      .map((cell, column) => cell.padEnd(Number(widths[column])))
      .join('  ')
      .trimEnd(),
  )
}

function plain(_kind: Liveness['kind'], text: string): string {
  return text
}

function color(kind: Liveness['kind'], text: string): string {
  const code = { alive: 32, silent: 33, dead: 31, 'never-seen': 33 }[kind]
  return `\u001B[${code}m${text}\u001B[0m`
}
