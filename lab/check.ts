// `zope-failover check` in this process: starting the command takes half a second of
// processor time.
import type { checkCommand as MakeCommand } from '../cli/check.ts'
import { exitCodeOf, type CheckReport } from '../check/finding.ts'
import { dist } from './processes.ts'

// of the build: findings name its files
const { checkCommand }: { checkCommand: typeof MakeCommand } = await import(
  `${dist}/cli/check.js`
)

/**
 * @param args of `check`
 * @returns the report, and the exit code of the command
 */
export async function check(
  ...args: readonly string[]
): Promise<{ report: CheckReport; code: number }> {
  return new Promise((done, fail) => {
    checkCommand((report, { failOn }) => {
      done({ report, code: exitCodeOf(report, failOn) })
    })
      .exitOverride()
      .parseAsync(args, { from: 'user' })
      .catch(fail)
  })
}
