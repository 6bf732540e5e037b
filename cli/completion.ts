import { Argument, Command } from 'commander'
import { sentinelNames } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { commandTree } from './command-tree.ts'
import { completionScript, shells, type Shell } from './completion-script.ts'
import { configOption } from './options.ts'

/**
 * `zope-failover completion bash|zsh|fish`. The scripts call it again for the
 * names of backends and pools.
 */
export function completionCommand(): Command {
  return new Command('completion')
    .description('print a shell completion script for this command')
    .addArgument(
      new Argument(
        '<shell>',
        'the shell, or a list of names (used by the scripts)',
      ).choices([...shells, 'backends', 'pools']),
    )
    .addOption(configOption())
    .action(
      (
        what: Shell | 'backends' | 'pools',
        { config }: { config: string },
        command: Command,
      ) => {
        if (what === 'backends' || what === 'pools') {
          const loaded = loadConfig(config)
          const names =
            what === 'backends'
              ? sentinelNames(loaded)
              : loaded.pools.map(({ name }) => name)
          process.stdout.write(names.map(name => `${name}\n`).join(''))
        } else
          process.stdout.write(
            completionScript(what, commandTree(command.parent ?? command)),
          )
      },
    )
}
