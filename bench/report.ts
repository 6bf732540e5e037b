// The figures as Markdown, and whether they meet the targets.
import type { ColdStart } from './cold-start.ts'
import type { IcpTimes } from './icp.ts'
import type { LookupTimes } from './lookups.ts'
import type { Memory } from './memory.ts'
import type { RequestRates } from './requests.ts'
import type { SquidTimes } from './squid.ts'
import {
  median,
  medianOfRounds,
  medianRatio,
  percentile,
  type RoundTrips,
} from './statistics.ts'

/** Sections that were not requested are missing. */
export type Results = {
  lookups?: {
    /** the first is this map program */
    readonly times: readonly LookupTimes[]
    readonly cMap: LookupTimes | undefined
    readonly lookupsPerRound: number
  }
  /** the first is without a map program, the second is this one */
  requests?: readonly RequestRates[]
  sentinel?: readonly {
    readonly name: string
    readonly tookMs: readonly number[]
  }[]
  coldStart?: ColdStart
  memory?: Memory
  squid?: readonly SquidTimes[]
  /** the first is this responder */
  icp?: readonly IcpTimes[]
}

/** The row of the sticky visitors. */
export const stickyName = 'this map, with a cookie'

type Target = {
  readonly title: string
  readonly verdict: 'met' | 'missed' | 'not measured'
}

/** The targets, each with its figure, in the order of the sections. */
export function targets(results: Results): Target[] {
  const found: Target[] = []
  const judge = (
    title: (figure: string) => string,
    value: number | undefined,
    isMet: (value: number) => boolean,
    unit: string,
  ): void => {
    if (value === undefined || Number.isNaN(value))
      found.push({ title: title('?'), verdict: 'not measured' })
    else
      found.push({
        // more digits than the limit, so that a missed one does not look met
        title: title(
          `${unit === '×' ? value.toFixed(3) : round(value)} ${unit}`,
        ),
        verdict: isMet(value) ? 'met' : 'missed',
      })
  }
  if (results.lookups) {
    judge(
      figure => `p50 of a lookup: ${figure} the C map (at most 1.1 ×)`,
      ratioToC(results.lookups, 'p50Us'),
      value => value <= 1.1,
      '×',
    )
    judge(
      figure => `p99.9 of a lookup: ${figure} the C map (at most 1.5 ×)`,
      ratioToC(results.lookups, 'p999Us'),
      value => value <= 1.5,
      '×',
    )
  }
  if (results.requests)
    judge(
      figure => `requests with a cookie: ${figure} no map (at least 0.85 ×)`,
      stickyRatio(results.requests),
      value => value >= 0.85,
      '×',
    )
  if (results.sentinel)
    judge(
      figure => `sentinel's change seen, p99: ${figure} (under 20 ms)`,
      percentile(sortedOf(results.sentinel[0]?.tookMs ?? []), 0.99),
      value => value < 20,
      'ms',
    )
  if (results.coldStart)
    judge(
      figure =>
        `first answer after a cold start: ${figure} more than bare node (within 60 ms)`,
      moreThanBareMs(results.coldStart),
      value => value <= 60,
      'ms',
    )
  if (results.memory)
    judge(
      figure => `resident memory: ${figure} (under 80 MB)`,
      results.memory.residentMb,
      value => value < 80,
      'MB',
    )
  for (const { inFlight, times } of results.squid ?? []) {
    const most = inFlight === 1 ? 1.6 : 1
    judge(
      figure =>
        `p50 of a question of Squid, ${inFlight} in flight: ${figure} the C helper (at most ${most} ×)`,
      helperRatio(times),
      value => value <= most,
      '×',
    )
  }
  const icp = results.icp?.[0]
  if (icp) {
    judge(
      figure => `ICP queries lost: ${figure} of ${icp.queries} (none)`,
      icp.lost,
      value => value === 0,
      'queries',
    )
    judge(
      figure =>
        `longest ICP answer while the table changes: ${figure} (under 50 ms)`,
      sortedOf(icp.tookMs).at(-1),
      value => value < 50,
      'ms',
    )
  }
  return found
}

/** Every section that was measured, then the targets. */
export function report(results: Results): string {
  const sections = [
    results.lookups && lookupSection(results.lookups),
    results.requests && requestSection(results.requests),
    results.sentinel && sentinelSection(results.sentinel),
    results.coldStart && coldStartSection(results.coldStart),
    results.memory && memorySection(results.memory),
    results.squid && squidSection(results.squid),
    results.icp && icpSection(results.icp),
    `### Targets\n\n${targets(results)
      .map(({ title, verdict }) => `- **${verdict}**: ${title}`)
      .join('\n')}`,
  ]
  return `${sections.filter(text => text !== undefined).join('\n\n')}\n`
}

