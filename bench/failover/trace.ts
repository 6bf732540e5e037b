// The timeline of one product and one fault. Pure.
import { failuresOf, type Sample } from '../../lab/load.ts'
import { jsonLines } from '../../lab/processes.ts'
import { isBad, type Span, type Visits } from './impact.ts'

export type TraceEvent = { readonly atMs: number; readonly text: string }

/**
 * @param done what was done to the Zopes and the product, on the clock of
 *   `span`
 * @param log of the product since its start
 * @param epochMs add it to that clock to get the time of day
 */
export function traceOf(
  title: string,
  span: Span,
  visits: Visits,
  done: readonly TraceEvent[],
  log: string,
  epochMs: number,
): string {
  const failedKept = failuresOf(visits.kept)
  const events = [
    ...done,
    ...groups(visits.fresh.filter(isBad), 'new'),
    ...groups(failedKept, 'kept-alive'),
    ...switches(visits.fresh),
    ...verdicts(log, epochMs),
  ].toSorted((one, other) => one.atMs - other.atMs)
  const lines = events
    .filter(({ atMs }) => atMs >= span.beginMs)
    .map(({ atMs, text }) => `${offset(atMs - span.faultMs)}  ${text}`)
  return `${title}\n${lines.join('\n')}\n${plain(log, span, epochMs)}\n`
}

function offset(ms: number): string {
  const text = (Math.abs(ms) / 1_000).toFixed(2)
  return `${ms < 0 ? '-' : '+'}${text}`.padStart(7)
}

/** How a request ended, in two words. */
function endOf({ status, error }: Sample): string {
  if (status === 200) return 'late'
  return error ?? `status ${status}`
}

/** One line for requests with the same end that began within 200 ms. */
function groups(samples: readonly Sample[], who: string): TraceEvent[] {
  const lots: Sample[][] = []
  for (const sample of samples.toSorted((a, b) => a.startMs - b.startMs)) {
    const lot = lots.findLast(
      ([first]) => first && endOf(first) === endOf(sample),
    )
    const last = lot?.at(-1)
    if (lot && last && sample.startMs - last.startMs <= 200) lot.push(sample)
    else lots.push([sample])
  }
  return lots.flatMap(lot => {
    const [first] = lot
    if (first === undefined) return []
    const slowest = lot.reduce((slow, one) =>
      one.endMs - one.startMs > slow.endMs - slow.startMs ? one : slow,
    )
    const lastMs = (lot.at(-1) ?? first).startMs - first.startMs
    return [
      {
        atMs: first.startMs,
        text: `${lot.length} ${who} begun in ${(lastMs / 1_000).toFixed(2)} s: ${endOf(slowest)}, answered after ${((slowest.endMs - slowest.startMs) / 1_000).toFixed(2)} s at most`,
      },
    ]
  })
}

/** The backend of new visitors, at each change. */
function switches(fresh: readonly Sample[]): TraceEvent[] {
  const good = fresh
    .filter(({ status }) => status === 200)
    .toSorted((a, b) => a.startMs - b.startMs)
  return good.flatMap(({ startMs, backend }, i) =>
    backend === good[i - 1]?.backend
      ? []
      : [{ atMs: startMs, text: `new visitors get ${backend}` }],
  )
}

/** Changes of state in the monitor's log. */
function verdicts(log: string, epochMs: number): TraceEvent[] {
  return jsonLines(log)
    .filter(line => line['state'] !== undefined)
    .map(line => ({
      atMs: Date.parse(String(line['time'])) - epochMs,
      text: `monitor: ${String(line['backend'])} ${String(line['state'])}, was ${String(line['was'])}: ${String(line['reason'] ?? line['msg'])}`,
    }))
}

/** The logs of others, unchanged. */
function plain(log: string, span: Span, epochMs: number): string {
  const lines = log.split('\n').filter(line => !/^(?:\{.*|)$/.test(line))
  if (lines.length === 0) return ''
  const began = new Date(span.faultMs + epochMs).toISOString()
  return `Its log (the fault began at ${began}):\n${lines.slice(-40).join('\n')}`
}
