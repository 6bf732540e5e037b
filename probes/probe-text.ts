// The full report of one probe, for `zope-failover probe`. Pure.
import {
  addressOf,
  originOf,
  type Backend,
  type ProbeSettings,
} from '../config/config.ts'
import type { DeepOutcome } from '../health/deep.ts'
import { wantedText } from './answer.ts'
import type { Stage } from './failure.ts'
import type { HeartbeatEvent } from '../health/heartbeat.ts'
import { describe, judge, type Outcome } from '../health/outcome.ts'
import type { ProbeAnswer } from './probe.ts'

const stageTexts: Record<Stage, string> = {
  lookup: 'resolving the host name',
  connect: 'connecting',
  tls: 'TLS handshake',
  answer: 'waiting for the response header',
  body: 'reading the body',
}
const maxBodyShown = 300

type Conclusion = 'ok' | 'warning' | 'critical' | 'unknown'

/** The probes in addition to the light probe. */
export type ExtraProbes = {
  /** undefined = off, or this machine could not send it */
  readonly heartbeat: HeartbeatEvent | undefined
  /** null = none is configured */
  readonly deep: { readonly path: string; readonly outcome: DeepOutcome } | null
}

const noExtraProbes: ExtraProbes = { heartbeat: undefined, deep: null }

/**
 * As monitoring plugins rate it: late is a warning, and so is a Zope whose heartbeat
 * is alive while no worker answers (busy); one without its database is critical.
 */
export function conclude(
  outcome: Outcome,
  ms: number,
  { slowMs, light }: Pick<ProbeSettings, 'slowMs' | 'light'>,
  { heartbeat, deep }: ExtraProbes = noExtraProbes,
): Conclusion {
  switch (judge(outcome)) {
    case 'pass':
      return deep?.outcome.kind === 'gone' || deep?.outcome.kind === 'silent'
        ? 'critical'
        : ms > slowMs
          ? 'warning'
          : 'ok'
    case 'fail':
      return outcome.kind === 'first-byte-timeout' &&
        light.kind === 'http' &&
        (heartbeat?.kind === 'beat' || heartbeat?.kind === 'learned')
        ? 'warning'
        : 'critical'
    case 'none':
      return 'unknown'
  }
}

/** The conclusion in the first line, as monitoring systems show it. */
export function probeText(
  backend: Backend,
  probed: ProbeAnswer,
  extra: ExtraProbes = noExtraProbes,
): string {
  const { outcome, ms, stages } = probed
  const { slowMs } = backend.probe
  const conclusion = conclude(outcome, ms, backend.probe, extra)
  const late =
    judge(outcome) === 'pass' && ms > slowMs
      ? `, later than slow (${slowMs} ms)`
      : ''
  const begun = [...stages]
  return [
    `${conclusion.toUpperCase()}: ${backend.name} ${outcome.kind} after ${ms.toFixed(1)} ms${late}: ${describe(outcome)}`,
    '',
    `probe    ${askedText(backend)}`,
    `limits   ${limitsText(backend.probe)}`,
    ...(probed.lookupError === null
      ? []
      : [
          `lookup   failed (${probed.lookupError}), an earlier address was used`,
        ]),
    '',
    ...begun.map(([stage, beganMs], index) =>
      stageLine(stageTexts[stage], (begun[index + 1]?.[1] ?? ms) - beganMs),
    ),
    stageLine('total', ms),
    ...extraText(extra),
    ...sent(backend, probed),
    ...received(backend, probed),
    '',
  ].join('\n')
}

function askedText(backend: Backend): string {
  const { light, method, path } = backend.probe
  switch (light.kind) {
    case 'http':
      return `${method} ${originOf(backend)}${path}`
    case 'tcp':
      return `a connection to ${addressOf(backend)}${backend.tls ? ' with TLS' : ''}`
    case 'ask':
      return `the line ${JSON.stringify(light.send)} to ${addressOf({ ...backend, port: light.port })}, a line of the answer must match ${wantedText(light.expect)}`
    case 'command':
      return light.command
        .map(word =>
          /^[\w./:=@%+-]+$/.test(word) ? word : JSON.stringify(word),
        )
        .join(' ')
  }
}

