// What somebody may have meant.
import { closest, distance } from 'fastest-levenshtein'
import { describeValue } from './describe.ts'

/** Lists longer than this help nobody. */
const maxListed = 30

/**
 * The known name next to `given` as the end of a sentence, or, when none is
 * near, the known ones; the empty string when nothing is known.
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

/** What is wrong with a name; undefined when the configuration knows it. */
export function unknownNameMessage(
  what: 'backend' | 'pool',
  name: string,
  known: readonly string[],
): string | undefined {
  return known.includes(name)
    ? undefined
    : `the ${what} must be one of the configuration, got ${describeValue(name)}${suggestion(name, known)}`
}
