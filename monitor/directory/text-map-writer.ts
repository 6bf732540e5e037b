// Keeps zope-failover.map in step with the sentinels: at once with a verdict of
// this monitor and with what an administrator does.
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

/** What nobody announced, such as an `.up` made by hand, is seen this soon. */
const anywayMs = 5_000
/** Making the map takes a fifth of the time at most, but waits a second at most. */
const pauseFactor = 4
const maxPauseMs = 1_000
/** What the watch has missed is seen this soon. */
const lookMs = 1_000

export class TextMapWriter {
  readonly #publisher: Publisher
  readonly #reader: SentinelReader
  readonly #seen: (snapshot: Snapshot) => void
  #config: Config
  #marks = ''
  #watcher: FSWatcher | undefined
  /** the directory that is watched: it may have been made anew */
  #watched: string | undefined
  /** by the wall clock: when an administrator's file ends */
  #expiresMs = Infinity
  #writtenMs = -Infinity
  #lookedMs = -Infinity
  #pauseMs = 0
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  /** @param seen gets the directory each time it was read */
  constructor(
    config: Config,
    publisher: Publisher,
    seen: (snapshot: Snapshot) => void = () => {},
  ) {
    this.#config = config
    this.#publisher = publisher
    this.#seen = seen
    this.#reader = new SentinelReader(config.directory)
  }

  retune(config: Config): void {
    this.#config = config
    this.note()
  }

  /** Something has changed: what has just been published goes in, too. */
  note(): void {
    if (this.#timer !== undefined || this.#isStopped) return
    // a huge directory must not keep the monitor from probing
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
   * Looks for what others did; called every beat of the monitor, where a watch
   * sees it sooner once a second.
   */
  beat(): void {
    this.#rewatch()
    const nowMs = performance.now()
    if (Date.now() >= this.#expiresMs || nowMs - this.#writtenMs >= anywayMs)
      this.note()
    if (this.#watcher !== undefined && nowMs - this.#lookedMs < lookMs) return
    this.#lookedMs = nowMs
    const marks = adminMarks(this.#config)
    if (marks !== this.#marks) this.note()
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
    const identity = identityOf(directory)
    if (identity === this.#watched) return
    this.#watcher?.close()
    this.#watcher = undefined
    this.#watched = identity
    try {
      this.#watcher = watch(directory, (_event, name) => {
        // the files of probes and programs change all the time
        if (name === null || isAdminFile(name)) this.note()
      })
      this.#watcher.on('error', () => {
        // such as a directory that has gone; the beat looks anyway
        this.#watched = undefined
      })
    } catch {
      // no directory, or no watch left for this user; the beat looks anyway
    }
  }

  #write(): void {
    const startMs = performance.now()
    const now = Date.now()
    const snapshot = this.#reader.read(new Set(sentinelNames(this.#config)))
    this.#seen(snapshot)
    this.#expiresMs = nextExpiry(snapshot, now)
    this.#publisher.keep(textMapFile, textMap(this.#config, snapshot, now))
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

/** Differs when an administrator's file comes, goes or is written anew. */
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
    // gone meanwhile, or the directory is: differs from all that were there
    return ' '
  }
}

/** Differs for a directory made anew, even if it got the old one's inode. */
function identityOf(directory: string): string | undefined {
  try {
    const { dev, ino, birthtimeMs } = statSync(directory)
    return `${dev} ${ino} ${birthtimeMs}`
  } catch {
    // there is nothing to watch
    return undefined
  }
}
