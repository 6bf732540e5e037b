// Reloads a changed configuration file while the program runs. The file is read
// once a second: unlike a file watcher, this detects a write in place, a rename
// and a delete-and-create alike, on every file system.
import { statSync } from 'node:fs'
import type { Config } from './config.ts'
import { readConfigFile, type ConfigFile } from './file.ts'
import { parseConfig } from './parse.ts'
import { ConfigError } from './problem.ts'

type ConfigChange =
  | { readonly kind: 'changed'; readonly config: Config; readonly text: string }
  | { readonly kind: 'refused'; readonly problems: readonly string[] }

type Refusal = (config: Config, read: ConfigFile) => string | undefined

/** A younger file may still be being written: half of it can be valid. */
const settledMs = 250

export class ConfigReload {
  readonly #file: string
  /** the text that was last loaded or rejected: each is reported once */
  #seen: string
  readonly #directory: string
  readonly #refusal: Refusal

  /**
   * @param file the configuration file
   * @param text what the running configuration was read from
   * @param config the running configuration
   * @param refusal why this program must not use an otherwise valid
   *   configuration
   */
  constructor(
    file: string,
    text: string,
    config: Config,
    refusal: Refusal = () => undefined,
  ) {
    this.#refusal = refusal
    this.#file = file
    this.#seen = text
    this.#directory = config.directory
  }

  /**
   * The change since the last call; undefined when there is none, or when the
   * file is changing right now. A file that cannot be read, is invalid, or has
   * another directory (that needs a restart) is rejected once; the program
   * keeps the previous configuration.
   *
   * @param now ms since 1970, the clock of the file
   */
  check(now: number = Date.now()): ConfigChange | undefined {
    let text
    try {
      const read = readConfigFile(this.#file)
      text = read.text
      if (text === this.#seen || this.#isUnsettled(now)) return undefined
      this.#seen = text
      const config = parseConfig(text, this.#file)
      const problem =
        config.directory === this.#directory
          ? this.#refusal(config, read)
          : this.#otherDirectory(config)
      return problem === undefined
        ? { kind: 'changed', config, text }
        : { kind: 'refused', problems: [problem] }
    } catch (err) {
      if (!(err instanceof ConfigError)) throw err
      if (text === undefined) {
        // there is no text to remember: the problems stand in for it
        const unread = err.problems.join('\n')
        if (unread === this.#seen) return undefined
        this.#seen = unread
      }
      return { kind: 'refused', problems: err.problems }
    }
  }

  #isUnsettled(now: number): boolean {
    try {
      const ageMs = now - statSync(this.#file).mtimeMs
      return ageMs >= 0 && ageMs < settledMs
    } catch {
      // gone since it was read: the next call reports it
      return true
    }
  }

  #otherDirectory(config: Config): string {
    return `${this.#file}: directory must stay ${this.#directory} while the program runs, got ${config.directory}; restart the monitor, and httpd for the map program`
  }
}
