// The file of `cluster.cache`: what a boot without etcd starts from.
import { mkdirSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Logger } from 'pino'
import type { ClusterSettings } from '../config/config.ts'
import { writeAside } from '../sentinels/write.ts'
import { errorCode } from '../system/error-code.ts'
import { LogOnce } from '../system/log-once.ts'
import { readRegularFile } from '../system/regular-file.ts'
import { formatCache, parseCache, type Cache } from './cache-text.ts'

const maxBytes = 64 * 1024 * 1024

export class CacheFile {
  readonly #file: string
  readonly #site: string
  readonly #log: Logger
  readonly #logged = new LogOnce()
  #lastText = ''

  /** @param machine the name of this one */
  constructor(
    { cache, prefix }: Pick<ClusterSettings, 'cache' | 'prefix'>,
    machine: string,
    log: Logger,
  ) {
    this.#file = cache
    this.#site = `${prefix} ${machine}`
    this.#log = log
  }

  /** Empty when the file cannot be read, or belongs to another machine or prefix. */
  read(): Cache {
    const read = readRegularFile(this.#file, maxBytes)
    return parseCache(read.kind === 'bytes' ? read.text : '', this.#site)
  }

  /** Does nothing when nothing has changed; logs once that it fails. */
  save(content: Omit<Cache, 'site' | 'savedMs'>): void {
    const cache = { site: this.#site, ...content }
    const text = formatCache({ ...cache, savedMs: 0 })
    if (text === this.#lastText) return
    const directory = dirname(this.#file)
    try {
      mkdirSync(directory, { recursive: true })
      writeAside(
        directory,
        basename(this.#file),
        formatCache({ ...cache, savedMs: Date.now() }),
        0o640,
      )
      this.#lastText = text
      if (this.#logged.end(this.#file))
        this.#log.info({ file: this.#file }, 'orders are saved again')
    } catch (err) {
      if (this.#logged.isNew(this.#file))
        this.#log.error(
          {
            file: this.#file,
            err: errorCode(err),
            remedy: `let the monitor write there: StateDirectory=zope-failover in its unit, or set cluster.cache`,
          },
          'cannot save the orders: after a boot without etcd none would be active',
        )
    }
  }
}
