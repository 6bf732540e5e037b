import {
  frontName,
  sentinelNames,
  type Backend,
  type Config,
} from '../config/config.ts'
import { unknownNameMessage } from '../text/suggest.ts'
import { UsageError } from '../system/command-error.ts'

/**
 * The name itself if it is in the configuration.
 *
 * @throws {UsageError} with the nearest known name
 */
export function oneOfNames(
  what: 'backend' | 'pool',
  name: string,
  known: readonly string[],
): string {
  const wrong = unknownNameMessage(what, name, known)
  if (wrong === undefined) return name
  throw new UsageError(wrong)
}

/**
 * The targets of an admin action, in the given order: backends, and `front` if
 * the configuration has that key.
 *
 * @throws {UsageError} for an unknown one, or for a name given twice
 */
export function actionTargets(
  config: Pick<Config, 'backends' | 'front'>,
  names: readonly string[],
): string[] {
  if (names.includes(frontName) && config.front === undefined)
    throw new UsageError(
      'front must be configured first: add the key "front" to the configuration',
    )
  const known = sentinelNames(config)
  return names.map((name, index) => {
    if (names.indexOf(name) < index)
      throw new UsageError(`${name} must be given only once`)
    return oneOfNames('backend', name, known)
  })
}

/**
 * The backends with these names, in the given order.
 *
 * @throws {UsageError} for an unknown one, or for a name given twice
 */
export function namedBackends(
  { backends }: Config,
  names: readonly string[],
): Backend[] {
  return actionTargets({ backends }, names).flatMap(name =>
    backends.filter(backend => backend.name === name),
  )
}
