// For Node's --import: tests are TypeScript, and each file is compiled once, not once
// for each process that loads it (typescript-hooks.mjs).
import { register } from 'node:module'
import processOnSpawn from 'process-on-spawn'

register('./typescript-hooks.mjs', import.meta.url)

// tap loads its module hooks into every Node process that a test starts: twice the
// processor time for a program that ends after half a second. No test counts the
// coverage of another process, so those start as they do for a user.
processOnSpawn.removeAllListeners()
delete process.env.NODE_OPTIONS
