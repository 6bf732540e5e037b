#!/usr/bin/env -S UV_THREADPOOL_SIZE=64 node
// The command. One file per subcommand; each returns its exit code.
// (The thread pool: each DNS lookup of the monitor occupies a thread, and a
// lookup that hangs must not delay the others.)
import { Command, CommanderError } from 'commander'
import { printable } from '../text/printable.ts'
import { ConfigError } from '../config/problem.ts'
import { version } from '../system/version.ts'
import { CommandError, UsageError } from '../system/command-error.ts'
import { watchOutput } from './output.ts'

watchOutput()

const program = new Command('zope-failover')
  .description('failover for Apache httpd in front of Zope and Plone')
  .version(version)

/** In the order of the help. Each loads only what it needs. */
const subcommands: Record<string, () => Promise<Command>> = {
  monitor: async () => (await import('./monitor.ts')).monitorCommand(),
  rewritemap: async () => (await import('./rewritemap.ts')).rewritemapCommand(),
  observe: async () => (await import('./observe.ts')).observeCommand(),
  'apache-conf': async () =>
    (await import('./apache-conf.ts')).apacheConfCommand(),
  'squid-conf': async () =>
    (await import('./squid-conf.ts')).squidConfCommand(),
  'squid-helper': async () =>
    (await import('./squid-helper.ts')).squidHelperCommand(),
  icp: async () => (await import('./icp.ts')).icpCommand(),
  follow: async () => (await import('./follow.ts')).followCommand(),
  status: async () => (await import('./status.ts')).statusCommand(),
  maint: async () => (await import('./steer.ts')).actionCommand('maint'),
  drain: async () => (await import('./steer.ts')).actionCommand('drain'),
  force: async () => (await import('./steer.ts')).actionCommand('force'),
  ready: async () => (await import('./steer.ts')).readyCommand(),
  restart: async () => (await import('./restart.ts')).restartCommand(),
  cluster: async () => (await import('./cluster.ts')).clusterCommand(),
  explain: async () => (await import('./explain.ts')).explainCommand(),
  probe: async () => (await import('./probe.ts')).probeCommand(),
  check: async () => (await import('./check.ts')).checkCommand(),
  completion: async () => (await import('./completion.ts')).completionCommand(),
  schema: async () => (await import('./schema.ts')).schemaCommand(),
  manual: async () => (await import('./manual.ts')).manualCommand(),
}

// The one that is asked for; the help, the manual page, a shell's completion and
// an unknown name need all of them.
const named = process.argv[2] ?? ''
const alone =
  Object.hasOwn(subcommands, named) && !['completion', 'manual'].includes(named)
for (const load of alone ? [subcommands[named]] : Object.values(subcommands))
  if (load !== undefined) program.addCommand(await load())

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
