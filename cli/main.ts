#!/usr/bin/env -S UV_THREADPOOL_SIZE=64 node
// The command. One file per subcommand; each returns its exit code.
// (The thread pool: each DNS lookup of the monitor occupies a thread, and a
// lookup that hangs must not delay the others.)
import { Command, CommanderError } from 'commander'
import { printable } from '../text/printable.ts'
import { ConfigError } from '../config/problem.ts'
import { version } from '../system/version.ts'
import { apacheConfCommand } from './apache-conf.ts'
import { checkCommand } from './check.ts'
import { completionCommand } from './completion.ts'
import { followCommand } from './follow.ts'
import { icpCommand } from './icp.ts'
import { CommandError, UsageError } from '../system/command-error.ts'
import { explainCommand } from './explain.ts'
import { manualCommand } from './manual.ts'
import { monitorCommand } from './monitor.ts'
import { observeCommand } from './observe.ts'
import { watchOutput } from './output.ts'
import { probeCommand } from './probe.ts'
import { restartCommand } from './restart.ts'
import { rewritemapCommand } from './rewritemap.ts'
import { schemaCommand } from './schema.ts'
import { squidConfCommand } from './squid-conf.ts'
import { squidHelperCommand } from './squid-helper.ts'
import { statusCommand } from './status.ts'
import { readyCommand, actionCommands } from './steer.ts'

watchOutput()

const program = new Command('zope-failover')
  .description('failover for Apache httpd in front of Zope and Plone')
  .version(version)

for (const command of [
  monitorCommand(),
  rewritemapCommand(),
  observeCommand(),
  apacheConfCommand(),
  squidConfCommand(),
  squidHelperCommand(),
  icpCommand(),
  followCommand(),
  statusCommand(),
  ...actionCommands(),
  readyCommand(),
  restartCommand(),
  explainCommand(),
  probeCommand(),
  checkCommand(),
  completionCommand(),
  schemaCommand(),
  manualCommand(),
])
  program.addCommand(command)

for (const command of [program, ...program.commands])
  command.exitOverride().showHelpAfterError('(try --help)')

// For a monitoring system, 1 and 2 of `probe` are verdicts on the backend, and
// 3 means that it could not probe (the exit codes of monitoring plugins).
const isProbe = process.argv[2] === 'probe'
const wrongUsage = isProbe ? 3 : 2
const failed = isProbe ? 3 : 1

try {
  await program.parseAsync()
} catch (err) {
  if (err instanceof CommanderError) {
    // commander has printed it already; its code for any wrong usage is 1
    process.exitCode = err.exitCode === 0 ? 0 : wrongUsage
  } else if (err instanceof ConfigError) {
    process.stderr.write(`${err.problems.join('\n')}\n`)
    process.exitCode = wrongUsage
  } else if (err instanceof UsageError) {
    process.stderr.write(`${printable(err.message)}\n`)
    process.exitCode = wrongUsage
  } else if (err instanceof CommandError) {
    process.stderr.write(`${printable(err.message)}\n`)
    process.exitCode = failed
  } else {
    process.stderr.write(
      `${err instanceof Error ? (err.stack ?? err.message) : String(err)}\n`,
    )
    process.exitCode = failed
  }
}
