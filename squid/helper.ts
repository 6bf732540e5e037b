// The redirector helper of Squid: the map program's loop, choice and counts, with
// Squid's lines. Squid exits when a helper prints an unrequested line, or exits
// before its first answer. So this helper answers every line, and ends only at
// the end of its input.
import type { Config } from '../config/config.ts'
import { reportProblems, runMap } from '../rewritemap/run.ts'
import { squidDialect } from './line.ts'
import { parseSites } from './site.ts'

type HelperOptions = {
  readonly configFile: string
  /** the sentinel directory, when known without the configuration */
  readonly directory?: string | undefined
  /** `[POOL=]PATH`, see `parseSites` */
  readonly site?: readonly string[] | undefined
  /** `[POOL=]URL` */
  readonly url?: readonly string[] | undefined
}

/**
 * Answers Squid's lines on stdin until it ends.
 *
 * @returns the exit code: 0. A missing configuration, or options that cannot be
 *   used, are reported on stderr, and every answer is `ERR`: Squid then goes on
 *   by itself.
 */
export async function runHelper(options: HelperOptions): Promise<number> {
  const { sites, problems } = parseSites(options.site ?? [], options.url ?? [])
  if (problems.length > 0) reportProblems(problems)
  const dialect = squidDialect(sites)
  return runMap({
    configFile: options.configFile,
    directory: options.directory,
    user: undefined,
    program: 'squid-helper',
    isLaunched: true,
    dialect:
      problems.length === 0
        ? dialect
        : { ...dialect, questionOf: () => '', format: () => null },
    withoutConfig: withoutConfig(options.directory),
  })
}

/** No pool, so that every line is for an unknown one. */
function withoutConfig(directory = '/run/zope-failover'): Config {
  return { directory, staleAfterMs: 15_000, backends: [], pools: [] }
}
