// Whether an answer passes: its status, then its body. Pure.
import type { BodyRule, ProbeSettings } from '../../config/config.ts'
import type { Outcome } from '../judgement/outcome.ts'

/** The outcome of a status that does not pass; undefined = look at the body. */
export function statusOutcome(
  status: number,
  settings: Pick<ProbeSettings, 'status'>,
): Outcome | undefined {
  const isAllowed = settings.status.some(
    ([from, to]) => status >= from && status <= to,
  )
  return isAllowed
    ? undefined
    : { kind: 'status', status, allowed: settings.status }
}

/** The outcome of an answer whose status passes, by the body that came. */
export function bodyOutcome(
  status: number,
  body: Buffer,
  settings: Pick<ProbeSettings, 'body'>,
): Outcome {
  const rule = settings.body
  const bytes = body.length
  return rule === null || holds(rule, body.toString('utf8'))
    ? { kind: 'pass', status, bytes }
    : { kind: 'content', wanted: wantedText(rule), bytes }
}

function holds(rule: BodyRule, text: string): boolean {
  switch (rule.kind) {
    case 'text':
      return text.includes(rule.text)
    case 'pattern':
      return new RegExp(rule.pattern).test(text)
  }
}

function wantedText(rule: BodyRule): string {
  switch (rule.kind) {
    case 'text':
      return JSON.stringify(rule.text)
    case 'pattern':
      return `/${rule.pattern}/`
  }
}
