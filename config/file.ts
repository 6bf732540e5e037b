// The configuration file as text. Separate from load.ts, so that a program that
// only checks whether the text has changed need not load YAML and zod.
import { isUtf8 } from 'node:buffer'
import { readRegularBytes, type BytesRead } from '../system/regular-file.ts'
import { ConfigError } from './problem.ts'

/** Enough for several thousand backends; a longer file is a mistake. */
export const maxConfigBytes = 1024 * 1024

/** The text, and the owner and mode of the file. */
export type ConfigFile = {
  readonly text: string
  /** user id */
  readonly owner: number
  /** group id */
  readonly group: number
  /** permission bits */
  readonly mode: number
}

/** The file that is used without `--config`. */
export function defaultConfigFile(): string {
  // in a service file, an empty variable is an unset one
  return process.env['ZOPE_FAILOVER_CONFIG'] || '/etc/zope-failover.yaml'
}

/**
 * The text of the file, unchecked. Never waits for a writer: a file that has
 * become a pipe must not hang a program that reads it once a second.
 *
 * @throws {ConfigError} when it is not a regular file, cannot be read, is too
 *   large or not UTF-8
 */
export function readConfigText(file: string): string {
  return readConfigFile(file).text
}

/** The text with its owner and mode. */
export function readConfigFile(file: string): ConfigFile {
  return configFileOf(file, readRegularBytes(file, maxConfigBytes, 'followed'))
}

/**
 * @param read the result of reading it
 * @throws {ConfigError} as `readConfigText`
 */
export function configFileOf(file: string, read: BytesRead): ConfigFile {
  if (read.kind === 'gone')
    throw unreadable(
      file,
      'ENOENT',
      'create it (two lines are enough, see README) or name another with --config',
    )
  if (read.kind === 'refused')
    throw new ConfigError([
      `${file}: the configuration must be a regular file, got ${read.what}; name a file with --config`,
    ])
  if (read.kind === 'closed')
    throw unreadable(
      file,
      read.code,
      read.code === 'EACCES'
        ? `let this user (uid ${process.getuid?.() ?? '?'}) read it and enter its directory`
        : 'correct that or name another file with --config',
    )
  const { bytes, isCut, owner, group, mode } = read
  if (isCut)
    throw new ConfigError([
      `${file}: the configuration must be at most 1 MiB, got more; name the right file with --config`,
    ])
  if (!isUtf8(bytes))
    throw new ConfigError([
      `${file}:${invalidLine(bytes)}: the configuration must be UTF-8, got other bytes; save it as UTF-8`,
    ])
  return { text: bytes.toString('utf8'), owner, group, mode }
}

/** The first line that is not UTF-8. */
function invalidLine(bytes: Buffer): number {
  let line = 1
  let start = 0
  for (;;) {
    const end = bytes.indexOf('\n', start)
    if (end === -1 || !isUtf8(bytes.subarray(start, end))) return line
    start = end + 1
    line++
  }
}

function unreadable(file: string, code: string, remedy: string): ConfigError {
  return new ConfigError([
    `${file}: the configuration must be a readable file, got ${code}; ${remedy}`,
  ])
}
