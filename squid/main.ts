// The program that Squid starts. Same options as `zope-failover squid-helper`, parsed
// by Node: commander would delay the first answer.
import { createRequire } from 'node:module'
import type * as Util from 'node:util'
import { defaultConfigFile } from '../config/file.ts'
import { reportProblems } from '../rewritemap/run.ts'
import { runHelper } from './helper.ts'

// as in rewritemap/main.ts: an import would make the socket non-blocking
const util: typeof Util = createRequire(import.meta.url)('node:util')

function optionsOf() {
  return util.parseArgs({
    options: {
      config: { type: 'string' },
      directory: { type: 'string' },
      site: { type: 'string', multiple: true },
      url: { type: 'string', multiple: true },
    },
  }).values
}

let values: ReturnType<typeof optionsOf> = {}
try {
  values = optionsOf()
} catch (err) {
  // Squid exits with a helper that exits, so even this one answers
  reportProblems([err instanceof Error ? err.message : String(err)])
}
process.exit(
  await runHelper({
    ...values,
    configFile: values.config ?? defaultConfigFile(),
  }),
)
