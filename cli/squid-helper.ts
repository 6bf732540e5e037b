import { Command } from 'commander'
import { runHelper } from '../squid/helper.ts'
import { configOption } from './options.ts'
import { siteOption, urlOption } from './squid-options.ts'

type Options = {
  config: string
  directory?: string
  site: string[]
  url: string[]
}

/** `zope-failover squid-helper`: squid/main.ts, for use by hand. */
export function squidHelperCommand(): Command {
  return new Command('squid-helper')
    .summary('answer the url_rewrite_program of Squid')
    .description(
      'Answers the lines of url_rewrite_program or external_acl_type on stdin. Squid starts it as `squid-conf` prints it.',
    )
    .addOption(configOption())
    .option(
      '--directory <dir>',
      'the sentinel directory: with it the helper starts at once from the configuration kept there',
    )
    .addOption(siteOption('no rewriting'))
    .addOption(urlOption('as each request says'))
    .action(async (options: Options) => {
      const code = await runHelper({ ...options, configFile: options.config })
      // the watching thread is still running
      process.exit(code)
    })
}
