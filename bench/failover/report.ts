// The figures as Markdown for README and docs/benchmarks.md. Pure.
import { table } from '../report.ts'
import { median } from '../statistics.ts'
import type { Impact } from './impact.ts'

export const faultKinds = [
  'none',
  'killed',
  'frozen-5s',
  'frozen-20s',
  'stopped',
  'busy',
  'reloads',
  'flapping',
  'both-dead',
] as const
export type FaultKind = (typeof faultKinds)[number]

const faultTitles: Readonly<Record<FaultKind, string>> = {
  none: 'no fault',
  killed: 'killed',
  'frozen-5s': 'frozen 5 s',
  'frozen-20s': 'frozen 20 s',
  stopped: 'planned stop',
  busy: 'all workers busy 6 s',
  reloads: 'six reloads in 10 s',
  flapping: 'flapping',
  'both-dead': 'both dead 3 s',
}

/** One fault, one product, one round. */
export type FailoverFigures = {
  readonly kind: FaultKind
  /** title of the product */
  readonly product: string
  readonly impact: Impact
}

export function report(measured: readonly FailoverFigures[]): string {
  const products = [...new Set(measured.map(({ product }) => product))]
  const kinds = faultKinds.filter(kind =>
    measured.some(one => one.kind === kind),
  )
  const of = (kind: FaultKind, product: string): Impact[] =>
    measured
      .filter(one => one.kind === kind && one.product === product)
      .map(({ impact }) => impact)
  const rounds = Math.max(
    ...kinds.map(kind => of(kind, products[0] ?? '').length),
  )
  const tableOf = (cell: (impacts: readonly Impact[]) => string): string =>
    table(
      ['fault', ...products],
      kinds.map(kind => [
        faultTitles[kind],
        ...products.map(product => cell(of(kind, product))),
      ]),
    )
  const plural = rounds === 1 ? 'one round' : `${rounds} rounds`
  const requests = median(measured.map(({ impact }) => impact.requests))
  const many = rounds === 1 ? '' : ' Failed: the worst round; seconds: medians.'
  return `### Failed requests / seconds in which new visitors were badly served

${tableOf(failedAndBad)}

${plural[0]?.toUpperCase()}${plural.slice(1)}, about ${requests.toFixed(0)} requests in each cell. Badly served: failed, or waited over a second.${many}

### Longest gap / first good answer after the return

${tableOf(gapAndFirst)}

Seconds. Longest gap: without a good answer to any new visitor.${turnedAway(measured)}
`
}

/** Failed requests, the worst round / seconds badly served, the median. */
export function failedAndBad(impacts: readonly Impact[]): string {
  const failed = impacts.map(one => one.failedKept + one.failedFresh)
  const badMs = impacts.map(one => one.badMs)
  return impacts.length === 0
    ? ''
    : `${Math.max(...failed)} / ${seconds(median(badMs))}`
}

export function gapAndFirst(impacts: readonly Impact[]): string {
  if (impacts.length === 0) return ''
  const firstMs = impacts.flatMap(one => one.firstGoodMs ?? [])
  const first =
    firstMs.length < impacts.length ? 'none' : seconds(median(firstMs))
  return `${seconds(median(impacts.map(one => one.gapMs)))} / ${first}`
}

/** How many requests get a proper error page while no Zope is alive. */
function turnedAway(measured: readonly FailoverFigures[]): string {
  const products = [...new Set(measured.map(({ product }) => product))]
  const shares = products.flatMap(product => {
    const impacts = measured
      .filter(one => one.kind === 'both-dead' && one.product === product)
      .map(({ impact }) => impact)
    const sum = (of: (impact: Impact) => number): number =>
      impacts.reduce((total, impact) => total + of(impact), 0)
    const failed = sum(one => one.failedKept + one.failedFresh)
    return failed === 0
      ? []
      : [`${product} ${sum(one => one.turnedAway)} of ${failed}`]
  })
  return shares.length === 0
    ? ''
    : ` Both dead, failed requests that got a 503 with \`Retry-After\`: ${shares.join(', ')}.`
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2)
}
