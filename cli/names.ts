import { nearest } from '../config/nearest.ts'
import { found } from '../config/problem.ts'
import { WrongUsage } from './failure.ts'

/**
 * The name itself when the configuration knows it.
 *
 * @throws {WrongUsage} naming the nearest known one
 */
export function oneOfNames(
  what: 'backend' | 'pool',
  name: string,
  known: readonly string[],
): string {
  if (known.includes(name)) return name
  throw new WrongUsage(
    `the ${what} must be one of the configuration, got ${found(name)}${nearest(name, known)}`,
  )
}
