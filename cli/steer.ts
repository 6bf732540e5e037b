// drain, maint, force and ready: write the administrator's files.
import { Command, InvalidArgumentError, Option } from 'commander'
import { loadConfig } from '../config/load.ts'
import { frontName, type Backend, type Config } from '../config/config.ts'
import type { AdminNote } from '../sentinels/content.ts'
import type { AdminKind } from '../sentinels/names.ts'
import { applyAction } from '../operate/apply-action.ts'
import { actionSummary } from '../operate/action-summary.ts'
import {
  isReason,
  meanings,
  reasonRule,
  type Action,
} from '../operate/action.ts'
import { CommandError, UsageError } from '../system/command-error.ts'
import { actionTargets } from './names.ts'
import { operator } from './operator.ts'
import { configOption, duration, limitOption } from './options.ts'
import { progressOn } from './progress.ts'

type Options = {
  config: string
  for?: number
  reason?: string
  wait?: true
  limit?: number
  here?: true
}

/** `zope-failover drain|maint|force NAME…`. */
export function actionCommand(kind: AdminKind): Command {
  const command = new Command(kind)
    .description(meanings[kind])
    .argument('<name...>', 'backends of the configuration, or front')
    .addOption(configOption())
    .option(
      '--for <duration>',
      'end it automatically after this time, such as 30m',
      duration,
    )
    .option('--reason <text>', 'shown by status', reason)
    .addOption(hereOption())
  if (kind !== 'force')
    command
      .option('--wait', 'wait until no request is in flight')
      .addOption(limitOption('limit of --wait'))
  return command.action(async (names: string[], options: Options) => {
    const config = loadConfig(options.config)
    const targets = actionTargets(config, names)
    if (options.wait === true && targets.includes(frontName))
      throw new UsageError(
        '--wait works with backends only: requests in flight can be counted for a backend, not for a whole machine',
      )
    if (
      options.wait !== true &&
      command.getOptionValueSource('limit') === 'cli'
    )
      throw new UsageError('--limit must come with --wait, which it limits')
    const annotation = {
      reason: options.reason ?? null,
      by: operator(),
      until: options.for === undefined ? null : Date.now() + options.for,
    }
    for (const name of targets)
      await apply(config, name, kind, annotation, options.here === true)
    if (options.wait === true)
      await waitForAll(
        config,
        config.backends.filter(({ name }) => targets.includes(name)),
        kind,
        options.limit ?? 0,
      )
  })
}

/** Exit code 1 if a backend still has requests at the limit. */
async function waitForAll(
  config: Config,
  backends: readonly Backend[],
  kind: AdminKind,
  limitMs: number,
): Promise<void> {
  const { CountError } = await import('../operate/count.ts')
  const { untilIdle } = await import('../operate/wait.ts')
  const sinceMs = Date.now()
  const progress = progressOn(process.stderr)
  const { signal } = new AbortController()
  const left: string[] = []
  try {
    await Promise.all(
      backends.map(async backend => {
        const { name } = backend
        progress.step(`${name}: waiting until it is idle`)
        const why = await untilIdle(
          config,
          backend,
          sinceMs,
          limitMs,
          signal,
          progress,
        )
        if (why === undefined) progress.step(`${name}: idle`)
        else left.push(`${name}: ${why}; it stays in ${kind}`)
      }),
    )
  } catch (err) {
    if (err instanceof CountError)
      throw new CommandError(err.message, { cause: err })
    throw err
  }
  if (left.length === 0) return
  if (kind === 'drain')
    left.push(
      'sticky visitors of a drained backend keep coming; to move them too, type: zope-failover maint NAME --wait',
    )
  for (const line of left) progress.step(line)
  process.exitCode = 1
}

/** `zope-failover ready NAME…`. */
export function readyCommand(): Command {
  return new Command('ready')
    .description(meanings.ready)
    .argument('<name...>', 'backends of the configuration, or front')
    .addOption(configOption())
    .addOption(hereOption())
    .action(async (names: string[], options: Options) => {
      const config = loadConfig(options.config)
      for (const name of actionTargets(config, names))
        await apply(config, name, 'ready', noAnnotation, options.here === true)
    })
}

const noAnnotation: AdminNote = { reason: null, by: null, until: null }

/**
 * Applies the action, on all machines or on this one, and prints what it has changed.
 */
async function apply(
  config: Config,
  name: string,
  action: Action,
  annotation: AdminNote,
  isHere: boolean,
): Promise<void> {
  const done =
    config.cluster === undefined
      ? applyAction(config.directory, name, action, annotation)
      : await applyInCluster(config, name, action, annotation, isHere)
  const { lines, problems } = actionSummary(config, name, action, done)
  process.stdout.write(`${lines.join('\n')}\n`)
  process.stderr.write(problems.map(line => `${line}\n`).join(''))
}

async function applyInCluster(
  config: Config,
  name: string,
  action: Action,
  annotation: AdminNote,
  isHere: boolean,
): Promise<string> {
  // loaded here: one machine needs no HTTP client
  const { giveOrder, isShared, readyHere } =
    await import('../operate/give-order.ts')
  if (isShared(config, name, isHere))
    return giveOrder(config, name, action, annotation)
  return action === 'ready'
    ? readyHere(config.directory, name, annotation)
    : applyAction(config.directory, name, action, annotation)
}

function hereOption(): Option {
  return new Option(
    '--here',
    'on this machine only (where the key cluster gives orders to all machines)',
  )
}

function reason(text: string): string {
  if (isReason(text)) return text
  throw new InvalidArgumentError(`It ${reasonRule}.`)
}
