// For Node's --import: tests are TypeScript, and each file is compiled once, not once
// for each process that loads it (typescript-hooks.mjs).
import { register } from 'node:module'

register('./typescript-hooks.mjs', import.meta.url)
