// This machine's sign of life in etcd: takes the name of the machine, writes its state
// under a lease, and gives the name back. Its own write comes back through the watch: the
// echo.
import { randomUUID } from 'node:crypto'
import { version } from '../system/version.ts'
import type { Connection } from './connection.ts'
import type { Engine } from './engine.ts'
import { EngineError } from './engine-error.ts'
import { formatLive, memberText, parseLive, type Live } from './keys.ts'
import { leaseSeconds, liveEveryMs, NameClaim } from './presence.ts'
import type { KeyValue } from './view.ts'

/** Orders are acknowledged at once, but not more often than this. */
const minGapMs = 20

export type SignOfLifeOptions = {
  /** of the last monitor that had the name here */
  readonly formerInstance: string | null
  readonly content: () => Omit<Live, 'instance' | 'version' | 'now'>
  readonly onJoin: () => void
  readonly onNameLost: () => void
}

export class SignOfLife {
  readonly #connection: Connection
  readonly #options: SignOfLifeOptions
  readonly #key: string
  readonly #instance: string = randomUUID()
  readonly #claim = new NameClaim()
  #lease: string | undefined
  /** of the key in etcd; undefined = it does not exist */
  #revision: number | undefined
  #lastWriteAt = -Infinity
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  /** something has changed since the current write began */
  #isStale = false
  #hasJoined = false

  constructor(connection: Connection, options: SignOfLifeOptions) {
    this.#connection = connection
    this.#options = options
    this.#key = connection.keys.liveOf(connection.machine)
  }

  get hasJoined(): boolean {
    return this.#hasJoined
  }

  /** Another machine has the name of this one. */
  get isDuplicate(): boolean {
    return this.#claim.isDuplicate
  }

  /** Ends with this machine; undefined before it has joined. */
  get lease(): string | undefined {
    return this.#lease
  }

  /** What the next monitor here may replace. */
  get lastInstance(): string | null {
    return this.#hasJoined ? this.#instance : this.#options.formerInstance
  }

  /**
   * Takes the name of this machine.
   *
   * @param found what etcd has under its key
   * @throws {EngineError} when another machine has the name
   */
  async join(engine: Engine, found: KeyValue | undefined): Promise<void> {
    this.#writing = this.#claimName(engine, found)
    try {
      await this.#writing
    } finally {
      this.#writing = undefined
    }
  }

