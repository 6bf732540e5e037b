import { Argument, Command } from 'commander'
import { loadConfig } from '../config/load.ts'
import { commandTree } from './command-tree.ts'
import { completionScript, shells } from './completion-script.ts'
import type { Shell } from './completion-script.ts'
import { configOption } from './options.ts'

/** `zope-failover completion bash|zsh|fish`; the scripts ask for the names. */
export function completionCommand(): Command {
  return new Command('completion')
    .description('print what makes a shell complete this command')
    .addArgument(
      new Argument(
        '<shell>',
        'the shell, or the list of names that its script asks for',
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
          const names = loadConfig(config)[what].map(({ name }) => `${name}\n`)
          process.stdout.write(names.join(''))
        } else
          process.stdout.write(
            completionScript(what, commandTree(command.parent ?? command)),
          )
      },
    )
}
