// One probe told in full, for a person who wants to know why. Pure.
import type { Backend } from '../config/config.ts'
import { originOf } from '../config/config.ts'
import type { Stage } from './failure.ts'
import { describe, judge } from './outcome.ts'
import type { Outcome } from './outcome.ts'
import type { Probed } from './probe.ts'

const stageTexts: Record<Stage, string> = {
  lookup: 'looking up the host name',
  connect: 'connecting',
  tls: 'TLS handshake',
  answer: 'waiting for the head of the answer',
  body: 'reading the body',
}
const maxBodyShown = 300

export type Conclusion = 'ok' | 'warning' | 'critical' | 'unknown'

/** As monitoring plugins sort it: late is a warning. */
export function conclude(
  outcome: Outcome,
  ms: number,
  slowMs: number,
): Conclusion {
  switch (judge(outcome)) {
    case 'pass':
      return ms > slowMs ? 'warning' : 'ok'
    case 'fail':
      return 'critical'
    case 'none':
      return 'unknown'
  }
}

/** The conclusion in the first line, as monitoring systems show it. */
export function probeText(backend: Backend, probed: Probed): string {
  const { outcome, ms, stages } = probed
  const { slowMs, timeoutMs } = backend.probe
  const conclusion = conclude(outcome, ms, slowMs)
  const late =
    conclusion === 'warning' ? `, later than slow (${slowMs} ms)` : ''
  const begun = [...stages]
  return [
    `${conclusion.toUpperCase()}: ${backend.name} ${outcome.kind} after ${ms.toFixed(1)} ms${late}: ${describe(outcome)}`,
    '',
    `probe    ${backend.probe.method} ${originOf(backend)}${backend.probe.path}`,
    `limits   slow ${slowMs} ms, connect ${backend.probe.connectTimeoutMs} ms, first byte ${backend.probe.firstByteTimeoutMs} ms, whole ${timeoutMs} ms`,
    ...(probed.lookupError === null
      ? []
      : [`look-up  failed (${probed.lookupError}), a former address was used`]),
    '',
    ...begun.map(([stage, beganMs], index) =>
      stageLine(stageTexts[stage], (begun[index + 1]?.[1] ?? ms) - beganMs),
    ),
    stageLine('in all', ms),
    ...sent(probed),
    ...received(probed),
    '',
  ].join('\n')
}

function stageLine(text: string, tookMs: number): string {
  return `${tookMs.toFixed(1).padStart(8)} ms  ${text}`
}

function sent({ request, stages }: Probed): string[] {
  if (request === null || !stages.has('answer')) return ['', 'nothing was sent']
  const headers = Object.entries(request.getHeaders()).map(
    ([name, value]) => `> ${name}: ${String(value)}`,
  )
  return ['', `> ${request.method} ${request.path} HTTP/1.1`, ...headers]
}

function received({ response, body }: Probed): string[] {
  if (response === null) return ['', 'no answer']
  const raw = response.rawHeaders
  const lines = [
    `HTTP/${response.httpVersion} ${response.statusCode} ${response.statusMessage}`,
    ...raw.flatMap((name, index) =>
      index % 2 === 0 ? [`${name}: ${raw[index + 1] ?? ''}`] : [],
    ),
    '',
    ...body.toString('utf8', 0, maxBodyShown).split(/\r?\n/),
  ]
  const rest = body.length - maxBodyShown
  return [
    '',
    ...lines.map(line => `< ${printable(line)}`.trimEnd()),
    ...(rest > 0 ? [`(${rest} more bytes)`] : []),
  ]
}

/** A backend's bytes must not steer the terminal. */
function printable(line: string): string {
  return line.replaceAll(/[\p{Cc}\p{Cf}]/gu, '\u{fffd}')
}
