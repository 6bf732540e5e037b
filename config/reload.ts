// Takes a changed configuration file over while the program runs. The file is
// looked at once a second: that sees a write in place, a rename over it and a
// delete-and-create alike, on every file system, which a file watcher does not.
import { statSync } from 'node:fs'
import type { Config } from './config.ts'
import { readConfigFile } from './file.ts'
import type { ConfigFile } from './file.ts'
import { parseConfig } from './parse.ts'
import { ConfigError } from './problem.ts'

export type ConfigChange =
  | { readonly kind: 'changed'; readonly config: Config; readonly text: string }
  | { readonly kind: 'refused'; readonly problems: readonly string[] }

type Refusal = (config: Config, read: ConfigFile) => string | undefined

/** A file changed so shortly ago may still be written: half of it can be valid. */
const settledMs = 250

export class ConfigReload {
  readonly #file: string
  /** the text that was last taken over or refused: each is told once */
  #seen: string
  readonly #directory: string
  readonly #refusal: Refusal

  /**
   * @param file the configuration file
   * @param text what the running configuration was read from
   * @param config the running configuration
   * @param refusal why this program must not use a configuration that is good in
   *   itself
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
   * What changed since the last call; undefined when nothing did, or when it
   * is changing right now. A file that cannot be read, is bad, or wants another
   * directory (contract 6: a restart) is refused, once, and the old
   * configuration lives on.
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
        // there is no text to remember: what is wrong stands for it
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
      // gone since it was read: the next look tells
      return true
    }
  }

  #otherDirectory(config: Config): string {
    return `${this.#file}: directory must stay ${this.#directory} while the program runs, got ${config.directory}; restart the monitor, and httpd for the map`
  }
}
