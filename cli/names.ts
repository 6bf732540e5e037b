import { frontName, sentinelNames } from '../config/config.ts'
import type { Backend, Config } from '../config/config.ts'
import { unknownNameMessage } from '../text/suggest.ts'
import { UsageError } from '../system/command-error.ts'

/**
 * The name itself when the configuration knows it.
 *
 * @throws {UsageError} naming the nearest known one
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
 * What can be steered, in the order given: backends, and `front` where the
 * configuration has that key.
 *
 * @throws {UsageError} for one that is not known, or named twice
 */
export function actionTargets(
  config: Pick<Config, 'backends' | 'front'>,
  names: readonly string[],
): string[] {
  if (names.includes(frontName) && config.front === undefined)
    throw new UsageError(
      'front must be configured before it can be steered: write the key "front" into the configuration',
    )
  const known = sentinelNames(config)
  return names.map((name, index) => {
    if (names.indexOf(name) < index)
      throw new UsageError(`${name} must be named once only`)
    return oneOfNames('backend', name, known)
  })
}

/**
 * The backends of that name, in the order given.
 *
 * @throws {UsageError} for one that is not known, or named twice
 */
export function namedBackends(
  { backends }: Config,
  names: readonly string[],
): Backend[] {
  return actionTargets({ backends }, names).flatMap(name =>
    backends.filter(backend => backend.name === name),
  )
}
