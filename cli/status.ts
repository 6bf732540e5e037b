import { Command } from 'commander'
import { loadConfig } from '../config/load.ts'
import { ConfigError } from '../config/problem.ts'
import { statusOf } from '../status/read.ts'
import { statusText } from '../status/print.ts'
import { configOption } from './options.ts'
import { hasColour, isScreen } from './output.ts'
import { watch } from './watch.ts'

type Options = {
  config: string
  json?: true
  watch?: true
  check?: true
}

/** `zope-failover status`. */
export function statusCommand(): Command {
  return new Command('status')
    .description('backends, pools, and whether the two programs are alive')
    .addOption(configOption())
    .option('--json', 'for machines')
    .option('--watch', 'again every second, until interrupted')
    .option('--check', 'exit code 1 when a pool has nobody')
    .action(async (options: Options) => {
      let config = loadConfig(options.config)
      const look = (configProblems: readonly string[]): string => {
        const now = Date.now()
        const report = statusOf(config, now, configProblems)
        const hasNobody = report.pools.some(
          ({ newcomers }) => newcomers.length === 0,
        )
        process.exitCode = options.check === true && hasNobody ? 1 : 0
        return options.json === true
          ? `${JSON.stringify(report)}\n`
          : statusText(report, hasColour(process.stdout), now)
      }
      if (options.watch !== true) {
        process.stdout.write(look([]))
        return
      }
      await watch(options.json !== true && isScreen(process.stdout), () => {
        try {
          config = loadConfig(options.config)
          return look([])
        } catch (err) {
          if (!(err instanceof ConfigError)) throw err
          return look(err.problems)
        }
      })
    })
}
