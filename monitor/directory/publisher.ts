// Keeps the sentinel directory true, whatever happens to it: it vanishes, comes
// back, is replaced, runs full, is closed to us. What cannot be written now is
// tried again; trouble is told once, and once when it is over.
import { chmodSync, mkdirSync, statSync } from 'node:fs'
import type { Logger } from 'pino'
import { namePattern } from '../../config/config.ts'
import { errorCode } from '../../system/error-code.ts'
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
  /** what is to be on disk: a share, or null = no file */
  readonly #wanted = new Map<string, number | null>()
  readonly #unwritten = new Set<string>()
  /** what cannot be done now, and why */
  readonly #troubles = new Map<string, string>()
  readonly #told = new Set<string>()
  #isAllowed = false
  /** whether keepalived may watch a file of this directory (front.up) */
  isTracked = false
  #identity = ''
  #retriedMs = -Infinity

  constructor(directory: string, log: Logger) {
    this.#directory = directory
    this.#log = log
  }

  /** Whether everything could be written when it was last tried. */
  get isWell(): boolean {
    return this.#isAllowed && this.#troubles.size === 0
  }

  /** Only who holds the lock may write; what is refused is written later. */
  allow(isAllowed: boolean): void {
    this.#isAllowed = isAllowed
  }

  /**
   * Puts the verdict on a backend on disk.
   *
   * @param share null takes the file away
   * @param isConfirmed a probe passed: the file's time is set to now
   */
  publish(name: string, share: number | null, isConfirmed: boolean): void {
    this.#wanted.set(name, share)
    this.#write(name, isConfirmed)
  }

  /** All files of a backend that is no longer configured. */
  forget(name: string): void {
    // what comes from a file must not become a path
    if (!namePattern.test(name)) return
    this.#wanted.delete(name)
    this.#unwritten.delete(name)
    for (const file of [
      ...sentinelKinds.map(kind => sentinelFile(name, kind)),
      servedFile(name),
    ])
      this.#attempt(file, () => {
        removeFile(this.#directory, file)
      })
  }

  /** Sees to the directory itself: often, for a lost one must not stay lost. */
  mend(): void {
    this.#attempt('', () => {
      const found = this.#directoryIdentity()
      if (found === undefined) this.#makeDirectory()
      else if (found === this.#identity) return
      const isLost = this.#identity !== ''
      // it watches the directory that was there, and hears nothing of this one
      const isDeaf = this.isTracked && (isLost || found === undefined)
      this.#identity = this.#directoryIdentity() ?? ''
      for (const name of this.#wanted.keys()) this.#unwritten.add(name)
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
          'this directory is a new one: send keepalived a HUP, or it does not see front.up',
        )
    })
  }

  /**
   * Tries again what could not be written: at once in a new directory, else
   * once a second. True when something was written.
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

  /** Writes the report; its time is the heartbeat, so at least that is set. */
  report(text: string): void {
    const isWritten = this.#attempt(monitorReportFile, () => {
      writeAside(this.#directory, monitorReportFile, text)
    })
    if (isWritten) return
    this.#attempt('heartbeat', () => {
      touchFile(this.#directory, monitorReportFile, Date.now())
    })
  }

  /** Puts a whole file there, unless it says the same already. */
  keep(file: string, text: string): void {
    this.#attempt(file, () => {
      const path = `${this.#directory}/${file}`
      const found = readRegularFile(path, Buffer.byteLength(text) + 1)
      if (found.kind !== 'bytes' || found.text !== text)
        writeAside(this.#directory, file, text)
    })
  }

  /** Takes away a file; false when there was none or it cannot be. */
  remove(file: string): boolean {
    let wasThere = false
    this.#attempt(file, () => {
      wasThere = removeFile(this.#directory, file)
    })
    return wasThere
  }

  #write(name: string, isConfirmed: boolean): void {
    const share = this.#wanted.get(name)
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
      // a lost directory is told of, and made again, by mend()
      if (err !== 'ENOENT' || what === '') this.#tellTrouble(path, err)
      return false
    }
    if (this.#troubles.delete(path) && this.#troubles.size === 0) {
      this.#told.clear()
      this.#log.info({ file: path }, 'directory can be written again')
    }
    return true
  }

  /** Once for a whole full disk, not once for each file on it. */
  #tellTrouble(path: string, err: string): void {
    this.#troubles.set(path, err)
    const key = err === 'EISDIR' ? path : err
    if (this.#told.has(key)) return
    this.#told.add(key)
    const remedy =
      err === 'EISDIR'
        ? 'a directory is in the place of this file: remove it'
        : directoryRemedy(err)
    this.#log.error(
      { file: path, err, remedy },
      'directory cannot be written, trying again each second',
    )
  }

  #directoryIdentity(): string | undefined {
    try {
      const stats = statSync(this.#directory)
      // its birth, too: a number is given again as soon as it is free
      return `${stats.dev}:${stats.ino}:${stats.birthtimeMs}`
    } catch (err) {
      if (errorCode(err) === 'ENOENT') return undefined
      throw err
    }
  }

  #makeDirectory(): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o755 })
    // the umask must not close it to httpd, which runs as another user
    chmodSync(this.#directory, 0o755)
  }
}
