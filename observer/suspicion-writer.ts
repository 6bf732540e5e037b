// The files that an observer writes into the sentinel directory. Invariant:
// reading never waits for a write. One operation runs at a time, off the
// reading thread. While one hangs (a dead network file system) the next ones
// are queued by name, so the queue is never longer than the number of backends.
import { constants } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { errorCode } from '../system/error-code.ts'
import { sentinelFile, servedFile } from '../sentinels/names.ts'
import { become } from '../system/privileges.ts'

type SuspicionLog = {
  /** the directory cannot be written to; called once per code */
  readonly trouble: (file: string, code: string) => void
  /** it keeps running as root because the directory belongs to root */
  readonly rooted: () => void
  readonly suspected: (backend: string, signal: string) => void
}

export class SuspicionWriter {
  readonly #directory: string
  readonly #log: SuspicionLog
  readonly #suspects = new Map<string, string>()
  readonly #served = new Map<string, number>()
  readonly #reported = new Set<string>()
  #writing: Promise<void> | undefined
  #isRootReported = false
  /** files that could not be written */
  unwritten = 0

  constructor(directory: string, log: SuspicionLog) {
    this.#directory = directory
    this.#log = log
  }

  /** Asks the monitor for a probe. */
  suspect(backend: string, signal: string): void {
    this.#suspects.set(backend, signal)
    this.#start()
  }

  /** @param atMs end of a request with a good answer, ms since 1970 */
  served(backend: string, atMs: number): void {
    this.#served.set(backend, atMs)
    this.#start()
  }

  /** Resolves when nothing is left to write. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing
  }

  #start(): void {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined
    })
  }

  /** Suspicions first: a visitor may be waiting for each. */
  async #writeAll(): Promise<void> {
    for (;;) {
      const [suspect] = this.#suspects
      const [served] = this.#served
      if (suspect !== undefined) {
        const [backend, signal] = suspect
        this.#suspects.delete(backend)
        const file = sentinelFile(backend, 'suspect')
        if (await this.#touch(file, undefined))
          this.#log.suspected(backend, signal)
      } else if (served !== undefined) {
        const [backend, atMs] = served
        this.#served.delete(backend)
        await this.#touch(servedFile(backend), atMs)
      } else return
    }
  }

  /** Creates or touches the file; false when that failed. */
  async #touch(file: string, atMs: number | undefined): Promise<boolean> {
    const path = `${this.#directory}/${file}`
    try {
      if (process.geteuid?.() === 0) await this.#becomeOwner()
      const handle = await open(
        path,
        // a link is not followed, a FIFO does not block
        constants.O_WRONLY |
          constants.O_CREAT |
          constants.O_NOFOLLOW |
          constants.O_NONBLOCK,
        0o644,
      )
      try {
        if (atMs !== undefined) await handle.utimes(atMs / 1_000, atMs / 1_000)
      } finally {
        await handle.close()
      }
    } catch (err) {
      this.unwritten++
      const code = errorCode(err)
      if (!this.#reported.has(code)) this.#log.trouble(path, code)
      this.#reported.add(code)
      return false
    }
    this.#reported.clear()
    return true
  }

  /**
   * httpd starts its piped logs as root. Checked before each write, because the
   * directory may be created later than httpd starts.
   */
  async #becomeOwner(): Promise<void> {
    const { uid, gid } = await stat(this.#directory)
    if (uid !== 0) become(uid, gid)
    else if (!this.#isRootReported) {
      this.#isRootReported = true
      this.#log.rooted()
    }
  }
}
