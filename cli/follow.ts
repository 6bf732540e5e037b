import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../text/duration.ts'
import { readConfigText } from '../config/file.ts'
import { parseConfig } from '../config/parse.ts'
import { runFollow } from '../follow/follow.ts'
import { followFormats, type FollowFormat } from '../follow/table-text.ts'
import { oneOfNames } from './names.ts'
import { configOption } from './options.ts'

type Options = {
  config: string
  pool: string
  format: FollowFormat
  timeout: number
}

/**
 * `zope-failover follow -- COMMAND…`: in the foreground until a signal ends it.
 */
export function followCommand(): Command {
  return new Command('follow')
    .summary('run a command with the whole table whenever it changes')
    .description(
      'Runs COMMAND with the whole table on its standard input, at start and at each change of the table: only the newest table, never two runs at once, a retry after a failure (1 s to 30 s). lines: NAME HOST PORT STATE WEIGHT TIER for each backend, STATE one of in, last-resort, bound, out.',
    )
    .addArgument(
      new Argument('<command...>', 'a program and its arguments, after --'),
    )
    .addOption(configOption())
    .addOption(
      new Option('--pool <name>', 'a pool of the configuration').default(
        'default',
      ),
    )
    .addOption(
      new Option('--format <format>', 'the input of the command')
        .choices(followFormats)
        .default('lines'),
    )
    .addOption(
      new Option('--timeout <duration>', 'time limit of one run')
        .argParser(timeout)
        .default(10_000, '10s'),
    )
    .action(async (words: [string, ...string[]], options: Options) => {
      const text = readConfigText(options.config)
      const config = parseConfig(text, options.config)
      const code = await runFollow({
        configFile: options.config,
        good: { text, config },
        pool: oneOfNames(
          'pool',
          options.pool,
          config.pools.map(({ name }) => name),
        ),
        format: options.format,
        command: words,
        timeoutMs: options.timeout,
      })
      // the watching thread is still running
      process.exit(code)
    })
}

function timeout(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined && ms >= 100 && ms <= 600_000) return ms
  throw new InvalidArgumentError(
    'It must be a duration from 100ms to 10m, written like 500ms, 10s or 1m.',
  )
}
