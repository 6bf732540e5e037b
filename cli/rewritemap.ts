import { Command, Option } from 'commander'
import {
  answerStyles,
  httpdDialect,
  type AnswerStyle,
} from '../rewritemap/lookup.ts'
import { runMap } from '../rewritemap/run.ts'
import { configOption } from './options.ts'

type Options = {
  config: string
  directory?: string
  answer: AnswerStyle
  user?: string
  launched?: true
}

/** `zope-failover rewritemap`: rewritemap/main.ts, for use by hand. */
export function rewritemapCommand(): Command {
  return new Command('rewritemap')
    .description('answer lookups of RewriteMap prg: on stdin')
    .addOption(configOption())
    .option(
      '--directory <dir>',
      'the sentinel directory: with it the map program starts at once from the configuration kept there',
    )
    .addOption(
      new Option('--answer <style>', 'content of an answer')
        .choices(answerStyles)
        .default('name'),
    )
    .option('--user <user[:group]>', 'switch to this user when started as root')
    .addOption(new Option('--launched').hideHelp())
    .action(async (options: Options) => {
      const code = await runMap({
        configFile: options.config,
        directory: options.directory,
        dialect: httpdDialect(options.answer),
        program: 'rewritemap',
        user: options.user,
        isLaunched: options.launched === true,
      })
      // the watching thread is still running
      process.exit(code)
    })
}
