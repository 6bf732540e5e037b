// Parses an action sent to the status port, after its token was verified. Pure.
import { sentinelNames, type Config } from '../config/config.ts'
import { suggestion, unknownNameMessage } from '../text/suggest.ts'
import { describeValue } from '../text/describe.ts'
import {
  isReason,
  meanings,
  parseTerm,
  reasonRule,
  termRule,
  type Action,
} from '../operate/action.ts'

export type ActionRequest = {
  readonly kind: 'order'
  readonly backend: string
  readonly action: Action
  readonly reason: string | null
  /** ms; null = no end */
  readonly termMs: number | null
}

/** The answer, as plain text. */
export type Refusal = {
  readonly kind: 'refused'
  readonly status: number
  readonly text: string
}

export type ActionForm = {
  /** as written in the path */
  readonly backend: string
  readonly action: string
  /** the Content-Type header */
  readonly type: string | undefined
  readonly body: string
}

const actions = Object.keys(meanings)

function isAction(word: string): word is Action {
  return actions.includes(word)
}

/** The action, or the first problem with it. */
export function parseActionRequest(
  config: Config,
  sent: ActionForm,
): ActionRequest | Refusal {
  const { backend, action, type, body } = sent
  const known = sentinelNames(config)
  const unknown = unknownNameMessage('backend', backend, known)
  if (unknown !== undefined) return refused(404, unknown)
  if (!isAction(action))
    return refused(
      404,
      `the action must be one of ${actions.join(', ')}, got ${describeValue(action)}${suggestion(action, actions)}`,
    )
  const order = { kind: 'order' as const, backend, action }
  if (body.trim() === '') return { ...order, reason: null, termMs: null }
  // an HTML form on another site cannot send this type
  if (!/^application\/json\s*(;|$)/i.test(type ?? ''))
    return refused(
      415,
      `the body must be application/json, got ${describeValue(type)}`,
    )
  const texts = textsOf(body)
  if (texts === undefined)
    return refused(
      400,
      'the body must be empty, or a JSON object with the strings "reason" and "for" (both optional)',
    )
  const { reason = '', for: term = '' } = texts
  if (action === 'ready' && `${reason}${term}` !== '')
    return refused(400, 'ready takes neither reason nor for')
  if (!isReason(reason)) return refused(400, `reason ${reasonRule}`)
  const termMs = term === '' ? null : parseTerm(term)
  return termMs === undefined
    ? refused(400, `for ${termRule}, got ${describeValue(term)}`)
    : { ...order, reason: reason === '' ? null : reason, termMs }
}

const keys = ['reason', 'for']

/** Undefined for anything but an object with the known keys and string values. */
function textsOf(body: string): { reason?: string; for?: string } | undefined {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    // the only possible error: it is not JSON
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return undefined
  return Object.entries(value).every(
    ([key, text]) => keys.includes(key) && typeof text === 'string',
  )
    ? value
    : undefined
}

export function refused(status: number, text: string): Refusal {
  return { kind: 'refused', status, text }
}