function lookupSection(lookups: NonNullable<Results['lookups']>): string {
  const { times, cMap, lookupsPerRound } = lookups
  const rows = times.map(one => {
    const { perSecond, p50Us, p99Us, p999Us } = medianOfRounds(one.rounds)
    const compared = (key: keyof RoundTrips): string =>
      cMap === undefined ? '' : `${round(ratio(one, cMap, key))} ×`
    return [
      one.program.name,
      perSecond.toFixed(0),
      ...[p50Us, p99Us, p999Us].map(round),
      compared('p50Us'),
      compared('p999Us'),
      String(one.changes),
    ]
  })
  const rounds = times[0]?.rounds.length ?? 0
  return `### Lookups through pipes

${table(['program', 'lookups/s', 'p50 µs', 'p99 µs', 'p99.9 µs', 'p50 to C', 'p99.9 to C', 'changes'], rows)}

One asker, answers read byte by byte, the table flipping 20 times a second (changes: answers that differed from the one before); medians of ${rounds} alternating rounds of ${lookupsPerRound} lookups each.`
}

function requestSection(rates: readonly RequestRates[]): string {
  const none = rates[0]?.perSecond ?? []
  const rows = rates.map(({ site, perSecond, failed }) => [
    site.name,
    median(perSecond).toFixed(0),
    `${round(medianRatio(perSecond, none))} ×`,
    String(failed),
  ])
  return `### Requests through httpd

${table(['httpd with', 'requests/s', 'to no map', 'failed'], rows)}

A tiny static file, 32 kept-alive connections; medians of ${none.length} alternating rounds.`
}

function stickyRatio(rates: readonly RequestRates[]): number | undefined {
  const sticky = rates.find(({ site }) => site.name === stickyName)
  return sticky && medianRatio(sticky.perSecond, rates[0]?.perSecond ?? [])
}

function sentinelSection(programs: NonNullable<Results['sentinel']>): string {
  const rows = programs.map(({ name, tookMs }) => {
    const sorted = sortedOf(tookMs)
    return [
      name,
      String(sorted.length),
      ...[0.5, 0.99, 1].map(share => round(percentile(sorted, share))),
    ]
  })
  return `### From a sentinel's change to the first changed answer

${table(['program', 'changes', 'p50 ms', 'p99 ms', 'longest ms'], rows)}`
}

function coldStartSection(coldStart: ColdStart): string {
  const { mapMs, bareNodeMs } = coldStart
  return `### From a cold start to the first answer

${table(
  ['starts', 'first answer ms', '`node -e 0` ms', 'difference ms'],
  [
    [
      String(mapMs.length),
      ...[median(mapMs), median(bareNodeMs), moreThanBareMs(coldStart)].map(
        round,
      ),
    ],
  ],
)}`
}

function memorySection({ lookups, residentMb, peakMb }: Memory): string {
  return `### Resident memory of the map

${table(
  ['lookups', 'resident MB', 'peak MB'],
  [[String(lookups), residentMb.toFixed(1), peakMb.toFixed(1)]],
)}`
}

function squidSection(sections: readonly SquidTimes[]): string {
  const rows = sections.flatMap(({ inFlight, times }) => {
    const [, cHelper] = times
    return times.map(one => {
      const { perSecond, p50Us, p99Us } = medianOfRounds(one.rounds)
      return [
        one.program.name,
        String(inFlight),
        (perSecond * inFlight).toFixed(0),
        ...[p50Us, p99Us].map(round),
        cHelper === undefined ? '' : `${round(ratio(one, cHelper, 'p50Us'))} ×`,
        String(one.changes),
      ]
    })
  })
  return `### Squid's helper

${table(['program', 'in flight', 'questions/s', 'p50 µs', 'p99 µs', 'p50 to C', 'changes'], rows)}

One socket, as Squid has it; the table flips 20 times a second; medians of ${sections[0]?.times[0]?.rounds.length ?? 0} alternating rounds.`
}

function icpSection(times: readonly IcpTimes[]): string {
  const rows = times.map(({ name, queries, lost, changes, tookMs }) => {
    const sorted = sortedOf(tookMs)
    return [
      name,
      ...[queries, lost, changes].map(String),
      ...[0.5, 0.99, 1].map(share => round(percentile(sorted, share))),
    ]
  })
  return `### ICP answers while the table changes

${table(['program', 'queries', 'lost', 'changes', 'p50 ms', 'p99 ms', 'longest ms'], rows)}`
}

function helperRatio([helper, cHelper]: readonly LookupTimes[]):
  number | undefined {
  return helper && cHelper && ratio(helper, cHelper, 'p50Us')
}

function ratioToC(
  { times, cMap }: NonNullable<Results['lookups']>,
  key: keyof RoundTrips,
): number | undefined {
  const thisMap = times[0]
  return thisMap && cMap && ratio(thisMap, cMap, key)
}

function ratio(
  one: LookupTimes,
  reference: LookupTimes,
  key: keyof RoundTrips,
): number {
  return medianRatio(
    one.rounds.map(times => times[key]),
    reference.rounds.map(times => times[key]),
  )
}

function moreThanBareMs({ mapMs, bareNodeMs }: ColdStart): number {
  return median(mapMs.map((ms, i) => ms - (bareNodeMs[i] ?? Number.NaN)))
}

function sortedOf(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b)
}

export function round(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1)
}

export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  return [
    line(head),
    line(head.map((_cell, i) => (i === 0 ? '---' : '---:'))),
    ...rows.map(line),
  ].join('\n')
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
