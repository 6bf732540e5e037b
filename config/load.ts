// Reads and checks the configuration file.
import type { Config } from './config.ts'
import { readConfigText } from './file.ts'
import { parseConfig } from './parse.ts'

export { defaultConfigFile, readConfigText } from './file.ts'

/**
 * @throws {ConfigError} when the file cannot be read or has problems
 */
export function loadConfig(file: string): Config {
  return parseConfig(readConfigText(file), file)
}
