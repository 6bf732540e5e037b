// What an observer leaves in the sentinel directory. Invariant: nobody
// waits for it. One operation at a time, off the reading thread; while one
// hangs (a dead network file system) the next are kept by name, so they are
// never more than there are backends.
import { constants } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { errorCode } from '../system/error-code.ts'
import { sentinelFile, servedFile } from '../sentinels/names.ts'
import { become } from '../system/privileges.ts'

export type SuspicionLog = {
  /** the directory cannot be written; told once for each code */
  readonly trouble: (file: string, code: string) => void
  /** running as root, and staying so: the directory belongs to root */
  readonly rooted: () => void
  readonly suspected: (backend: string, finding: string) => void
}

export class SuspicionWriter {
  readonly #directory: string
  readonly #log: SuspicionLog
  readonly #suspects = new Map<string, string>()
  readonly #served = new Map<string, number>()
  readonly #told = new Set<string>()
  #writing: Promise<void> | undefined
  #isRootTold = false
  /** notes that could not be made */
  unwritten = 0

  constructor(directory: string, log: SuspicionLog) {
    this.#directory = directory
    this.#log = log
  }

  /** Asks the monitor for a probe. */
  suspect(backend: string, finding: string): void {
    this.#suspects.set(backend, finding)
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
        const [backend, finding] = suspect
        this.#suspects.delete(backend)
        const file = sentinelFile(backend, 'suspect')
        if (await this.#touch(file, undefined))
          this.#log.suspected(backend, finding)
      } else if (served !== undefined) {
        const [backend, atMs] = served
        this.#served.delete(backend)
        await this.#touch(servedFile(backend), atMs)
      } else return
    }
  }

  /** Makes the file if it is not there; false when that failed. */
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
      if (!this.#told.has(code)) this.#log.trouble(path, code)
      this.#told.add(code)
      return false
    }
    this.#told.clear()
    return true
  }

  /**
   * httpd starts its piped logs as root. Looked at before each note, for the
   * directory may come later than httpd.
   */
  async #becomeOwner(): Promise<void> {
    const { uid, gid } = await stat(this.#directory)
    if (uid !== 0) become(uid, gid)
    else if (!this.#isRootTold) {
      this.#isRootTold = true
      this.#log.rooted()
    }
  }
}
