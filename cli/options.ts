// What several subcommands take alike.
import { InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../config/duration.ts'
import { defaultConfigFile } from '../config/file.ts'

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
 * A duration of an option, in ms.
 *
 * @throws {InvalidArgumentError}
 */
export function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined && ms > 0 && ms <= yearMs) return ms
  throw new InvalidArgumentError(
    'It is written like 30s, 5m or 2h, and at most 8760h (a year).',
  )
}

const yearMs = 8_760 * 3_600_000
