// The configuration file as text. Apart from load.ts, for a program that only
// wants to know whether the text has changed need not load YAML and zod.
import { isUtf8 } from 'node:buffer'
import { closeSync, openSync, readSync } from 'node:fs'
import { errorCode } from './error-code.ts'
import { ConfigError } from './problem.ts'

/** Several thousand backends; more is some other file, or a device. */
const maxConfigBytes = 1024 * 1024

/** The file that counts when `--config` is not given (contract 3). */
export function defaultConfigFile(): string {
  // an empty variable is how a service file unsets one
  return process.env['ZOPE_FAILOVER_CONFIG'] || '/etc/zope-failover.yaml'
}

/**
 * The text of the file, unchecked.
 *
 * @throws {ConfigError} when it cannot be read, is too large or not UTF-8
 */
export function readConfigText(file: string): string {
  let bytes
  try {
    bytes = readAtMost(file, maxConfigBytes + 1)
  } catch (err) {
    throw unreadable(file, err)
  }
  if (bytes.length > maxConfigBytes)
    throw new ConfigError([
      `${file}: the configuration must be at most 1 MiB, got more; name the right file with --config`,
    ])
  if (!isUtf8(bytes))
    throw new ConfigError([
      `${file}:${strangeLine(bytes)}: the configuration must be UTF-8, got other bytes; save it as UTF-8`,
    ])
  return bytes.toString('utf8')
}

/** In pieces: what a device or a pipe holds is not known before. */
function readAtMost(file: string, limit: number): Buffer {
  const fd = openSync(file, 'r')
  try {
    const pieces: Buffer[] = []
    let length = 0
    while (length < limit) {
      const piece = Buffer.allocUnsafe(65_536)
      const count = readSync(fd, piece, 0, piece.length, null)
      if (count === 0) break
      pieces.push(piece.subarray(0, count))
      length += count
    }
    return Buffer.concat(pieces)
  } finally {
    closeSync(fd)
  }
}

/** The first line that is not UTF-8. */
function strangeLine(bytes: Buffer): number {
  let line = 1
  let start = 0
  for (;;) {
    const end = bytes.indexOf('\n', start)
    if (end === -1 || !isUtf8(bytes.subarray(start, end))) return line
    start = end + 1
    line++
  }
}

function unreadable(file: string, err: unknown): ConfigError {
  const code = errorCode(err)
  const remedies: Record<string, string> = {
    ENOENT:
      'create it (two lines are enough, see README) or name another with --config',
    EACCES: `let this user (uid ${process.getuid?.() ?? '?'}) read it and enter its directory`,
    EISDIR: 'name a file with --config, not a directory',
  }
  return new ConfigError([
    `${file}: the configuration must be a readable file, got ${code}; ${remedies[code] ?? 'mend that or name another file with --config'}`,
  ])
}
