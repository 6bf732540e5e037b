import { Command } from 'commander'
import { version } from '../system/version.ts'
import { commandTree } from './command-tree.ts'
import { manualPage } from './manual-page.ts'

/**
 * `zope-failover manual`, for the build: `man zope-failover` shows its output.
 */
export function manualCommand(): Command {
  return new Command('manual')
    .description('print the manual page, for man -l -')
    .action((_options: object, command: Command) => {
      process.stdout.write(
        manualPage(commandTree(command.parent ?? command), version),
      )
    })
}
