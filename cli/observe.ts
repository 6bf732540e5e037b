import { Command } from 'commander'
import { runObserver } from '../observer/main.ts'
import { configOption } from './options.ts'

/** `zope-failover observe`: what `apache-conf --observe` has httpd start. */
export function observeCommand(): Command {
  return new Command('observe')
    .description(
      "read httpd's piped log on stdin and have failing backends probed at once",
    )
    .addOption(configOption())
    .action(async (options: { config: string }) => {
      const code = await runObserver({ configFile: options.config })
      // stdin is still open after a signal
      process.exit(code)
    })
}
