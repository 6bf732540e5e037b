// drain, maint, force and ready: the administrator's files, written for him.
import { userInfo } from 'node:os'
import { Command, InvalidArgumentError } from 'commander'
import { parseDuration } from '../config/duration.ts'
import { errorCode } from '../config/error-code.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/config.ts'
import { newcomersOf } from '../rewritemap/choose.ts'
import { buildTable } from '../rewritemap/table.ts'
import { formatAdminNote } from '../sentinels/content.ts'
import { adminKinds, sentinelFile } from '../sentinels/names.ts'
import type { AdminKind } from '../sentinels/names.ts'
import { directoryRemedy, readSentinels } from '../sentinels/read.ts'
import { removeFile, writeAside } from '../sentinels/write.ts'
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
      .option('--reason <text>', 'shown by status')
      .action((name: string, options: Options) => {
        const config = loadConfig(options.config)
        checkName(config, name)
        const until =
          options.for === undefined ? null : Date.now() + options.for
        change(config, () => {
          writeAside(
            config.directory,
            sentinelFile(name, kind),
            formatAdminNote({
              reason: options.reason ?? null,
              by: process.env['SUDO_USER'] ?? userInfo().username,
              until,
            }),
          )
        })
        const end =
          until === null ? '' : ` until ${new Date(until).toISOString()}`
        tellEffect(config, `${name}: ${kind}${end}`)
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
      change(config, () => {
        for (const kind of adminKinds)
          if (removeFile(config.directory, sentinelFile(name, kind)))
            removed.push(kind)
      })
      tellEffect(
        config,
        removed.length === 0
          ? `${name}: nothing was set`
          : `${name}: no longer ${removed.join(', ')}`,
      )
    })
}

function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined && ms > 0) return ms
  throw new InvalidArgumentError('It is written like 30s, 5m or 2h.')
}

function checkName(config: Config, name: string): void {
  oneOfNames(
    'backend',
    name,
    config.backends.map(backend => backend.name),
  )
}

function change(config: Config, write: () => void): void {
  try {
    write()
  } catch (err) {
    const code = errorCode(err)
    throw new Failure(
      `${config.directory} could not be changed (${code}); ${directoryRemedy(code)}`,
      { cause: err },
    )
  }
}

/** What was done, and whom newcomers get now in each pool. */
function tellEffect(config: Config, done: string): void {
  const snapshot = readSentinels(
    config.directory,
    new Set(config.backends.map(({ name }) => name)),
  )
  const table = buildTable(config, snapshot, Date.now())
  process.stdout.write(`${done}\n`)
  for (const pool of table.pools.values()) {
    const names = newcomersOf(pool.members).map(({ name }) => name)
    process.stdout.write(
      names.length > 0
        ? `pool ${pool.name}: newcomers go to ${names.join(', ')}\n`
        : `pool ${pool.name}: NOBODY serves newcomers now\n`,
    )
  }
}
