// The options that the benchmarks have in common.
import { textOf } from './tools.ts'

/**
 * What a benchmark was called with, or the exit code with which it ends at once: help
 * was asked for (0), or the options are wrong (2; said on stderr).
 *
 * @param parse calls parseArgs
 * @param parts the names that `--only` takes
 */
export function optionsOf<
  Values extends { readonly help: boolean; readonly only: readonly string[] },
>(
  parse: () => { readonly values: Values },
  help: string,
  parts: readonly string[],
): Values | number {
  let values
  try {
    ;({ values } = parse())
  } catch (err) {
    process.stderr.write(`${textOf(err)}\n${help}`)
    return 2
  }
  if (values.help) {
    process.stdout.write(help)
    return 0
  }
  const unknown = values.only.find(name => !parts.includes(name))
  if (unknown === undefined) return values
  process.stderr.write(
    `--only must be one of ${parts.join(', ')}, got "${unknown}"\n`,
  )
  return 2
}
