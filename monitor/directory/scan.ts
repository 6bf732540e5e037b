// Reads what others put into the sentinel directory: suspicions, expired
// administrator's files, and files that do not belong there.
import { lstatSync } from 'node:fs'
import type { Logger } from 'pino'
import { presentFiles } from '../../sentinels/directory.ts'
import { adminKinds, sentinelFile } from '../../sentinels/names.ts'
import { SentinelReader } from '../../sentinels/read.ts'
import type { Snapshot } from '../../sentinels/snapshot.ts'
import type { Publisher } from './publisher.ts'

/** How many logged problems are remembered. */
const maxLogged = 1_000
/** Foreign files may have new names every second: at most this many lines a minute. */
const maxLines = 20
const minuteMs = 60_000

/** The files that others have put into the directory now. */
type Announcements = {
  /** backends */
  readonly suspected: readonly string[]
  /** differs when an administrator's file appears, vanishes or is rewritten */
  readonly marks: string
}

/**
 * Checks these names only: other files in the directory must not delay a probe.
 *
 * @param known the backends of the configuration
 */
export function announcements(
  directory: string,
  known: Iterable<string>,
): Announcements {
  const suspects = new Map<string, string>()
  const files: string[] = []
  for (const name of known) {
    const suspect = sentinelFile(name, 'suspect')
    suspects.set(suspect, name)
    files.push(suspect, ...adminKinds.map(kind => sentinelFile(name, kind)))
  }
  const present = presentFiles(directory, files)
  return {
    suspected: present.flatMap(file => suspects.get(file) ?? []),
    marks: present
      .filter(file => !suspects.has(file))
      .map(file => markOf(directory, file))
      .join('\n'),
  }
}

function markOf(directory: string, file: string): string {
  try {
    const { ino, mtimeMs, size } = lstatSync(`${directory}/${file}`)
    return `${file} ${ino} ${mtimeMs} ${size}`
  } catch {
    // it vanished meanwhile: the next call does not list it
    return file
  }
}

export class Scan {
  readonly #reader: SentinelReader
  readonly #publisher: Publisher
  readonly #log: Logger
  #logged: ReadonlySet<string> = new Set<string>()
  #lines = 0
  #linesMs = -Infinity

  constructor(directory: string, publisher: Publisher, log: Logger) {
    this.#reader = new SentinelReader(directory)
    this.#publisher = publisher
    this.#log = log
  }

  /**
   * Removes expired files and logs unexpected ones, each once.
   *
   * @returns the directory as it was before
   */
  run(known: ReadonlySet<string>): Snapshot {
    const snapshot = this.#reader.read(known)
    this.#logProblems(snapshot.problems)
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

  #logProblems(problems: Snapshot['problems']): void {
    const nowMs = performance.now()
    if (nowMs - this.#linesMs >= minuteMs) {
      this.#linesMs = nowMs
      this.#lines = 0
    }
    const logged = new Set(this.#logged)
    for (const { key, text } of problems) {
      if (logged.has(key)) continue
      logged.add(key)
      this.#lines++
      if (this.#lines <= maxLines)
        this.#log.warn({ problem: text }, 'directory has a problem')
      else if (this.#lines === maxLines + 1)
        this.#log.warn(
          { problems: problems.length },
          'directory has more problems, not logged for a minute',
        )
    }
    // problems that still exist must not be logged again
    this.#logged =
      logged.size > maxLogged
        ? new Set(problems.slice(0, maxLogged).map(({ key }) => key))
        : logged
  }
}
