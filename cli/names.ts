import { InvalidArgumentError } from 'commander'
import { closest } from 'fastest-levenshtein'

/**
 * The name itself when the configuration knows it.
 *
 * @throws {InvalidArgumentError} (exit code 2) naming the nearest known one
 */
export function oneOfNames(
  what: 'backend' | 'pool',
  name: string,
  known: readonly string[],
): string {
  if (known.includes(name)) return name
  throw new InvalidArgumentError(
    `${JSON.stringify(name)} is no ${what} of the configuration; did you mean ${closest(name, known)}? (${known.join(', ')})`,
  )
}
