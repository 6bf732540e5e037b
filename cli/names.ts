import type { Backend, Config } from '../config/config.ts'
import { unknownName } from '../config/nearest.ts'
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
  const wrong = unknownName(what, name, known)
  if (wrong === undefined) return name
  throw new WrongUsage(wrong)
}

/**
 * The backends of that name, in the order given.
 *
 * @throws {WrongUsage} for one that is not known, or named twice
 */
export function namedBackends(
  { backends }: Config,
  names: readonly string[],
): Backend[] {
  const known = backends.map(({ name }) => name)
  return names.flatMap((name, index) => {
    oneOfNames('backend', name, known)
    if (names.indexOf(name) < index)
      throw new WrongUsage(`${name} must be named once only`)
    return backends.filter(backend => backend.name === name)
  })
}
