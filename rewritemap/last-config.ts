// The configuration as it was last checked, kept in the directory: a map that
// httpd starts anew answers at once (loading YAML and zod takes longer than
// Node itself), and starts at all when the file has meanwhile gone bad.
import { statSync } from 'node:fs'
import { version } from '../system/version.ts'
import { errorCode } from '../system/error-code.ts'
import type { ReaderProgram } from '../sentinels/names.ts'
import { directoryProblem, readRegularFile } from '../sentinels/read.ts'
import { parseReport } from '../sentinels/reports.ts'
import { writeAside } from '../sentinels/write.ts'
import type { GoodConfig } from './thread/messages.ts'

/** Each program has its own: they may run as different users. */
function fileOf(program: ReaderProgram): string {
  return `.${program}-config.json`
}

const maxBytes = 32 * 1024 * 1024

/**
 * What `rememberConfig` left; undefined when there is nothing, or it is from
 * another version, for another file, or by another user (in a directory like
 * /tmp somebody else could have put it there).
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

/** A directory that all users may write to: even what it hides may be anybody's. */
function isUntrusted(directory: string): boolean {
  try {
    return directoryProblem(directory, statSync(directory)) !== undefined
  } catch {
    // there is nothing to recall
    return true
  }
}

/** The owner is the one who checked it: its having the parts is enough. */
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
  // what a helper begins with when there is none
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
    // only a help: without it the next start is slower, nothing else
    void errorCode(err)
  }
}
