import { Argument, Command } from 'commander'
import { frontName, sentinelNames } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { printable } from '../text/printable.ts'
import { explain } from '../rewritemap/explain.ts'
import { buildTable } from '../choice/table.ts'
import { isInTextMap } from '../choice/text-map.ts'
import { textMapFile } from '../sentinels/names.ts'
import { readRegularFile, readSentinels } from '../sentinels/read.ts'
import { statusOf } from '../status/read.ts'
import { explainFront } from '../status/front.ts'
import { configOption } from './options.ts'
import { oneOfNames } from './names.ts'

/** Enough for a thousand backends in several pools. */
const maxTextMapBytes = 16 * 1024 * 1024

/** `zope-failover explain POOL [ROUTE [AFFINITY]]`. */
export function explainCommand(): Command {
  return new Command('explain')
    .description('which backend serves a visitor, why, and which one is next')
    .addArgument(
      new Argument('<pool>', 'a pool of the configuration, or front'),
    )
    .addArgument(
      new Argument(
        '[route]',
        "the backend of the visitor's session, - for none",
      ),
    )
    .addArgument(
      new Argument('[affinity]', 'equal keys go to the same backend'),
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
          new Set(sentinelNames(config)),
        )
        const table = buildTable(config, snapshot, Date.now())
        if (poolName === frontName && !table.pools.has(frontName)) {
          process.stdout.write(
            `${explainFront(statusOf(config, Date.now())).join('\n')}\n`,
          )
          return
        }
        const pool = table.pools.get(
          oneOfNames('pool', poolName, [...table.pools.keys()]),
        )
        if (pool === undefined) return
        const visitor = [
          route === undefined || route === '-' || route === '' ? null : route,
          // the map program sees bytes
          affinity === undefined || affinity === ''
            ? null
            : Buffer.from(affinity).toString('latin1'),
        ] as const
        const file = readRegularFile(
          `${config.directory}/${textMapFile}`,
          maxTextMapBytes,
        )
        const isText =
          file.kind === 'bytes' &&
          isInTextMap(pool, ...visitor, snapshot, file.text)
        const lines = explain(table, pool, ...visitor, isText)
        process.stdout.write(`${lines.map(printable).join('\n')}\n`)
        process.stderr.write(
          snapshot.problems.map(({ text }) => `${printable(text)}\n`).join(''),
        )
      },
    )
}
