// The configuration file as text. Apart from load.ts, for a program that only
// wants to know whether the text has changed need not load YAML and zod.
import { readFileSync } from 'node:fs'
import { errorCode } from './error-code.ts'
import { ConfigError } from './problem.ts'

/** The file that counts when `--config` is not given (contract 3). */
export function defaultConfigFile(): string {
  return process.env['ZOPE_FAILOVER_CONFIG'] ?? '/etc/zope-failover.yaml'
}

/**
 * The text of the file, unchecked.
 *
 * @throws {ConfigError} when it cannot be read
 */
export function readConfigText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (err) {
    throw unreadable(file, err)
  }
}

function unreadable(file: string, err: unknown): ConfigError {
  const code = errorCode(err)
  const remedies: Record<string, string> = {
    ENOENT:
      'create it (two lines are enough, see README) or name another with --config',
    EACCES: `let this user (uid ${process.getuid?.() ?? '?'}) read it`,
    EISDIR: 'name a file with --config, not a directory',
  }
  return new ConfigError([
    `${file}: the configuration must be a readable file, got ${code}; ${remedies[code] ?? 'mend that or name another file with --config'}`,
  ])
}
