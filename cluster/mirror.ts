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

/** `ready --here` makes this file: the order is no longer active on this machine. */
export function endMarkerFile(id: string): string {
  return `.ended-${id}`
}

export class Mirror {
  readonly #directory: string
  readonly #files: Files
  readonly #log: Logger
  readonly #lastTexts: Map<string, string>
  /** files whose problem is in the log */
  readonly #unreadable = new Set<string>()

  /** @param lastTexts what an earlier monitor wrote, by file */
  constructor(
    directory: string,
    files: Files,
    log: Logger,
    lastTexts: ReadonlyMap<string, string>,
  ) {
    this.#directory = directory
    this.#files = files
    this.#log = log
    this.#lastTexts = new Map(lastTexts)
  }

  /** What this machine wrote last, by file. */
  get lastTexts(): ReadonlyMap<string, string> {
    return this.#lastTexts
  }

  /**
   * Makes the files match the orders.
   *
   * @param orders the active ones, by file
   * @param nowMs since 1970
   * @returns whether all files match
   */
  apply(orders: ReadonlyMap<string, SharedOrder>, nowMs: number): boolean {
    let isDone = true
    const files = new Set([...orders.keys(), ...this.#lastTexts.keys()])
    for (const file of this.#unreadable)
      if (!files.has(file)) this.#unreadable.delete(file)
    for (const file of files) {
      const order = orders.get(file)
      const isActiveHere =
        order !== undefined &&
        !existsSync(`${this.#directory}/${endMarkerFile(order.order.id)}`)
      const target = isActiveHere ? fileTextOf(order) : undefined
      isDone = this.#applyFile(file, target, nowMs) && isDone
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
      file => !this.#lastTexts.has(file),
    )
  }

  #applyFile(file: string, target: string | undefined, nowMs: number): boolean {
    const content = this.#read(file)
    if (content === undefined) return false
    const step = fileStep(content, target, this.#lastTexts.get(file), nowMs)
    switch (step) {
      case 'keep':
        this.#lastTexts.set(file, target ?? '')
        return true
      case 'leave':
        this.#lastTexts.delete(file)
        return true
      case 'remove':
        if (!this.#files.remove(file)) return false
        this.#lastTexts.delete(file)
        this.#log.info({ file }, 'shared order ended: removed its file')
        return true
      case 'write':
      case 'restore': {
        if (!this.#files.writeFile(file, target ?? '')) return false
        this.#lastTexts.set(file, target ?? '')
        const backend = file.slice(0, file.lastIndexOf('.'))
        if (step === 'restore')
          this.#log.warn(
            { file, remedy: `zope-failover ready ${backend}` },
            'restored a file that was removed by hand: its order is still active on all machines',
          )
        else this.#log.info({ file }, 'applied a shared order')
        return true
      }
    }
  }

  /** null = it does not exist; undefined = it cannot be read. */
  #read(file: string): string | null | undefined {
    const path = `${this.#directory}/${file}`
    const read = readRegularFile(path, maxBytes)
    if (read.kind === 'bytes' || read.kind === 'gone') {
      if (this.#unreadable.delete(file))
        this.#log.info({ file }, 'the file of a shared order can be read again')
      return read.kind === 'bytes' ? read.text : null
    }
    if (!this.#unreadable.has(file)) {
      this.#unreadable.add(file)
      this.#log.error(
        read.kind === 'closed'
          ? {
              file,
              problem: read.code,
              remedy: `make ${path} readable for the user of the monitor`,
            }
          : { file, problem: `it is ${read.what}`, remedy: `remove ${path}` },
        'a shared order is not applied: its file cannot be read',
      )
    }
    return undefined
  }
}
