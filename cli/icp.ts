import { Command } from 'commander'
import { readConfigText } from '../config/file.ts'
import { parseConfig } from '../config/parse.ts'
import { runIcp } from '../squid/icp.ts'
import { configOption } from './options.ts'

/** `zope-failover icp`: runs in the foreground until a signal ends it. */
export function icpCommand(): Command {
  return new Command('icp')
    .summary("answer Squid's ICP queries for the Zopes of this host")
    .description(
      'Answers ICP queries (RFC 2186) for the backends in icp.listen: HIT for the one that should get the request, MISS for its equals, MISS_NOFETCH for the others, silence in maintenance.',
    )
    .addOption(configOption())
    .action(async (options: { config: string }) => {
      const text = readConfigText(options.config)
      const config = parseConfig(text, options.config)
      const code = await runIcp(options.config, { text, config })
      // the watching thread is still running
      process.exit(code)
    })
}
