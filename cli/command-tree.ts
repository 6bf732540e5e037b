// The subcommands as plain data, for the manual page and the shells'
// completion.
import type { Command } from 'commander'

export type OptionForm = {
  /** with dashes, such as `--json` */
  readonly long: string
  /** its argument, such as `<file>`; null = none */
  readonly value: string | null
  readonly description: string
  /** [] = anything */
  readonly choices: readonly string[]
}

type ArgumentForm = {
  readonly name: string
  /** as in the usage line: `<name>`, `[route]` */
  readonly written: string
  readonly description: string
  readonly choices: readonly string[]
}

export type CommandForm = {
  readonly name: string
  readonly description: string
  readonly arguments: readonly ArgumentForm[]
  readonly options: readonly OptionForm[]
}

/** The content of `--help` for the program's subcommands, in its order. */
export function commandTree(program: Command): CommandForm[] {
  return program.commands.map(command => {
    const help = command.createHelp()
    return {
      name: command.name(),
      description: command.description(),
      arguments: command.registeredArguments.map(argument => {
        const name = argument.name()
        const dots = argument.variadic ? '...' : ''
        return {
          name,
          written: argument.required ? `<${name}${dots}>` : `[${name}${dots}]`,
          description: argument.description,
          choices: argument.argChoices ?? [],
        }
      }),
      options: help.visibleOptions(command).map(option => ({
        long: option.long ?? option.flags,
        value: /<.*>|\[.*\]/.exec(option.flags)?.[0] ?? null,
        description: option.description,
        choices: option.argChoices ?? [],
      })),
    }
  })
}
