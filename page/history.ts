// The past of a backend as small charts: its states during the last hour, its last
// probes, and their response times on the same time axis. Pure.
import type { ProbeRecord } from '../sentinels/reports.ts'
import { toneOf, type Tone } from './events.ts'
import { html, nothing, type Html } from './html.ts'
import type { Minutes } from './state-history.ts'
import { probeSign } from '../status/report.ts'

/** Width of one probe, or of one minute, in the units of the pictures. */
const slot = 3
/** Fewer probes than this do not fill the picture. */
const leastSlots = 16
/** Response times below this look flat, ms: noise does not matter. */
const leastScaleMs = 20

/** Low bar = passed, full bar = failed, dash = no result: not by color alone. */
const strokes = [
  { sign: '+', name: 'p', y: 13 },
  { sign: '-', name: 'f', y: 8 },
  { sign: '?', name: 'n', y: 13 },
] as const

/** The higher, the worse: not by color alone. */
const levels = [
  { sign: ' ', name: 'gap', y: 15 },
  { sign: 'n', name: 'n', y: 15 },
  { sign: 'g', name: 'p', y: 12 },
  { sign: 'w', name: 'w', y: 10 },
  { sign: 'b', name: 'f', y: 8 },
] as const

/** The worst state of each minute, newest on the right. */
export function stateStrip(minutes: Minutes): Html {
  const known = minutes.filter(state => state !== undefined)
  const signs = minutes.map(state => toneSign(state)).join('')
  return html`<svg
    class="states"
    role="img"
    viewBox="0 0 ${minutes.length * slot} 16"
    preserveAspectRatio="none"
    aria-label="${known.length === 0 ? 'nothing known yet' : `last hour: ${totals(known)}`}"
  >
    ${levels.map(({ sign, name, y }) => runsOf(signs, sign, name, y, 0))}
  </svg>`
}

function toneSign(state: string | undefined): string {
  if (state === undefined) return ' '
  const tone: Tone = toneOf(state)
  return tone.charAt(0)
}

/** `up 50 min, down 10 min`: in order of first appearance. */
function totals(states: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1)
  return [...counts].map(([state, count]) => `${state} ${count} min`).join(', ')
}

/** The outcomes of the last probes, newest on the right. */
export function stripOf(probes: readonly ProbeRecord[]): Html {
  if (probes.length === 0) return html`<span class="dim">none yet</span>`
  const signs = probes.map(({ outcome }) => probeSign(outcome)).join('')
  const { width, start } = sizeOf(probes.length)
  const failed = signs.split('-').length - 1
  const newest = String(probes.at(-1)?.outcome)
  return html`<svg
    class="strip"
    role="img"
    viewBox="0 0 ${width} 16"
    preserveAspectRatio="none"
    aria-label="${failed} of the last ${probes.length} probes failed, newest: ${newest}"
  >
    ${strokes.map(({ sign, name, y }) => runsOf(signs, sign, name, y, start))}
  </svg>`
}

/** All runs of one sign as one path; the style cuts each run into bars. */
function runsOf(
  signs: string,
  sign: string,
  name: string,
  y: number,
  start: number,
): Html {
  const path = [...signs.matchAll(new RegExp(`[${sign}]+`, 'g'))]
    .map(run => `M${start + run.index * slot} ${y}h${run[0].length * slot}`)
    .join('')
  return path === '' ? nothing : html`<path class="${name}" d="${path}"></path>`
}

/** Response times of the probes that passed, and the newest in words. */
export function sparklineOf(probes: readonly ProbeRecord[]): Html {
  const times = probes.map(probe => passedMs(probe))
  const known = times.filter(ms => ms !== undefined)
  const newest = known.at(-1)
  if (newest === undefined) return html`<span class="ms dim">-</span>`
  const most = Math.max(...known)
  const scale = Math.max(leastScaleMs, most)
  const { width, start } = sizeOf(probes.length)
  let line = ''
  let area = ''
  for (const [index, ms] of times.entries()) {
    if (ms === undefined) continue
    const x = start + index * slot + 1
    const y = Math.round(17 - (15 * ms) / scale)
    // h0: a single point becomes a dot
    line += times[index - 1] === undefined ? `M${x} ${y}h0` : `L${x} ${y}`
    area += times[index - 1] === undefined ? `M${x} 18V${y}` : `L${x} ${y}`
    if (times[index + 1] === undefined) area += `V18z`
  }
  return html`<svg
      class="spark"
      role="img"
      viewBox="0 0 ${width} 18"
      preserveAspectRatio="none"
      aria-label="response times, slowest ${milliseconds(most)}"
    >
      <path class="area" d="${area}"></path>
      <path d="${line}"></path></svg
    ><span class="ms">${milliseconds(newest)}</span>`
}

function sizeOf(probes: number): { width: number; start: number } {
  const slots = Math.max(leastSlots, probes)
  return { width: slots * slot, start: (slots - probes) * slot }
}

/** The file may have been written by any user. */
function passedMs({ outcome, ms }: ProbeRecord): number | undefined {
  return probeSign(outcome) === '+' && Number.isFinite(ms) && ms >= 0
    ? ms
    : undefined
}

/** Three digits are enough for a person. */
function milliseconds(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`
}
