// Keeps the directory and its lock in place, whatever happens to them.
import { LogOnce } from '../../system/log-once.ts'
import type { Logger } from 'pino'
import { errorCode } from '../../system/error-code.ts'
import { directoryRemedy } from '../../sentinels/read.ts'
import { holdLock } from './lock.ts'
import type { Publisher } from './publisher.ts'

/** Lets the monitor write only while the lock is held. */
export class LockKeeper {
  readonly #directory: string
  readonly #publisher: Publisher
  readonly #log: Logger
  readonly #logged = new LogOnce()

  constructor(directory: string, publisher: Publisher, log: Logger) {
    this.#directory = directory
    this.#publisher = publisher
    this.#log = log
  }

  /** False when another monitor has the directory. */
  keep(): boolean {
    const publisher = this.#publisher
    publisher.allow(true)
    publisher.ensureDirectory()
    const lock = holdLock(this.#directory)
    publisher.allow(lock.kind === 'held')
    switch (lock.kind) {
      case 'held':
        this.#logged.end('lock')
        return true
      case 'taken':
        this.#log.fatal(
          { directory: this.#directory, pid: lock.pid },
          'another monitor runs on this directory',
        )
        return false
      case 'blocked': {
        const err = errorCode(lock.error)
        // the publisher reports and recreates a lost directory
        if (err !== 'ENOENT' && this.#logged.isNew('lock', err))
          this.#log.error(
            {
              directory: this.#directory,
              err,
              remedy: directoryRemedy(err),
            },
            'cannot take the lock, writing nothing until it can',
          )
        return true
      }
    }
  }
}
