// The last probes of a backend as two small pictures with the same time axis:
// a strip of outcomes, a line of response times. Pure.
import type { ProbeRecord } from '../sentinels/reports.ts'
import { html, nothing } from './html.ts'
import type { Html } from './html.ts'
import { probeSign } from '../status/report.ts'

/** Width of one probe in the units of the pictures. */
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
    ${strokes.map(({ sign, name, y }) => {
      const path = [...signs.matchAll(new RegExp(`\\${sign}+`, 'g'))]
        .map(run => `M${start + run.index * slot} ${y}h${run[0].length * slot}`)
        .join('')
      return path === ''
        ? nothing
        : html`<path class="${name}" d="${path}"></path>`
    })}
  </svg>`
}

/** Response times of the probes that passed, and the newest in words. */
export function sparklineOf(probes: readonly ProbeRecord[]): Html {
  const times = probes.map(probe => passedMs(probe))
  const known = times.filter(ms => ms !== undefined)
  const newest = known.at(-1)
  if (newest === undefined) return html`<span class="dim">-</span>`
  const most = Math.max(...known)
  const scale = Math.max(leastScaleMs, most)
  const { width, start } = sizeOf(probes.length)
  let path = ''
  for (const [index, ms] of times.entries()) {
    if (ms === undefined) continue
    const x = start + index * slot + 1
    const y = Math.round(17 - (15 * ms) / scale)
    // h0: a single point becomes a dot
    path += times[index - 1] === undefined ? `M${x} ${y}h0` : `L${x} ${y}`
  }
  return html`<svg
      class="spark"
      role="img"
      viewBox="0 0 ${width} 18"
      preserveAspectRatio="none"
      aria-label="response times, slowest ${milliseconds(most)}"
    >
      <path d="${path}"></path></svg
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
