// Keeps the view in step with etcd: reads all keys, then watches them; again and again.
import { setTimeout as sleep } from 'node:timers/promises'
import type { WatchEvent } from './answers.ts'
import type { Connection } from './connection.ts'
import type { Engine } from './engine.ts'
import { EngineError } from './engine-error.ts'
import { memberText, type Key } from './keys.ts'
import { moveAfterMs } from './presence.ts'
import { isOlder, View, type Header, type KeyValue } from './view.ts'
import type { Watch } from './watch-stream.ts'

/** A watch alone can lose events (etcd 3.4 and 3.5 after a compaction). */
const fullReadMs = 30_000
/** After a watch that lasted longer, the next one begins without a pause. */
const stableWatchMs = 1_000
/** An administrator has to change something: logins are expensive for etcd. */
const refusedRetryMs = 2_000

export type KeySource = {
  /** it has just been written */
  readonly isFresh: boolean
  /** etcd has older data than before */
  readonly isOld: boolean
}

export type KeyHandler = {
  /** keys that this machine follows, even if its view does not have them */
  readonly knownKeys: () => Iterable<string>
  /** before the keys of older data are handed over */
  readonly onOlderData: () => void
  readonly onKey: (
    key: Key,
    value: KeyValue | undefined,
    source: KeySource,
  ) => void
  /** all orders of this revision were handed over */
  readonly onRevision: (revision: number, isOld: boolean) => void
  /** everything was read, and no watch has begun */
  readonly onRead: (engine: Engine) => Promise<void>
  readonly onWatch: () => void
}

export class KeySync {
  readonly #connection: Connection
  readonly #handler: KeyHandler
  readonly #view = new View()
  #header: Header | undefined
  #watch: Watch | undefined
  #watchStartedAt = -Infinity
  #lastReadAt = -Infinity
  #isReading = false

  /** @param header the newest that an earlier monitor has seen */
  constructor(
    connection: Connection,
    header: Header | undefined,
    handler: KeyHandler,
  ) {
    this.#connection = connection
    this.#header = header
    this.#handler = handler
  }

  get header(): Header | undefined {
    return this.#header
  }

  /** Of the member that reports changes; null = none does. */
  get url(): string | null {
    return this.#watch?.url ?? null
  }

  get(key: string): KeyValue | undefined {
    return this.#view.get(key)
  }

  /** Everything is read again, and watched. */
  restart(): void {
    this.#watch?.stop()
  }

