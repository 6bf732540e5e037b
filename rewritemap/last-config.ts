// The last valid configuration, kept in the directory. With it a restarted map
// program answers at once (loading YAML and zod takes longer than Node itself),
// and it starts even if the file has become invalid in the meantime.
import { statSync } from 'node:fs'
import { version } from '../system/version.ts'
import { errorCode } from '../system/error-code.ts'
import type { ReaderProgram } from '../sentinels/names.ts'
import { directoryProblem, readRegularFile } from '../sentinels/read.ts'
import { parseReport } from '../sentinels/reports.ts'
import { writeAside } from '../sentinels/write.ts'
import type { GoodConfig } from './thread/messages.ts'

/** One file per program: they may run as different users. */
function fileOf(program: ReaderProgram): string {
  return `.${program}-config.json`
}

const maxBytes = 32 * 1024 * 1024

/**
 * What `rememberConfig` wrote; undefined when there is nothing, or when it is
 * from another version, for another file, or by another user (in a directory
 * like /tmp another user could have planted it).
 */
export function recallConfig(
  directory: string,
  configFile: string,
  program: ReaderProgram,
): GoodConfig | undefined {
  if (isUntrusted(directory)) return undefined
  const read = readRegularFile(`${directory}/${fileOf(program)}`, maxBytes)
  if (read.kind !== 'bytes' || read.owner !== process.getuid?.())
    return undefined
  const kept = parseReport(read.text)
  return kept?.['version'] === version &&
    kept['configFile'] === configFile &&
    isGoodConfig(kept)
    ? { text: kept.text, config: kept.config }
    : undefined
}

/** In a world-writable directory even a hidden file may belong to any user. */
function isUntrusted(directory: string): boolean {
  try {
    return directoryProblem(directory, statSync(directory)) !== undefined
  } catch {
    // no directory, nothing to recall
    return true
  }
}

/** We wrote it after checking it, so a check for the main parts is enough. */
function isGoodConfig(kept: object): kept is GoodConfig {
  return (
    'text' in kept &&
    typeof kept.text === 'string' &&
    'config' in kept &&
    isConfig(kept.config)
  )
}

function isConfig(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'directory' in value &&
    typeof value.directory === 'string' &&
    'staleAfterMs' in value &&
    typeof value.staleAfterMs === 'number' &&
    'backends' in value &&
    Array.isArray(value.backends) &&
    'pools' in value &&
    Array.isArray(value.pools)
  )
}

export function rememberConfig(
  configFile: string,
  good: GoodConfig,
  program: ReaderProgram,
): void {
  // a helper that started without a configuration
  if (good.text === '') return
  try {
    writeAside(
      good.config.directory,
      fileOf(program),
      JSON.stringify({ version, configFile, ...good }),
      // the configuration can hold secrets (notify.headers)
      0o600,
    )
  } catch (err) {
    // an optimization: without it the next start is slower, nothing else
    void errorCode(err)
  }
}
