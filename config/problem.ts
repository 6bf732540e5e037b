// The text of a configuration problem: where, the rule, the value found.
import { printable, withoutSecrets } from '../text/printable.ts'

export type Path = readonly (string | number)[]

export type Problem = {
  /** the path of the key, e.g. ['pools', 'default', 'members', 0] */
  readonly path: Path
  /** continues the sentence after the path, e.g. `must be an integer` */
  readonly rule: string
  /** line in the file, from 1; undefined when there is none */
  readonly line?: number | undefined
}

/** The configuration cannot be used; `problems` has one line per reason. */
export class ConfigError extends Error {
  readonly code = 'ERR_CONFIG'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/**
 * One line for a person.
 *
 * @example 'zope-failover.yaml:7: probe.interval must be …, got "5"'
 */
export function describeProblem(file: string, problem: Problem): string {
  const where = problem.line === undefined ? file : `${file}:${problem.line}`
  const key = withoutSecrets(pathText(problem.path))
  return printable(`${where}: ${key === '' ? 'the file' : key} ${problem.rule}`)
}

/** `pools.default.members[0].name`; the empty string for the file itself. */
export function pathText(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`
      return index === 0 ? part : `.${part}`
    })
    .join('')
}
