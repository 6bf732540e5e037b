// What this machine knows of the keys in etcd. Invariant: nothing older replaces
// something newer, in whatever order events and reads arrive. Pure.
import { maxKeys } from './keys.ts'

export type KeyValue = {
  readonly key: string
  readonly value: string
  /** the revision of its last change */
  readonly revision: number
}

/** Where an answer of etcd stands in its history. */
export type Header = {
  /** of the cluster of etcd */
  readonly clusterId: string
  readonly revision: number
  readonly term: number
}

/** Everything that etcd has below the prefix, or below a part of it. */
export type Read = {
  readonly header: Header
  readonly values: readonly KeyValue[]
  /** there are more keys than were read */
  readonly isCut: boolean
}

/** Whether an answer shows older data than an earlier one, or another etcd. */
export function isOlder(seen: Header | undefined, now: Header): boolean {
  return (
    seen !== undefined &&
    (now.clusterId !== seen.clusterId ||
      now.revision < seen.revision ||
      now.term < seen.term)
  )
}

export class View {
  readonly #values = new Map<string, KeyValue>()
  /** what was deleted, and when: an older event must not bring it back */
  readonly #deleted = new Map<string, number>()

  get values(): Iterable<KeyValue> {
    return this.#values.values()
  }

  get(key: string): KeyValue | undefined {
    return this.#values.get(key)
  }

  /** Applies an event; false when a newer state is known already. */
  put(value: KeyValue): boolean {
    if (value.revision <= this.#revisionOf(value.key)) return false
    this.#deleted.delete(value.key)
    this.#values.set(value.key, value)
    return true
  }

  /** Applies an event; false when a newer state is known already. */
  remove(key: string, revision: number): boolean {
    if (revision <= this.#revisionOf(key)) return false
    this.#deleted.set(key, revision)
    for (const [oldest] of this.#deleted) {
      if (this.#deleted.size <= maxKeys) break
      this.#deleted.delete(oldest)
    }
    return this.#values.delete(key)
  }

  /**
   * Applies a whole read: what is missing in it is gone, unless it was written
   * after the read.
   *
   * @param prefix what was read
   * @param isFresh forget what was known: the data is another's
   * @returns the keys that have changed
   */
  load(prefix: string, read: Read, isFresh: boolean): string[] {
    const present = new Set(read.values.map(({ key }) => key))
    const gone = [...this.#values.keys()].filter(
      key => key.startsWith(prefix) && !present.has(key),
    )
    if (isFresh) {
      this.#values.clear()
      this.#deleted.clear()
    }
    return [
      ...gone.filter(key => isFresh || this.remove(key, read.header.revision)),
      ...read.values.filter(value => this.put(value)).map(({ key }) => key),
    ]
  }

  #revisionOf(key: string): number {
    return Math.max(
      this.#values.get(key)?.revision ?? 0,
      this.#deleted.get(key) ?? 0,
    )
  }
}
