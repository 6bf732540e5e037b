import { Command } from 'commander'
import { loadConfig } from '../config/load.ts'
import type { Backend, Config } from '../config/config.ts'
import { describeValue } from '../text/describe.ts'
import { statusOf } from '../status/read.ts'
import { maintBy } from '../operate/decide.ts'
import type { Job } from '../operate/restart.ts'
import { CommandError, UsageError } from '../system/command-error.ts'
import { namedBackends } from './names.ts'
import { configOption, limitOption } from './options.ts'
import { operator } from './operator.ts'
import { progressOn } from './progress.ts'

type Options = {
  config: string
  limit: number
  warmUp?: string[]
  without: string[]
}

/** A shell's exit codes for signals. */
const exitCodes = new Map<NodeJS.Signals, number>([
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
])

/** `zope-failover restart NAME… -- COMMAND [ARGS]`. */
export function restartCommand(): Command {
  return new Command('restart')
    .summary('restart backends one after the other, without losing a request')
    .description(
      'For each backend: takes it out of service, waits until it is idle, runs the command, waits until it answers, fetches the warm-up paths, and puts it back into service. Stops at the first backend that does not come back.',
    )
    .usage('[options] <name...> -- <command> [arguments...]')
    .argument('<name...>', 'backends of the configuration')
    .addOption(configOption())
    .addOption(limitOption('limit of each wait'))
    .option(
      '--warm-up <path...>',
      'pages to fetch before visitors come, as visitors see them; replaces warmUp of the configuration',
    )
    .option(
      '--without <machine>',
      'do not ask this machine of the cluster: it is out of service; repeatable',
      (machine: string, before: string[]) => [...before, machine],
      [],
    )
    .action(async (words: string[], options: Options) => {
      const given = split(words, process.argv)
      const config = loadConfig(options.config)
      const { names, paths } = namesAndPaths(
        given.names,
        options.warmUp,
        config,
      )
      const backends = namedBackends(config, names)
      refuseMaint(config, names)
      await restartTogether(config, backends, options.without, {
        command: given.command,
        warmUp: paths,
        limitMs: options.limit,
        by: operator(),
      })
    })
}

type RestartOptions = Pick<Job, 'command' | 'warmUp' | 'limitMs' | 'by'>

/** With a lock on all machines that follow the same orders. */
async function restartTogether(
  config: Config,
  backends: readonly Backend[],
  without: readonly string[],
  job: RestartOptions,
): Promise<void> {
  if (config.cluster === undefined) {
    if (without.length > 0)
      throw new UsageError(
        '--without must come with the key "cluster" in the configuration',
      )
    await restartAll(config, backends, { ...job, others: undefined })
    return
  }
  const { ClusterRestart } = await import('../operate/cluster-restart.ts')
  const others = await ClusterRestart.begin(
    config,
    config.cluster,
    backends.map(({ name }) => name),
    job.by,
    without,
  )
  try {
    await restartAll(config, backends, { ...job, others })
  } finally {
    await others.end()
  }
}

async function restartAll(
  config: Config,
  backends: readonly Backend[],
  job: RestartOptions & Pick<Job, 'others'>,
): Promise<void> {
  // loaded here: the other subcommands do not need the HTTP client
  const { restart, RestartAborted } = await import('../operate/restart.ts')
  const progress = progressOn(process.stderr)
  const stop = new AbortController()
  const onSignal = (signal: NodeJS.Signals): void => {
    // the second signal: the files in the directory record where it stopped
    if (stop.signal.aborted) process.exit()
    process.exitCode = exitCodes.get(signal)
    progress.step(
      `${signal}: stopping after the running command (send it again to stop at once)`,
    )
    stop.abort(new RestartAborted(`interrupted by ${signal}`))
  }
  for (const signal of exitCodes.keys()) process.on(signal, onSignal)
  const left = backends.map(({ name }) => name)
  try {
    for (const backend of backends) {
      left.shift()
      await restart({
        ...job,
        config,
        backend,
        progress,
        signal: stop.signal,
      })
    }
  } catch (err) {
    if (!(err instanceof RestartAborted)) throw err
    progress.step(err.message)
    if (left.length > 0) progress.step(`not started: ${left.join(', ')}`)
    process.exitCode ??= 1
  } finally {
    for (const signal of exitCodes.keys()) process.off(signal, onSignal)
  }
}

/** Names before `--`, the command after it; commander puts both in one list. */
function split(
  words: readonly string[],
  argv: readonly string[],
): { names: string[]; command: Job['command'] } {
  const at = argv.indexOf('--')
  const [program, ...args] = at === -1 ? [] : argv.slice(at + 1)
  if (program === undefined)
    throw new UsageError(
      'restart must have a command after the names, such as: zope-failover restart zope1 zope2 -- systemctl restart {}',
    )
  const names = words.slice(0, words.length - args.length - 1)
  return { names, command: [program, ...args] }
}

/** `--warm-up / zope1`: an option with several values swallows the names. */
function namesAndPaths(
  words: readonly string[],
  values: readonly string[] | undefined,
  { backends }: Config,
): { names: string[]; paths: string[] | undefined } {
  const names = [...words]
  for (const value of values ?? [])
    if (backends.some(({ name }) => name === value)) names.push(value)
    else if (!isPath(value))
      throw new UsageError(
        `--warm-up must be paths as visitors see them, such as / or /news, got ${describeValue(value)}`,
      )
  if (names.length === 0)
    throw new UsageError('restart must have a backend before "--"')
  return { names, paths: values?.filter(isPath) }
}

function refuseMaint(config: Config, names: readonly string[]): void {
  const status = statusOf(config, Date.now())
  for (const name of names) {
    const refusal = maintBy(status, name)
    if (refusal !== undefined) throw new CommandError(refusal)
  }
}

function isPath(text: string): boolean {
  return /^\/[!-"$-~]*$/.test(text)
}
