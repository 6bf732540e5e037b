import { Command } from 'commander'
import { loadConfig } from '../config/load.ts'
import { ConfigError } from '../config/problem.ts'
import { monitorReportFile } from '../sentinels/names.ts'
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
    .description('show backends, pools, and whether the two programs are alive')
    .addOption(configOption())
    .option('--json', 'machine-readable output')
    .option('--watch', 'repeat every second until interrupted')
    .option('--check', 'exit 1 if a pool has no backend for new visitors')
    .action(async (options: Options) => {
      let config = loadConfig(options.config)
      const render = (configProblems: readonly string[]): string => {
        const now = Date.now()
        const report = statusOf(config, now, configProblems)
        const hasEmptyPool = report.pools.some(
          ({ newcomers }) => newcomers.length === 0,
        )
        process.exitCode = options.check === true && hasEmptyPool ? 1 : 0
        return options.json === true
          ? `${JSON.stringify(report)}\n`
          : statusText(report, hasColour(process.stdout), now)
      }
      if (options.watch !== true) {
        process.stdout.write(render([]))
        return
      }
      const isInPlace = options.json !== true && isScreen(process.stdout)
      const report = `${config.directory}/${monitorReportFile}`
      await watch(isInPlace, [options.config, report], () => {
        try {
          config = loadConfig(options.config)
          return render([])
        } catch (err) {
          if (!(err instanceof ConfigError)) throw err
          return render(err.problems)
        }
      })
    })
}