  /** @param keepsClient whether the client is kept after an error */
  async run(keepsClient: () => boolean): Promise<void> {
    const { signal } = this.#connection
    while (!signal.aborted) {
      const startedAt = performance.now()
      let waitMs = this.#connection.retryMs()
      try {
        const engine = this.#connection.open()
        await this.#readAll(engine)
        if (signal.aborted) return
        await this.#handler.onRead(engine)
        if (signal.aborted) return
        await this.#watchUntilItEnds(engine)
      } catch (err) {
        this.#connection.recordError(err)
        // the client is still needed to say goodbye
        if (signal.aborted) return
        if (!keepsClient()) this.#connection.close()
        if (err instanceof EngineError && err.kind === 'refused')
          waitMs = refusedRetryMs
      }
      if (performance.now() - startedAt > stableWatchMs) waitMs = 0
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => {
        // stopped
      })
    }
  }

  /** Another member of etcd is watched when no echo came through this one. */
  checkWatch(): void {
    if (this.#watch === undefined) return
    const nowMs = performance.now()
    const { lastEchoAt } = this.#connection
    if (nowMs - Math.max(lastEchoAt, this.#watchStartedAt) >= moveAfterMs) {
      this.#connection.leaveSilentMember(this.#watch.url)
      this.#watch.stop()
      this.#watch = undefined
    }
  }

  /** A full read is due. */
  get isReadDue(): boolean {
    return (
      this.#watch !== undefined &&
      !this.#isReading &&
      performance.now() - this.#lastReadAt >= fullReadMs
    )
  }

  /** Reads everything while the watch goes on; never rejects. */
  async readAgain(): Promise<void> {
    const { engine } = this.#connection
    if (this.#isReading || engine === undefined) return
    this.#isReading = true
    try {
      await this.#readAll(engine)
    } catch (err) {
      this.#lastReadAt = performance.now()
      this.#connection.recordError(err)
    } finally {
      this.#isReading = false
    }
  }

  /** @throws {EngineError} */
  async #readAll(engine: Engine): Promise<void> {
    const { keys, log, signal } = this.#connection
    const read = await engine.read(keys.all)
    if (signal.aborted) return
    this.#lastReadAt = performance.now()
    if (read.isCut)
      throw new EngineError(
        'refused',
        `etcd holds more than 10000 keys below ${keys.all}: remove foreign keys`,
      )
    const isOld = isOlder(this.#header, read.header)
    if (isOld) {
      log.error(
        { before: this.#header, now: read.header },
        'etcd has older data than before: no order is removed, and the orders that it lost stay active',
      )
      this.#handler.onOlderData()
    }
    this.#header = read.header
    const changed = this.#view.load(keys.all, read, isOld)
    for (const key of new Set([...changed, ...this.#handler.knownKeys()]))
      this.#handOver(key, { isFresh: false, isOld })
    this.#handler.onRevision(read.header.revision, isOld)
    if (!isOld) return
    // it waits for a revision that will come again only later
    this.restart()
    await this.#restoreMembers(engine, changed)
  }

  /**
   * A restart must go on asking a machine that is away.
   *
   * @throws {EngineError}
   */
  async #restoreMembers(
    engine: Engine,
    changed: readonly string[],
  ): Promise<void> {
    for (const key of changed)
      if (
        this.#connection.keys.parse(key)?.kind === 'member' &&
        this.#view.get(key) === undefined
      )
        await engine.transaction(
          [{ key, is: 'absent' }],
          [{ put: key, value: memberText(Date.now()) }],
        )
  }

  /** @throws {EngineError} when the watch cannot begin */
  async #watchUntilItEnds(engine: Engine): Promise<void> {
    const { keys, signal } = this.#connection
    const from = (this.#header?.revision ?? 0) + 1
    const watch = await engine.watch(keys.all, from, line => {
      if (line.kind === 'created') {
        this.#watchStartedAt = performance.now()
        this.#handler.onWatch()
        // etcd accepts a revision that it does not have yet, and reports nothing until then
        if (isOlder(this.#header, line.header)) void this.readAgain()
      } else if (line.kind === 'events')
        this.#onEvents(line.header.revision, line.events)
    })
    this.#watch = watch
    this.#watchStartedAt = performance.now()
    this.#handler.onWatch()
    if (signal.aborted) watch.stop()
    const end = await watch.ended
    if (this.#watch === watch) this.#watch = undefined
    if (end.kind === 'failed')
      this.#connection.recordProblem(`${watch.url}: ${end.why}`)
  }

  #onEvents(revision: number, events: readonly WatchEvent[]): void {
    // a member that lags behind may not know the newest term
    if (this.#header !== undefined)
      this.#header = {
        ...this.#header,
        revision: Math.max(this.#header.revision, revision),
      }
    const kinds = events.map(event => {
      const isNew =
        event.kind === 'put'
          ? this.#view.put(event.value)
          : this.#view.remove(event.key, event.revision)
      const key = event.kind === 'put' ? event.value.key : event.key
      return isNew
        ? this.#handOver(key, { isFresh: true, isOld: false })
        : undefined
    })
    if (kinds.includes('order')) this.#handler.onRevision(revision, false)
  }

  /** The kind of the key. */
  #handOver(name: string, source: KeySource): Key['kind'] | undefined {
    const key = this.#connection.keys.parse(name)
    if (key !== undefined)
      this.#handler.onKey(key, this.#view.get(name), source)
    return key?.kind
  }
}
