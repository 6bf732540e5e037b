// One probe told in full, for a person who wants to know why. Pure.
import type { Backend } from '../../config/config.ts'
import { originOf } from '../../config/config.ts'
import type { DeepOutcome } from '../judgement/deep.ts'
import type { Stage } from './failure.ts'
import type { HeartEvent } from '../judgement/heart.ts'
import { describe, judge } from '../judgement/outcome.ts'
import type { Outcome } from '../judgement/outcome.ts'
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

/** What was asked beside the light probe. */
export type Beside = {
  /** undefined = off, or this machine could not ask */
  readonly heart: HeartEvent | undefined
  /** null = none is configured */
  readonly deep: { readonly path: string; readonly outcome: DeepOutcome } | null
}

const nothingBeside: Beside = { heart: undefined, deep: null }

/**
 * As monitoring plugins sort it: late is a warning, and so is a Zope whose heart
 * beats while no worker answers (busy); one without its database is critical.
 */
export function conclude(
  outcome: Outcome,
  ms: number,
  slowMs: number,
  { heart, deep }: Beside = nothingBeside,
): Conclusion {
  switch (judge(outcome)) {
    case 'pass':
      return deep?.outcome.kind === 'gone' || deep?.outcome.kind === 'silent'
        ? 'critical'
        : ms > slowMs
          ? 'warning'
          : 'ok'
    case 'fail':
      return outcome.kind === 'first-byte-timeout' && heart?.kind === 'beat'
        ? 'warning'
        : 'critical'
    case 'none':
      return 'unknown'
  }
}

/** The conclusion in the first line, as monitoring systems show it. */
export function probeText(
  backend: Backend,
  probed: Probed,
  beside: Beside = nothingBeside,
): string {
  const { outcome, ms, stages } = probed
  const { slowMs, timeoutMs } = backend.probe
  const conclusion = conclude(outcome, ms, slowMs, beside)
  const late =
    judge(outcome) === 'pass' && ms > slowMs
      ? `, later than slow (${slowMs} ms)`
      : ''
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
    ...besideText(beside),
    ...sent(probed),
    ...received(probed),
    '',
  ].join('\n')
}

function besideText({ heart, deep }: Beside): string[] {
  return [
    ...(heart === undefined ? [] : ['', `heartbeat  ${heartText(heart)}`]),
    ...(deep === null
      ? []
      : ['', `deep       GET ${deep.path}: ${deepText(deep.outcome)}`]),
  ]
}

function heartText(heart: HeartEvent): string {
  switch (heart.kind) {
    case 'beat':
      return `100 Continue after ${heart.ms.toFixed(1)} ms, beside the worker queue`
    case 'silent':
      return `none within ${Math.round(heart.silentMs)} ms`
    case 'broken':
      return `failed (${heart.why})`
    case 'heartless':
      return 'this server gives none: it answered the request at once'
  }
}

function deepText(outcome: DeepOutcome): string {
  switch (outcome.kind) {
    case 'fresh': {
      const took = `its database answered after ${outcome.ms.toFixed(1)} ms`
      const { own, server } = outcome
      return own === null
        ? took
        : `${took}; last transaction ${own.id}, that of its server ${server?.id ?? 'not told'}`
    }
    case 'gone':
      return `its database does not answer: ${outcome.why}`
    case 'silent':
      return `unanswered after ${Math.round(outcome.ms)} ms`
    case 'none':
      return outcome.why
  }
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
