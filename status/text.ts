// The table a person reads. Pure.
import { formatDuration } from '../config/duration.ts'
import { printable } from '../config/printable.ts'
import type { Liveness, StatusReport } from './report.ts'

/**
 * @param isColoured on a terminal
 * @param now ms since 1970
 */
export function statusText(
  report: StatusReport,
  isColoured: boolean,
  now: number,
): string {
  const paint = isColoured ? colour : plain
  const lines = [
    paint(report.monitor.kind, programText('monitor', report.monitor)),
    ...(report.maps.length === 0
      ? [paint('never-seen', programText('map', { kind: 'never-seen' }))]
      : report.maps.map(map =>
          paint(
            map.kind,
            `${programText('map', map)}, ${map.lookups} lookups, ${map.unanswered} without a usable backend, ${map.malformed} malformed`,
          ),
        )),
    ...(report.mapSeen === undefined
      ? []
      : [mapSeenText(report.mapSeen, paint, now)]),
    report.verdictsCount
      ? ''
      : paint(
          'dead',
          'verdicts are stale: they order the choice, but nobody is refused for them',
        ),
    '',
    ...aligned(
      ['BACKEND', 'ADDRESS', 'STATE', 'SHARE', 'SINCE', 'PROBES', 'REASON'],
      report.backends.map(backend => [
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
        ? paint('dead', `pool ${pool.name} (${pool.policy}): NOBODY serves`)
        : `pool ${pool.name} (${pool.policy}): newcomers go to ${pool.newcomers.join(', ')}`,
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
    ...report.problems.map(problem => paint('silent', printable(problem))),
    ...report.maps.flatMap(map =>
      map.problems
        .filter(problem => !report.problems.includes(problem))
        .map(problem => paint('silent', `map: ${printable(problem)}`)),
    ),
  ]
  return `${lines.join('\n').replaceAll(/\n{3,}/g, '\n\n')}\n`
}

function programText(what: string, seen: Liveness): string {
  switch (seen.kind) {
    case 'alive':
      return `${what}: alive, pid ${seen.pid}`
    case 'silent':
      return `${what}: SILENT for ${rounded(seen.ageMs)}, pid ${seen.pid} is there but writes no report`
    case 'dead':
      return `${what}: DEAD, pid ${seen.pid} is gone, last sign of life ${rounded(seen.ageMs)} ago`
    case 'never-seen':
      return `${what}: never seen in this directory`
  }
}

function mapSeenText(
  { state, since, reason }: NonNullable<StatusReport['mapSeen']>,
  paint: typeof plain,
  now: number,
): string {
  const kinds = { ok: 'alive', unknown: 'never-seen' } as const
  const kind = state === 'ok' || state === 'unknown' ? kinds[state] : 'dead'
  return paint(
    kind,
    `map seen through httpd: ${kind === 'dead' ? state.toUpperCase() : state} for ${ago(since, now)}, ${printable(reason)}`,
  )
}

function ago(since: string | null, now: number): string {
  const ms = now - Date.parse(since ?? '')
  return Number.isNaN(ms) ? '-' : rounded(Math.max(0, ms))
}

/** To the leading unit: 61 seconds are `1m`. */
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

function colour(kind: Liveness['kind'], text: string): string {
  const code = { alive: 32, silent: 33, dead: 31, 'never-seen': 33 }[kind]
  return `\u001B[${code}m${text}\u001B[0m`
}
