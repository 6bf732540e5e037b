import { Command } from 'commander'
import { runObserver } from '../observer/main.ts'
import { configOption } from './options.ts'

/** `zope-failover observe`: started by httpd with `apache-conf --observe`. */
export function observeCommand(): Command {
  return new Command('observe')
    .description(
      "read httpd's piped log on stdin and request probes of failing backends",
    )
    .addOption(configOption())
    .action(async (options: { config: string }) => {
      const code = await runObserver({ configFile: options.config })
      // stdin is still open after a signal
      process.exit(code)
    })
}
