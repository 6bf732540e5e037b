import { Argument, Command } from 'commander'
import { loadConfig } from '../config/load.ts'
import { printable } from '../config/printable.ts'
import { explain } from '../rewritemap/explain.ts'
import { buildTable } from '../choice/table.ts'
import { readSentinels } from '../sentinels/read.ts'
import { configOption } from './options.ts'
import { oneOfNames } from './names.ts'

/** `zope-failover explain POOL [ROUTE [AFFINITY]]`. */
export function explainCommand(): Command {
  return new Command('explain')
    .description('who would serve this lookup, why, and who next')
    .addArgument(new Argument('<pool>', 'a pool of the configuration'))
    .addArgument(
      new Argument(
        '[route]',
        'the backend the visitor is bound to, - for none',
      ),
    )
    .addArgument(
      new Argument('[affinity]', 'equal ones go to the same backend'),
    )
    .addOption(configOption())
    .action(
      (
        poolName: string,
        route: string | undefined,
        affinity: string | undefined,
        options: { config: string },
      ) => {
        const config = loadConfig(options.config)
        const snapshot = readSentinels(
          config.directory,
          new Set(config.backends.map(({ name }) => name)),
        )
        const table = buildTable(config, snapshot, Date.now())
        const pool = table.pools.get(
          oneOfNames('pool', poolName, [...table.pools.keys()]),
        )
        if (pool === undefined) return
        const lines = explain(
          table,
          pool,
          route === undefined || route === '-' || route === '' ? null : route,
          // the map sees bytes
          affinity === undefined || affinity === ''
            ? null
            : Buffer.from(affinity).toString('latin1'),
        )
        process.stdout.write(`${lines.map(printable).join('\n')}\n`)
        process.stderr.write(
          snapshot.problems.map(({ text }) => `${printable(text)}\n`).join(''),
        )
      },
    )
}
