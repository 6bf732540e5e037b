// drain, maint, force and ready: the administrator's files, written for him.
import { lstatSync } from 'node:fs'
import { userInfo } from 'node:os'
import { Command, InvalidArgumentError } from 'commander'
import { parseDuration } from '../config/duration.ts'
import { errorCode } from '../config/error-code.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/config.ts'
import { formatAdminNote, parseAdminNote } from '../sentinels/content.ts'
import { adminKinds, sentinelFile } from '../sentinels/names.ts'
import type { AdminKind } from '../sentinels/names.ts'
import { directoryRemedy } from '../sentinels/read.ts'
import { removeFile, writeAside } from '../sentinels/write.ts'
import { tellEffect } from './effect.ts'
import { Failure } from './failure.ts'
import { oneOfNames } from './names.ts'
import { configOption } from './options.ts'

const meanings: Record<AdminKind, string> = {
  drain: 'no new visitors; those already bound to it still go there',
  maint: 'no traffic at all, at once',
  force: 'treat as up whatever the probes say',
}

type Options = { config: string; for?: number; reason?: string }

/** `zope-failover drain|maint|force NAME`. */
export function steerCommands(): Command[] {
  return adminKinds.map(kind =>
    new Command(kind)
      .description(meanings[kind])
      .argument('<name>', 'a backend of the configuration')
      .addOption(configOption())
      .option('--for <duration>', 'ends by itself, such as 30m', duration)
      .option('--reason <text>', 'shown by status', reason)
      .action((name: string, options: Options) => {
        const config = loadConfig(options.config)
        checkName(config, name)
        const text = formatAdminNote({
          reason: options.reason ?? null,
          by: operator(),
          until: options.for === undefined ? null : Date.now() + options.for,
        })
        change(config, sentinelFile(name, kind), file => {
          writeAside(config.directory, file, text)
        })
        const { until } = parseAdminNote(text).value
        const end =
          until === null ? '' : ` until ${new Date(until).toISOString()}`
        tellEffect(config, name, kind, `${kind}${end}`)
      }),
  )
}

/** `zope-failover ready NAME`. */
export function readyCommand(): Command {
  return new Command('ready')
    .description("take the administrator's files of a backend away again")
    .argument('<name>', 'a backend of the configuration')
    .addOption(configOption())
    .action((name: string, options: Options) => {
      const config = loadConfig(options.config)
      checkName(config, name)
      const removed: string[] = []
      for (const kind of adminKinds)
        change(config, sentinelFile(name, kind), file => {
          if (removeFile(config.directory, file)) removed.push(kind)
        })
      tellEffect(
        config,
        name,
        undefined,
        removed.length === 0
          ? 'nothing was set'
          : `no longer ${removed.join(', ')}`,
      )
    })
}

function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined && ms > 0 && ms <= yearMs) return ms
  throw new InvalidArgumentError(
    'It is written like 30s, 5m or 2h, and at most 8760h (a year).',
  )
}

const yearMs = 8_760 * 3_600_000

/** Of a longer file, what is behind the limit would not be read. */
const maxReason = 1_000

function reason(text: string): string {
  if (text.length <= maxReason) return text
  throw new InvalidArgumentError(`It has at most ${maxReason} characters.`)
}

/** Who gives the order; in a container a user need not have a name. */
function operator(): string {
  const sudoer = process.env['SUDO_USER']
  if (sudoer) return sudoer
  try {
    return userInfo().username
  } catch {
    // no entry for this uid
    return `uid ${process.getuid?.() ?? '?'}`
  }
}

function checkName(config: Config, name: string): void {
  oneOfNames(
    'backend',
    name,
    config.backends.map(backend => backend.name),
  )
}

function change(
  { directory }: Config,
  file: string,
  act: (file: string) => void,
): void {
  try {
    act(file)
  } catch (err) {
    const code = errorCode(err)
    const isInTheWay = code === 'EISDIR' || code === 'EPERM'
    throw new Failure(
      isInTheWay && lstatSync(`${directory}/${file}`).isDirectory()
        ? `${directory}/${file} could not be changed (${code}); a directory is in its place: remove it`
        : `${directory}/${file} could not be changed (${code}); ${directoryRemedy(code)}`,
      { cause: err },
    )
  }
}
