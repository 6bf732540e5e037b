// Every unit test in one process: starting node and tap costs a second of processor
// time, and there are 150 files. One of them runs by its own name as well.
import { readdirSync } from 'node:fs'

const files = readdirSync('test/unit', { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.test.ts'))
  .toSorted()

for (const file of files) await import(`./unit/${file}`)
