// Keeps the sentinel directory correct, whatever happens to it: it vanishes, comes
// back, is replaced, fills up, becomes inaccessible. A failed write is tried again;
// a problem is logged once, and its end once.
import { chmodSync, mkdirSync } from 'node:fs'
import type { Logger } from 'pino'
import { namePattern } from '../../config/config.ts'
import { errorCode } from '../../system/error-code.ts'
import { LogOnce } from '../../system/log-once.ts'
import { directoryIdentity } from '../../sentinels/directory.ts'
import { formatShare } from '../../sentinels/content.ts'
import {
  monitorReportFile,
  sentinelFile,
  sentinelKinds,
  servedFile,
} from '../../sentinels/names.ts'
import { directoryRemedy, readRegularFile } from '../../sentinels/read.ts'
import { removeFile, touchFile, writeAside } from '../../sentinels/write.ts'

const retryMs = 1_000

export class Publisher {
  readonly #directory: string
  readonly #log: Logger
  /** what should be on disk: a share, or null = no file */
  readonly #desired = new Map<string, number | null>()
  readonly #unwritten = new Set<string>()
  /** what fails at present */
  readonly #problems = new Set<string>()
  #logged = new LogOnce()
  #isAllowed = false
  /** whether keepalived may watch a file of this directory (front.up) */
  isTracked = false
  #identity = ''
  #retriedMs = -Infinity

  constructor(directory: string, log: Logger) {
    this.#directory = directory
    this.#log = log
  }

  /** Whether the latest writes all succeeded. */
  get isWell(): boolean {
    return this.#isAllowed && this.#problems.size === 0
  }

  /** Only the holder of the lock may write; refused writes happen later. */
  allow(isAllowed: boolean): void {
    this.#isAllowed = isAllowed
  }

  /**
   * Puts the verdict on a backend on disk.
   *
   * @param share null removes the file
   * @param isConfirmed a probe passed: set the file's time to now
   */
  publish(name: string, share: number | null, isConfirmed: boolean): void {
    this.#desired.set(name, share)
    this.#write(name, isConfirmed)
  }

  /** Removes all files of a backend that is no longer configured. */
  forget(name: string): void {
    // the name may come from a file: it must not become a path
    if (!namePattern.test(name)) return
    this.#desired.delete(name)
    this.#unwritten.delete(name)
    for (const file of [
      ...sentinelKinds.map(kind => sentinelFile(name, kind)),
      servedFile(name),
    ])
      this.#attempt(file, () => {
        removeFile(this.#directory, file)
      })
  }

  /** Checks the directory itself and recreates it if it is lost. Called often. */
  ensureDirectory(): void {
    this.#attempt('', () => {
      const found = directoryIdentity(this.#directory)
      if (found === undefined) this.#makeDirectory()
      else if (found === this.#identity) return
      const isLost = this.#identity !== ''
      // keepalived still watches the old directory and does not see this one
      const isDeaf = this.isTracked && (isLost || found === undefined)
      this.#identity = directoryIdentity(this.#directory) ?? ''
      for (const name of this.#desired.keys()) this.#unwritten.add(name)
      this.#retriedMs = -Infinity
      if (isLost)
        this.#log.warn(
          { directory: this.#directory },
          'directory was lost or replaced, writing everything again',
        )
      if (isDeaf)
        this.#log.warn(
          {
            directory: this.#directory,
            remedy:
              'if keepalived tracks front.up, send keepalived a HUP: systemctl reload keepalived',
          },
          'the directory was recreated: send keepalived a HUP, or it will not see front.up',
        )
    })
  }

  /**
   * Repeats failed writes: at once in a new directory, else once a second.
   * Returns true if something was written.
   */
  retry(): boolean {
    const nowMs = performance.now()
    if (this.#unwritten.size === 0 || nowMs - this.#retriedMs < retryMs)
      return false
    this.#retriedMs = nowMs
    const before = this.#unwritten.size
    for (const name of this.#unwritten) this.#write(name, false)
    return this.#unwritten.size < before
  }

  /** Writes the report. Its time is the heartbeat: set at least that. */
  report(text: string): void {
    const isWritten = this.#attempt(monitorReportFile, () => {
      writeAside(this.#directory, monitorReportFile, text)
    })
    if (isWritten) return
    this.#attempt('heartbeat', () => {
      touchFile(this.#directory, monitorReportFile, Date.now())
    })
  }

  /** Writes a whole file, unless it already has this content; false: it failed. */
  writeFile(file: string, text: string): boolean {
    return this.#attempt(file, () => {
      const path = `${this.#directory}/${file}`
      const found = readRegularFile(path, Buffer.byteLength(text) + 1)
      if (found.kind !== 'bytes' || found.text !== text)
        writeAside(this.#directory, file, text)
    })
  }

  /** Removes a file; false if there was none or it failed. */
  remove(file: string): boolean {
    let wasThere = false
    this.#attempt(file, () => {
      wasThere = removeFile(this.#directory, file)
    })
    return wasThere
  }

  #write(name: string, isConfirmed: boolean): void {
    const share = this.#desired.get(name)
    if (share === undefined) return
    const file = sentinelFile(name, 'up')
    const isDone = this.#attempt(file, () => {
      if (share === null) {
        removeFile(this.#directory, file)
        return
      }
      const text = formatShare(share)
      const found = readRegularFile(`${this.#directory}/${file}`, 16)
      if (found.kind !== 'bytes' || found.text !== text)
        writeAside(this.#directory, file, text)
      else if (isConfirmed) touchFile(this.#directory, file, Date.now())
    })
    if (isDone) this.#unwritten.delete(name)
    else this.#unwritten.add(name)
  }

  #attempt(what: string, act: () => void): boolean {
    if (!this.#isAllowed) return false
    const path = what === '' ? this.#directory : `${this.#directory}/${what}`
    try {
      act()
    } catch (error) {
      const err = errorCode(error)
      // ensureDirectory() reports and recreates a lost directory
      if (err !== 'ENOENT' || what === '') this.#logProblem(path, err)
      return false
    }
    if (this.#problems.delete(path) && this.#problems.size === 0) {
      this.#logged = new LogOnce()
      this.#log.info({ file: path }, 'directory is writable again')
    }
    return true
  }

  /** A full disk is logged once, not once per file. */
  #logProblem(path: string, err: string): void {
    this.#problems.add(path)
    if (!this.#logged.isNew(err === 'EISDIR' ? path : err)) return
    const remedy =
      err === 'EISDIR'
        ? 'a directory has the name of this file: remove it'
        : directoryRemedy(err)
    this.#log.error(
      { file: path, err, remedy },
      'directory is not writable, retrying every second',
    )
  }

  #makeDirectory(): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o755 })
    // httpd runs as another user: the umask must not lock it out
    chmodSync(this.#directory, 0o755)
  }
}
