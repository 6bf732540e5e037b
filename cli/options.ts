// Options that several subcommands share.
import { InvalidArgumentError, Option, type Command } from 'commander'
import { defaultConfigFile } from '../config/file.ts'
import { parseTerm, termRule } from '../operate/action.ts'

/** `--config FILE`, which every subcommand has. */
export function configOption(): Option {
  return new Option('--config <file>', 'the configuration').default(
    defaultConfigFile(),
  )
}

/** `--limit DURATION`, in ms. */
export function limitOption(what: string): Option {
  return new Option('--limit <duration>', what)
    .argParser(duration)
    .default(300_000, '5m')
}

/**
 * An option that has another name now: not in the help, and an error that says
 * the new name.
 *
 * @param flags as commander takes them, with the placeholder of a value
 */
export function renamedOption(
  command: Command,
  flags: string,
  newName: string,
): void {
  const option = new Option(flags).hideHelp()
  command.addOption(option)
  command.on(`option:${option.name()}`, () =>
    command.error(`error: option '${flags}' is now ${newName}`, {
      code: 'commander.invalidArgument',
    }),
  )
}

/**
 * A duration of an option, in ms.
 *
 * @throws {InvalidArgumentError}
 */
export function duration(text: string): number {
  const ms = parseTerm(text)
  if (ms !== undefined) return ms
  throw new InvalidArgumentError(`It ${termRule}.`)
}
