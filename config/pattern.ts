// The patterns of a configuration. Pure. A backend can answer anything, so a match
// takes time in proportion to the length of its text, whatever pattern and text are:
// a backtracking engine can take hours for 64 KiB, and nothing would be probed.
import { RE2JS } from 're2js'

export type Pattern = {
  readonly test: (text: string) => boolean
}

/** Why a pattern is refused. */
export type PatternProblem =
  /** it is none */
  | 'unreadable'
  /** RegExp would take it, but not in linear time */
  | 'unsupported'
  | 'too-large'

/** The rule that patterns follow, as error messages state it. */
export const patternRules = {
  unsupported:
    'must be a pattern that matches in linear time: without lookahead, lookbehind and back references, and with at most 1000 repeats',
  'too-large': 'must be a simpler pattern, with fewer repeats such as {0,100}',
}

/** The steps for one character, at worst: 0.1 s for 64 KiB. */
export const maxPatternSize = 500

/** @param source as JavaScript's RegExp has it, without flags; `\s` is ASCII */
export function compilePattern(source: string): Pattern | PatternProblem {
  const compiled = compile(source)
  if (compiled === undefined)
    return isRegExp(source) ? 'unsupported' : 'unreadable'
  return compiled.programSize() > maxPatternSize ? 'too-large' : compiled
}

function compile(source: string): RE2JS | undefined {
  try {
    return RE2JS.compile(RE2JS.translateRegExp(source))
  } catch {
    // it throws of its input only
    return undefined
  }
}

function isRegExp(source: string): boolean {
  try {
    return new RegExp(source) instanceof RegExp
  } catch {
    // the only error a RegExp constructor throws is that of its syntax
    return false
  }
}
