import t from 'tap'
import type { ProbeRecord } from '../../../sentinels/reports.ts'
import { sparklineOf, stateStrip, stripOf } from '../../../page/history.ts'

function probes(...ended: [outcome: string, ms: number][]): ProbeRecord[] {
  return ended.map(([outcome, ms]) => ({ at: '', outcome, ms }))
}

void t.test('a strip: each kind of outcome has its own shape', t => {
  const strip = stripOf(
    probes(['pass', 1], ['pass', 1], ['refused', 1], ['local', 1], ['pass', 1]),
  ).html
  t.match(strip, 'viewBox="0 0 48 16"', 'newest at the right')
  t.match(strip, '<path class="p" d="M33 13h6M45 13h3"></path>')
  t.match(strip, '<path class="f" d="M39 8h3"></path>')
  t.match(strip, '<path class="n" d="M42 13h3"></path>')
  t.match(strip, 'aria-label="1 of the last 5 probes failed, newest: pass"')
  const calm = stripOf(
    Array.from({ length: 64 }, () => probes(['pass', 1])).flat(),
  ).html
  t.match(calm, '<path class="p" d="M0 13h192"></path>')
  t.notMatch(calm, 'class="f"')
  t.match(stripOf([]).html, 'none yet')
  t.notMatch(stripOf(probes(['"><b>', 1])).html, '<b>')
  t.end()
})

void t.test('a line of response times, of passed probes only', t => {
  const line = sparklineOf(
    probes(['pass', 10], ['pass', 40], ['timeout', 5_000], ['pass', 20]),
  ).html
  t.match(line, 'd="M37 13h0L40 2M46 10h0"')
  t.match(line, 'class="area" d="M37 18V13L40 2V18zM46 18V10V18z"')
  t.match(line, 'slowest 40 ms')
  t.match(line, '>20 ms<')
  t.end()
})

void t.test('noise is not drawn, invalid times are ignored', t => {
  t.match(sparklineOf(probes(['pass', 1])).html, 'd="M46 16h0"')
  t.match(sparklineOf(probes(['pass', 1])).html, '>1.0 ms<')
  for (const ms of [NaN, -1, Infinity])
    t.match(sparklineOf(probes(['pass', ms])).html, '>-<', String(ms))
  t.match(sparklineOf(probes(['refused', 1])).html, '>-<')
  t.end()
})

void t.test('an hour of states: the worse, the higher', t => {
  const strip = stateStrip([
    undefined,
    'up',
    'up',
    'slow',
    'down',
    'warming',
    'unknown',
    'up',
  ]).html
  t.match(strip, 'viewBox="0 0 24 16"')
  for (const path of [
    '<path class="gap" d="M0 15h3">',
    '<path class="p" d="M3 12h6M21 12h3">',
    '<path class="w" d="M9 10h3M15 10h3">',
    '<path class="f" d="M12 8h3">',
    '<path class="n" d="M18 15h3">',
  ])
    t.match(strip, path)
  t.match(
    strip,
    'aria-label="last hour: up 3 min, slow 1 min, down 1 min, warming 1 min, unknown 1 min"',
  )
  t.match(stateStrip([undefined]).html, 'aria-label="nothing known yet"')
  t.notMatch(stateStrip(['"><b>']).html, '<b>')
  t.end()
})
