// Whether an answer passes: the status and body of a page, a line, the exit of a
// command. Pure.
import type { BodyRule, ProbeSettings } from '../config/config.ts'
import {
  compilePattern,
  type Pattern,
  type PatternProblem,
} from '../config/pattern.ts'
import type { CommandEnd } from '../system/run-command.ts'
import type { Outcome } from '../health/outcome.ts'

/** The outcome of a status that does not pass; undefined = check the body. */
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

/** The outcome of an answer whose status passes, by the body received. */
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

/**
 * The outcome of an answer in lines (zc.monitor); undefined = no complete line
 * passes yet.
 *
 * @param isAll nothing more will come or be read
 * @param from where the unchecked lines begin
 */
export function linesOutcome(
  answer: Buffer,
  isAll: boolean,
  rule: BodyRule,
  from = 0,
): Outcome | undefined {
  const lines = linesOf(answer.subarray(from))
  // the part after the last line end is empty or half a line
  if (!isAll || lines.at(-1) === '') lines.pop()
  const [first = ''] = linesOf(answer)
  const said = lines.find(line => holds(rule, line))
  if (said !== undefined) return { kind: 'pass', by: 'ask', said }
  return isAll
    ? {
        kind: 'content',
        wanted: wantedText(rule),
        bytes: answer.length,
        said: first,
      }
    : undefined
}

/** The outcome of a command that has exited or could not be started. */
export function commandOutcome(end: CommandEnd, limitMs: number): Outcome {
  const { code, how } = end
  const [said = ''] = end.output.split(/\r?\n/)
  switch (how) {
    case 'exited':
      return code === 0
        ? { kind: 'pass', by: 'command', said }
        : { kind: 'exit', code, said }
    case 'signal':
      return { kind: 'exit', code, said }
    case 'limit':
      return { kind: 'command-timeout', limitMs }
    // the backend was not probed
    case 'not-begun':
      return { kind: 'local', error: `the command did not begin: ${code}` }
  }
}

function linesOf(answer: Buffer): string[] {
  return answer.toString('utf8').split(/\r?\n/)
}

/** Compiling a pattern takes longer than most matches. */
const patterns = new WeakMap<BodyRule, Pattern | PatternProblem>()

function holds(rule: BodyRule, text: string): boolean {
  switch (rule.kind) {
    case 'text':
      return text.includes(rule.text)
    case 'pattern': {
      const pattern = patterns.get(rule) ?? compilePattern(rule.pattern)
      patterns.set(rule, pattern)
      // the configuration contains no invalid pattern
      return typeof pattern === 'object' && pattern.test(text)
    }
  }
}

/** What an answer must contain, as configured. */
export function wantedText(rule: BodyRule): string {
  switch (rule.kind) {
    case 'text':
      return JSON.stringify(rule.text)
    case 'pattern':
      return `/${rule.pattern}/`
  }
}
