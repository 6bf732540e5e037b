// The patterns of a configuration. A backend can answer anything, so a match
// must take linear time for every pattern and every text: a backtracking engine
// can take hours for 64 KiB, and probing would stop. Pure.
import { RE2JS } from 're2js'

export type Pattern = {
  readonly test: (text: string) => boolean
}

/** Why a pattern is rejected. */
export type PatternProblem =
  /** it is not a pattern */
  | 'unreadable'
  /** RegExp accepts it, but cannot match it in linear time */
  | 'unsupported'
  | 'too-large'

/** The rule for patterns, as error messages state it. */
export const patternRules = {
  unsupported:
    'must be a pattern that matches in linear time: without lookahead, lookbehind and back references, and with at most 1000 repeats',
  'too-large': 'must be a simpler pattern, with fewer repeats such as {0,100}',
}

/** Worst-case steps per character: 0.1 s for 64 KiB. */
export const maxPatternSize = 500

/** @param source in the syntax of RegExp, without flags; `\s` is ASCII */
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
    // it throws only because of its input
    return undefined
  }
}

function isRegExp(source: string): boolean {
  try {
    return new RegExp(source) instanceof RegExp
  } catch {
    // a RegExp constructor throws only syntax errors
    return false
  }
}
