// Keeps zope-failover.map in sync with the sentinels: at once after a verdict of
// this monitor and after a change by an administrator.
import { lstatSync, statSync, watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { nextExpiry, textMap } from '../../choice/text-map.ts'
import { sentinelNames } from '../../config/config.ts'
import type { Config } from '../../config/config.ts'
import { presentFiles } from '../../sentinels/directory.ts'
import { adminKinds, sentinelFile, textMapFile } from '../../sentinels/names.ts'
import { SentinelReader } from '../../sentinels/read.ts'
import type { Snapshot } from '../../sentinels/snapshot.ts'
import type { Publisher } from './publisher.ts'

/** How soon an unannounced change is seen, such as an `.up` made by hand. */
const anywayMs = 5_000
/** Writing the map takes at most a fifth of the time, and waits at most a second. */
const pauseFactor = 4
const maxPauseMs = 1_000
/** How soon a change is seen that the file watcher missed. */
const checkMs = 1_000

export class TextMapWriter {
  readonly #publisher: Publisher
  readonly #reader: SentinelReader
  readonly #onRead: (snapshot: Snapshot) => void
  #config: Config
  #marks = ''
  #watcher: FSWatcher | undefined
  /** the directory that is watched: it may have been recreated */
  #watched: string | undefined
  /** by the wall clock: when the next administrator's file expires */
  #expiresMs = Infinity
  #writtenMs = -Infinity
  #checkedMs = -Infinity
  #pauseMs = 0
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  /** @param onRead called with the directory's content each time it was read */
  constructor(
    config: Config,
    publisher: Publisher,
    onRead: (snapshot: Snapshot) => void = () => {},
  ) {
    this.#config = config
    this.#publisher = publisher
    this.#onRead = onRead
    this.#reader = new SentinelReader(config.directory)
  }

  reconfigure(config: Config): void {
    this.#config = config
    this.schedule()
  }

  /** Something has changed: writes the map soon, with what was just published. */
  schedule(): void {
    if (this.#timer !== undefined || this.#isStopped) return
    // a huge directory must not take time from the probes
    const wait = this.#writtenMs + this.#pauseMs - performance.now()
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#write()
      },
      Math.max(0, wait),
    )
  }

  /**
   * Checks for changes by others. Called on every beat of the monitor; once a
   * second is enough while the file watcher works.
   */
  beat(): void {
    this.#rewatch()
    const nowMs = performance.now()
    if (Date.now() >= this.#expiresMs || nowMs - this.#writtenMs >= anywayMs)
      this.schedule()
    if (this.#watcher !== undefined && nowMs - this.#checkedMs < checkMs) return
    this.#checkedMs = nowMs
    const marks = adminMarks(this.#config)
    if (marks !== this.#marks) this.schedule()
    this.#marks = marks
  }

  /** The file stays, as the verdicts do. */
  stop(): void {
    this.#isStopped = true
    this.#watcher?.close()
    clearTimeout(this.#timer)
  }

  #rewatch(): void {
    const { directory } = this.#config
    const identity = directoryIdentity(directory)
    if (identity === this.#watched) return
    this.#watcher?.close()
    this.#watcher = undefined
    this.#watched = identity
    try {
      this.#watcher = watch(directory, (_event, name) => {
        // the files of the monitor and the map programs change all the time
        if (name === null || isAdminFile(name)) this.schedule()
      })
      this.#watcher.on('error', () => {
        // such as a vanished directory; beat() checks anyway
        this.#watched = undefined
      })
    } catch {
      // no directory, or no inotify watch left for this user; beat() checks anyway
    }
  }

  #write(): void {
    const startMs = performance.now()
    const now = Date.now()
    const snapshot = this.#reader.read(new Set(sentinelNames(this.#config)))
    this.#onRead(snapshot)
    this.#expiresMs = nextExpiry(snapshot, now)
    this.#publisher.writeFile(textMapFile, textMap(this.#config, snapshot, now))
    this.#writtenMs = performance.now()
    this.#pauseMs = Math.min(
      maxPauseMs,
      pauseFactor * (this.#writtenMs - startMs),
    )
  }
}

function isAdminFile(name: string): boolean {
  return adminKinds.some(kind => name.endsWith(`.${kind}`))
}

/** Differs when an administrator's file appears, disappears or is rewritten. */
function adminMarks(config: Config): string {
  const { directory } = config
  try {
    const files = sentinelNames(config).flatMap(name =>
      adminKinds.map(kind => sentinelFile(name, kind)),
    )
    return presentFiles(directory, files)
      .map(name => {
        const stats = lstatSync(`${directory}/${name}`)
        return `${name} ${stats.ino} ${stats.mtimeMs} ${stats.size}`
      })
      .join('\n')
  } catch {
    // the file or the directory vanished meanwhile: differs from any real value
    return ' '
  }
}

/** Differs for a recreated directory, even if it got the old one's inode. */
function directoryIdentity(directory: string): string | undefined {
  try {
    const { dev, ino, birthtimeMs } = statSync(directory)
    return `${dev} ${ino} ${birthtimeMs}`
  } catch {
    // there is nothing to watch
    return undefined
  }
}
