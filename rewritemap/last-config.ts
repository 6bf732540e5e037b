// The configuration as it was last checked, kept in the directory: a map that
// httpd starts anew answers at once (loading YAML and zod takes longer than
// Node itself), and starts at all when the file has meanwhile gone bad.
import { version } from '../config/version.ts'
import type { Config } from '../config/config.ts'
import { errorCode } from '../config/error-code.ts'
import { readRegularFile } from '../sentinels/read.ts'
import { parseReport } from '../sentinels/reports.ts'
import { writeAside } from '../sentinels/write.ts'

const file = '.rewritemap-config.json'
const maxBytes = 32 * 1024 * 1024

export type LastConfig = {
  /** the text of the configuration file it was made from */
  readonly text: string
  readonly config: Config
}

/**
 * What `rememberConfig` left; undefined when there is nothing, or it is from
 * another version, for another file, or by another user (in a directory like
 * /tmp somebody else could have put it there).
 */
export function recallConfig(
  directory: string,
  configFile: string,
): LastConfig | undefined {
  const read = readRegularFile(`${directory}/${file}`, maxBytes)
  if (read.kind !== 'bytes' || read.owner !== process.getuid?.())
    return undefined
  const kept = parseReport(read.text)
  return kept?.['version'] === version &&
    kept['configFile'] === configFile &&
    isLastConfig(kept)
    ? kept
    : undefined
}

/** The owner is the one who checked it: its having the parts is enough. */
function isLastConfig(kept: object): kept is LastConfig {
  return (
    'text' in kept &&
    typeof kept.text === 'string' &&
    'config' in kept &&
    typeof kept.config === 'object'
  )
}

export function rememberConfig(
  directory: string,
  configFile: string,
  text: string,
  config: Config,
): void {
  try {
    writeAside(
      directory,
      file,
      JSON.stringify({ version, configFile, text, config }),
    )
  } catch (err) {
    // only a help: without it the next start is slower, nothing else
    void errorCode(err)
  }
}
