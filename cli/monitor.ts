import { Command, Option } from 'commander'
import { configOption } from './options.ts'

/** `zope-failover monitor`. */
export function monitorCommand(): Command {
  return new Command('monitor')
    .description('probe the backends and keep the sentinel directory current')
    .addOption(configOption())
    .addOption(
      new Option('--log-level <level>', 'debug shows every probe')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .action(async (options: { config: string; logLevel: string }) => {
      const { runMonitor } = await import('../monitor/main.ts')
      process.exitCode = await runMonitor(options.config, {
        logLevel: options.logLevel,
      })
    })
}
