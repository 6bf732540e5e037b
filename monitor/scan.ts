// What others put into the sentinel directory: suspicions, administrator's files
// whose time is over, and things that mean nothing there.
import { readdirSync } from 'node:fs'
import type { Logger } from 'pino'
import { adminKinds, meaningOf, sentinelFile } from '../sentinels/names.ts'
import { readSentinels } from '../sentinels/read.ts'
import type { Snapshot } from '../sentinels/snapshot.ts'
import type { Publisher } from './publish.ts'

const maxTold = 10_000

/** The backends somebody suspects now. */
export function suspectedBackends(directory: string): string[] {
  let names
  try {
    names = readdirSync(directory)
  } catch {
    // the publisher tells of a directory that cannot be used
    return []
  }
  return names.flatMap(name => {
    const meaning = meaningOf(name)
    return meaning.kind === 'sentinel' && meaning.sentinel === 'suspect'
      ? [meaning.backend]
      : []
  })
}

export class Scan {
  readonly #directory: string
  readonly #publisher: Publisher
  readonly #log: Logger
  readonly #told = new Set<string>()

  constructor(directory: string, publisher: Publisher, log: Logger) {
    this.#directory = directory
    this.#publisher = publisher
    this.#log = log
  }

  /**
   * Takes expired files away and tells of strange ones, each once.
   *
   * @returns the directory as it was before
   */
  run(known: ReadonlySet<string>): Snapshot {
    const snapshot = readSentinels(this.#directory, known)
    if (this.#told.size > maxTold) this.#told.clear()
    for (const { key, text } of snapshot.problems) {
      if (this.#told.has(key)) continue
      this.#told.add(key)
      this.#log.warn({ problem: text }, 'directory has a problem')
    }
    for (const [backend, sentinels] of snapshot.backends)
      for (const kind of adminKinds) {
        const note = sentinels[kind]
        if (note === null || note.until === null || note.until > Date.now())
          continue
        if (this.#publisher.remove(sentinelFile(backend, kind)))
          this.#log.info(
            {
              backend,
              file: sentinelFile(backend, kind),
              until: new Date(note.until).toISOString(),
              reason: note.reason,
              by: note.by,
            },
            "administrator's file expired and was removed",
          )
      }
    return snapshot
  }
}
