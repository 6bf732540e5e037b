// What several subcommands take alike.
import { Option } from 'commander'
import { defaultConfigFile } from '../config/file.ts'

/** `--config FILE`, which every subcommand has. */
export function configOption(): Option {
  return new Option('--config <file>', 'the configuration').default(
    defaultConfigFile(),
  )
}
