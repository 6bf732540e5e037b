// What the launcher starts. Same options as `zope-failover rewritemap`, parsed
// by Node's own parser: commander would delay the first answer by 15 ms.
import { createRequire } from 'node:module'
import type * as Util from 'node:util'
import { defaultConfigFile } from '../config/file.ts'
import { ConfigError } from '../config/problem.ts'
import { answerStyles, httpdDialect } from './lookup.ts'
import { reportProblems, runMap } from './run.ts'

// Not by import: from Node 22 on an import touches process.stderr, which makes
// the pipe non-blocking, also for httpd, which shares it.
const util: typeof Util = createRequire(import.meta.url)('node:util')

async function main(): Promise<number> {
  let values
  try {
    ;({ values } = util.parseArgs({
      options: {
        config: { type: 'string' },
        directory: { type: 'string' },
        answer: { type: 'string', default: 'name' },
        user: { type: 'string' },
        launched: { type: 'boolean', default: false },
      },
    }))
  } catch (err) {
    reportProblems([err instanceof Error ? err.message : String(err)])
    return 2
  }
  const answer = answerStyles.find(style => style === values.answer)
  if (answer === undefined) {
    reportProblems([
      `--answer must be ${answerStyles.join(' or ')}, got "${values.answer}"`,
    ])
    return 2
  }
  try {
    return await runMap({
      configFile: values.config ?? defaultConfigFile(),
      directory: values.directory,
      dialect: httpdDialect(answer),
      program: 'rewritemap',
      user: values.user,
      isLaunched: values.launched,
    })
  } catch (err) {
    if (err instanceof ConfigError) reportProblems(err.problems)
    else
      reportProblems([
        err instanceof Error ? (err.stack ?? err.message) : String(err),
      ])
    return err instanceof ConfigError ? 2 : 1
  }
}

process.exit(await main())
