// zope-failover cluster: what only several machines need.
import { Argument, Command } from 'commander'
import { loadConfig } from '../config/load.ts'
import type { ClusterSettings, Config } from '../config/config.ts'
import { clusterText } from '../status/print.ts'
import { statusOf } from '../status/read.ts'
import { CommandError, UsageError } from '../system/command-error.ts'
import { configOption } from './options.ts'
import { hasColour } from './output.ts'

type Options = { config: string }

/** `zope-failover cluster [status|adopt|forget NAME]`. */
export function clusterCommand(): Command {
  return new Command('cluster')
    .summary('the machines that follow the same orders')
    .description(
      'status: shows the machines. adopt: writes the orders that etcd has lost to etcd again. forget NAME: forgets a machine that will not come back.',
    )
    .addArgument(
      new Argument('[action]', 'what to do')
        .choices(['status', 'adopt', 'forget'])
        .default('status'),
    )
    .argument('[name]', 'the machine to forget')
    .addOption(configOption())
    .action(
      async (action: string, name: string | undefined, options: Options) => {
        if ((action === 'forget') !== (name !== undefined))
          throw new UsageError(
            'forget must have the name of a machine, and only forget has one',
          )
        const config = loadConfig(options.config)
        const settings = clusterOf(config)
        if (action === 'status') {
          show(config)
          return
        }
        const { adoptOrders, forgetMachine } =
          await import('../operate/clean-up.ts')
        const lines =
          name === undefined
            ? await adoptOrders(config, settings)
            : await forgetMachine(config, settings, name)
        process.stdout.write(`${lines.join('\n')}\n`)
      },
    )
}

function show(config: Config): void {
  const { cluster } = statusOf(config, Date.now())
  if (cluster === undefined)
    throw new CommandError(
      'the monitor must run to show the machines; start it (zope-failover monitor)',
    )
  process.stdout.write(clusterText(cluster, hasColour(process.stdout)))
}

function clusterOf({ cluster }: Config): ClusterSettings {
  if (cluster !== undefined) return cluster
  throw new UsageError(
    'cluster must be configured first: add the key "cluster" to the configuration',
  )
}
