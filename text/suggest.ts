// Suggestions for a mistyped name.
import { closest, distance } from 'fastest-levenshtein'
import { describeValue } from './describe.ts'

/** A longer list does not help. */
const maxListed = 30

/**
 * The known name closest to `given`, as the end of a sentence; the list of
 * known names when none is close; the empty string when there are none.
 *
 * @example '; did you mean "interval"?'
 */
export function suggestion(given: string, known: readonly string[]): string {
  if (known.length === 0) return ''
  const guess = closest(given, known)
  if (
    distance(given.toLowerCase(), guess.toLowerCase()) <=
    Math.max(2, guess.length / 3)
  )
    return `; did you mean "${guess}"?`
  const listed = known.slice(0, maxListed).join(', ')
  return `; known here: ${listed}${known.length > maxListed ? ', …' : ''}`
}

/** The error message for a name; undefined if the configuration has it. */
export function unknownNameMessage(
  what: 'backend' | 'pool',
  name: string,
  known: readonly string[],
): string | undefined {
  return known.includes(name)
    ? undefined
    : `the ${what} must be one of the configuration, got ${describeValue(name)}${suggestion(name, known)}`
}
