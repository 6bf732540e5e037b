// drain, maint, force and ready: the administrator's files, written for him.
import { Command, InvalidArgumentError } from 'commander'
import { loadConfig } from '../config/load.ts'
import { frontName } from '../config/config.ts'
import type { Backend, Config } from '../config/config.ts'
import type { AdminNote } from '../sentinels/content.ts'
import { adminKinds } from '../sentinels/names.ts'
import type { AdminKind } from '../sentinels/names.ts'
import { applyAction } from '../operate/apply-action.ts'
import { actionSummary } from '../operate/action-summary.ts'
import { isReason, meanings, reasonRule } from '../operate/action.ts'
import type { Action } from '../operate/action.ts'
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
}

/** `zope-failover drain|maint|force NAME…`. */
export function actionCommands(): Command[] {
  return adminKinds.map(kind => {
    const command = new Command(kind)
      .description(meanings[kind])
      .argument('<name...>', 'backends of the configuration, or front')
      .addOption(configOption())
      .option('--for <duration>', 'ends by itself, such as 30m', duration)
      .option('--reason <text>', 'shown by status', reason)
    if (kind !== 'force')
      command
        .option('--wait', 'end when no request of httpd is inside any more')
        .addOption(limitOption('of --wait'))
    return command.action(async (names: string[], options: Options) => {
      const config = loadConfig(options.config)
      const steered = actionTargets(config, names)
      if (options.wait === true && steered.includes(frontName))
        throw new UsageError(
          '--wait must come with backends only: requests inside a backend can be counted, those of a whole machine cannot',
        )
      if (
        options.wait !== true &&
        command.getOptionValueSource('limit') === 'cli'
      )
        throw new UsageError('--limit must come with --wait, which it limits')
      const note = {
        reason: options.reason ?? null,
        by: operator(),
        until: options.for === undefined ? null : Date.now() + options.for,
      }
      for (const name of steered) order(config, name, kind, note)
      if (options.wait === true)
        await waitForAll(
          config,
          config.backends.filter(({ name }) => steered.includes(name)),
          kind,
          options.limit ?? 0,
        )
    })
  })
}

/** Exit code 1 when one still has requests at the limit. */
async function waitForAll(
  config: Config,
  backends: readonly Backend[],
  kind: AdminKind,
  limitMs: number,
): Promise<void> {
  const { CountError } = await import('../operate/count.ts')
  const { untilIdle } = await import('../operate/wait.ts')
  const sinceMs = Date.now()
  const tell = progressOn(process.stderr)
  const { signal } = new AbortController()
  const left: string[] = []
  try {
    await Promise.all(
      backends.map(async backend => {
        const { name } = backend
        tell.step(`${name}: waiting until it is idle`)
        const why = await untilIdle(
          config,
          backend,
          sinceMs,
          limitMs,
          signal,
          tell,
        )
        if (why === undefined) tell.step(`${name}: idle`)
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
      'who is bound to a drained backend goes on coming; to move them, too, type: zope-failover maint NAME --wait',
    )
  for (const line of left) tell.step(line)
  process.exitCode = 1
}

/** `zope-failover ready NAME…`. */
export function readyCommand(): Command {
  return new Command('ready')
    .description(meanings.ready)
    .argument('<name...>', 'backends of the configuration, or front')
    .addOption(configOption())
    .action((names: string[], options: Options) => {
      const config = loadConfig(options.config)
      for (const name of actionTargets(config, names))
        order(config, name, 'ready', nothing)
    })
}

const nothing: AdminNote = { reason: null, by: null, until: null }

/** Carries it out and prints what it has changed. */
function order(
  config: Config,
  name: string,
  action: Action,
  note: AdminNote,
): void {
  const done = applyAction(config.directory, name, action, note)
  const { lines, problems } = actionSummary(config, name, action, done)
  process.stdout.write(`${lines.join('\n')}\n`)
  process.stderr.write(problems.map(line => `${line}\n`).join(''))
}

function reason(text: string): string {
  if (isReason(text)) return text
  throw new InvalidArgumentError(`It ${reasonRule}.`)
}