/** The limits of this kind of probe. */
function limitsText(settings: ProbeSettings): string {
  const { kind } = settings.light
  const connecting = `connect ${settings.connectTimeoutMs} ms`
  return [
    `slow ${settings.slowMs} ms`,
    ...(kind === 'command' ? [] : [connecting]),
    ...(kind === 'http' || kind === 'ask'
      ? [`first byte ${settings.firstByteTimeoutMs} ms`]
      : []),
    `whole ${settings.timeoutMs} ms`,
  ].join(', ')
}

function extraText({ heartbeat, deep }: ExtraProbes): string[] {
  return [
    ...(heartbeat === undefined
      ? []
      : ['', `heartbeat  ${heartbeatText(heartbeat)}`]),
    ...(deep === null
      ? []
      : ['', `deep       GET ${deep.path}: ${deepText(deep.outcome)}`]),
  ]
}

function heartbeatText(heartbeat: HeartbeatEvent): string {
  switch (heartbeat.kind) {
    case 'beat':
    case 'learned':
      return `100 Continue after ${heartbeat.ms.toFixed(1)} ms, without waiting for a worker`
    case 'silent':
      return `none within ${Math.round(heartbeat.silentForMs)} ms`
    case 'broken':
      return `failed (${heartbeat.why})`
    case 'heartless':
      return 'not supported: this server runs it as a request, so response time alone counts'
    case 'unclear':
      return 'could not be determined now'
  }
}

function deepText(outcome: DeepOutcome): string {
  switch (outcome.kind) {
    case 'fresh': {
      const took = `its database answered after ${outcome.ms.toFixed(1)} ms`
      const { own, server } = outcome
      return own === null
        ? took
        : `${took}; last transaction ${own.id}, of its server ${server?.id ?? 'unknown'}`
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

function sent(
  { probe: { light } }: Backend,
  { request, stages }: ProbeAnswer,
): string[] {
  if (light.kind === 'tcp' || light.kind === 'command') return []
  if (light.kind === 'ask' && stages.has('answer'))
    return ['', `> ${printable(light.send)}`]
  if (request === null || !stages.has('answer')) return ['', 'nothing was sent']
  const headers = Object.entries(request.getHeaders()).map(
    ([name, value]) => `> ${name}: ${String(value)}`,
  )
  return ['', `> ${request.method} ${request.path} HTTP/1.1`, ...headers]
}

function received(
  { probe: { light } }: Backend,
  { response, body }: ProbeAnswer,
): string[] {
  if (light.kind === 'tcp') return []
  if (light.kind === 'http' ? response === null : body.length === 0)
    return ['', light.kind === 'command' ? 'it printed nothing' : 'no answer']
  const lines = [
    ...headLines(response),
    ...body.toString('utf8', 0, maxBodyShown).trimEnd().split(/\r?\n/),
  ]
  const rest = body.length - maxBodyShown
  return [
    '',
    ...lines.map(line => `< ${printable(line)}`.trimEnd()),
    ...(rest > 0 ? [`(${rest} more bytes)`] : []),
  ]
}

function headLines(response: ProbeAnswer['response']): string[] {
  if (response === null) return []
  const raw = response.rawHeaders
  return [
    `HTTP/${response.httpVersion} ${response.statusCode} ${response.statusMessage}`,
    ...raw.flatMap((name, index) =>
      index % 2 === 0 ? [`${name}: ${raw[index + 1] ?? ''}`] : [],
    ),
    '',
  ]
}

/** Bytes from a backend must not control the terminal. */
function printable(line: string): string {
  return line.replaceAll(/[\p{Cc}\p{Cf}]/gu, '\u{fffd}')
}