  async #claimName(engine: Engine, found: KeyValue | undefined): Promise<void> {
    const { keys, log, machine, settings } = this.#connection
    const former = found && parseLive(found.value)?.instance
    const other =
      former !== undefined && former === this.#options.formerInstance
        ? undefined
        : this.#otherIn(found)
    if (other !== undefined)
      throw new EngineError(
        'refused',
        `another machine is called ${machine}, with version ${other.version}; waiting until it is gone`,
      )
    const lease = await engine.grant(leaseSeconds)
    const put = await engine.transaction(
      [{ key: this.#key, is: found?.revision ?? 'absent' }],
      [
        { put: this.#key, value: this.#text(), lease },
        { put: keys.member(machine), value: memberText(Date.now()) },
      ],
    )
    if (!put.isDone)
      throw new EngineError(
        'unreachable',
        'another machine took the name at the same time',
      )
    this.#lease = lease
    this.#revision = put.header.revision
    this.#claim.confirm()
    this.#hasJoined = true
    this.#lastWriteAt = performance.now()
    this.#options.onJoin()
    log.info({ name: machine, prefix: settings.prefix }, 'joined the cluster')
  }

  /** etcd has a new state of the key. */
  onOwnKey(found: KeyValue | undefined, isFresh: boolean): void {
    if (found === undefined || parseLive(found.value) === undefined) {
      if (!this.#hasJoined) return
      // the lease was lost, or an operator removed it: write it again
      this.#revision = undefined
      this.#lease = undefined
      this.write()
    } else if (this.#otherIn(found) !== undefined) this.#loseName()
    else {
      if (isFresh) this.#connection.recordEcho()
      this.#revision = found.revision
    }
  }

  /** Writes the state soon; at once when the last write was long enough ago. */
  write(): void {
    if (!this.#hasJoined || this.#connection.signal.aborted) return
    if (this.#writing === undefined)
      this.#writeIn(this.#lastWriteAt + minGapMs - performance.now())
    else this.#isStale = true
  }

  #writeIn(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(
      () => {
        void this.#writeNow()
      },
      Math.max(0, ms),
    )
    this.#timer.unref()
  }

  async #writeNow(): Promise<void> {
    const { engine } = this.#connection
    let nextMs = liveEveryMs
    if (engine !== undefined && this.#hasJoined) {
      this.#isStale = false
      this.#lastWriteAt = performance.now()
      try {
        this.#writing = this.#put(engine)
        await this.#writing
      } catch (err) {
        this.#connection.recordError(err)
        nextMs = this.#connection.retryMs()
      } finally {
        this.#writing = undefined
      }
    }
    if (this.#connection.signal.aborted || !this.#hasJoined) return
    if (this.#isStale) this.write()
    else this.#writeIn(nextMs)
  }

  /** @throws {EngineError} */
  async #put(engine: Engine): Promise<void> {
    if (this.#lease === undefined || !(await engine.keepAlive(this.#lease)))
      this.#lease = await engine.grant(leaseSeconds)
    const put = await engine.transaction(
      [{ key: this.#key, is: this.#revision ?? 'absent' }],
      [{ put: this.#key, value: this.#text(), lease: this.#lease }],
      [{ get: this.#key }],
    )
    if (put.isDone) {
      this.#revision = put.header.revision
      return
    }
    // the answer to an earlier write was lost, or another machine wrote
    const [found] = put.values
    if (this.#otherIn(found) === undefined) {
      this.#revision = found?.revision
      this.#isStale = true
    } else this.#loseName()
  }

  #text(): string {
    return formatLive({
      instance: this.#instance,
      version,
      now: Date.now(),
      ...this.#options.content(),
    })
  }

  /**
   * Another machine that has the name of this one; logs it once. Undefined: the sign of
   * life is our own, or cannot be read.
   */
  #otherIn(found: KeyValue | undefined): Live | undefined {
    const live = found && parseLive(found.value)
    if (live === undefined || live.instance === this.#instance) return undefined
    if (
      found !== undefined &&
      this.#claim.observe(live.instance, found.revision)
    )
      this.#connection.log.error(
        {
          name: this.#connection.machine,
          remedy: 'give each machine its own cluster.name',
        },
        'another machine has the name of this one: running alone',
      )
    return live
  }

  #loseName(): void {
    if (!this.#hasJoined) return
    this.#hasJoined = false
    clearTimeout(this.#timer)
    this.#options.onNameLost()
  }

  /**
   * The other machines see at once that this one goes. Never rejects.
   *
   * @param isForGood removes the name, too: commands no longer wait for this machine
   */
  async leave(isForGood: boolean): Promise<void> {
    clearTimeout(this.#timer)
    // it would write after this; its caller logs its error
    await this.#writing?.catch(() => {})
    try {
      if (this.#lease !== undefined)
        await this.#connection.engine?.revoke(this.#lease)
    } catch (err) {
      // away: the lease expires
      if (!(err instanceof EngineError)) this.#connection.recordError(err)
    }
    if (isForGood && this.#hasJoined) await this.#removeName()
    this.#connection.close()
  }

  async #removeName(): Promise<void> {
    const { keys, log, machine } = this.#connection
    try {
      await this.#connection
        .open()
        .transaction([], [{ remove: keys.member(machine) }])
    } catch (err) {
      // this machine has no cluster in its configuration any longer
      log.warn(
        {
          err,
          remedy: `on another machine: zope-failover cluster forget ${machine}`,
        },
        'the name of this machine was not removed from the cluster',
      )
    }
  }
}
