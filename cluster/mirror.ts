// Puts the orders of all machines into this machine's directory, as the files that a
// person would make there.
import type { Logger } from 'pino'
import { existsSync } from 'node:fs'
import { presentFiles } from '../sentinels/directory.ts'
import { adminKinds, sentinelFile } from '../sentinels/names.ts'
import { readRegularFile } from '../system/regular-file.ts'
import { fileStep, fileTextOf, type SharedOrder } from './orders.ts'

/** Writes to the directory; false when it failed. */
export type Files = {
  readonly writeFile: (file: string, text: string) => boolean
  readonly remove: (file: string) => boolean
}

/** Longer than any file that we write. */
const maxBytes = 8_192

/** `ready --here` makes this file: the order no longer counts on this machine. */
export function endedHereFile(id: string): string {
  return `.ended-${id}`
}

export class Mirror {
  readonly #directory: string
  readonly #files: Files
  readonly #log: Logger
  /** what this machine wrote, by file */
  readonly #written: Map<string, string>

  /** @param written what an earlier monitor wrote */
  constructor(
    directory: string,
    files: Files,
    log: Logger,
    written: ReadonlyMap<string, string>,
  ) {
    this.#directory = directory
    this.#files = files
    this.#log = log
    this.#written = new Map(written)
  }

  get written(): ReadonlyMap<string, string> {
    return this.#written
  }

  /**
   * Makes the files match the orders.
   *
   * @param orders in force, by file
   * @param nowMs since 1970
   * @returns whether all is as it must be
   */
  apply(orders: ReadonlyMap<string, SharedOrder>, nowMs: number): boolean {
    let isDone = true
    for (const file of new Set([...orders.keys(), ...this.#written.keys()])) {
      const order = orders.get(file)
      const isWanted =
        order !== undefined &&
        !existsSync(`${this.#directory}/${endedHereFile(order.order.id)}`)
      const wanted = isWanted ? fileTextOf(order) : undefined
      isDone = this.#applyFile(file, wanted, nowMs) && isDone
    }
    return isDone
  }

  /** Removes the files that this machine wrote and no person has changed. */
  removeAll(): void {
    this.apply(new Map(), Date.now())
  }

  /** Files of administrators that are not ours. */
  ownFiles(names: readonly string[]): string[] {
    const files = names.flatMap(name =>
      adminKinds.map(kind => sentinelFile(name, kind)),
    )
    return presentFiles(this.#directory, files).filter(
      file => !this.#written.has(file),
    )
  }

  #applyFile(file: string, wanted: string | undefined, nowMs: number): boolean {
    const written = this.#written.get(file)
    const found = this.#read(file)
    if (found === undefined) return false
    const step = fileStep(found, wanted, written, nowMs)
    switch (step) {
      case 'ours':
        this.#written.set(file, wanted ?? '')
        return true
      case 'leave':
        this.#written.delete(file)
        return true
      case 'remove':
        if (!this.#files.remove(file)) return false
        this.#written.delete(file)
        this.#log.info({ file }, 'order ended: file removed')
        return true
      case 'write':
      case 'write-again': {
        if (!this.#files.writeFile(file, wanted ?? '')) return false
        this.#written.set(file, wanted ?? '')
        const backend = file.slice(0, file.lastIndexOf('.'))
        if (step === 'write-again')
          this.#log.warn(
            { file, remedy: `zope-failover ready ${backend}` },
            'file of an order was removed by hand and is back: the order is still in force on all machines',
          )
        else this.#log.info({ file }, 'order of all machines applied')
        return true
      }
    }
  }

  /** null = there is none; undefined = it cannot be read. */
  #read(file: string): string | null | undefined {
    const read = readRegularFile(`${this.#directory}/${file}`, maxBytes)
    if (read.kind === 'bytes') return read.text
    return read.kind === 'gone' ? null : undefined
  }
}
