// This machine as a member of the cluster: follows the keys in etcd, and puts the active
// orders into the directory. Invariant: nothing that serves depends on it; when etcd is
// away, the files stay.
import type { Logger } from 'pino'
import type { ClusterSettings } from '../config/config.ts'
import type { ClusterReport, ClusterState } from '../sentinels/reports.ts'
import { CacheFile } from './cache-file.ts'
import { savedOrders } from './cache-text.ts'
import { Connection } from './connection.ts'
import { ExpiredOrders } from './expired-orders.ts'
import { KeySync, type KeySource } from './key-sync.ts'
import { parseLive, parseOrder, type Key, type Live } from './keys.ts'
import { Machines } from './machines.ts'
import { Mirror, type Files } from './mirror.ts'
import { SharedOrders } from './orders.ts'
import { presenceOf } from './presence.ts'
import { RestartAnswers, type AnswerAsk } from './restart-answers.ts'
import { SignOfLife } from './sign-of-life.ts'
import type { KeyValue } from './view.ts'

/** What the monitor provides. */
export type MemberContext = {
  readonly directory: string
  readonly files: Files
  readonly log: Logger
  /** names that may have administrators' files */
  readonly backends: () => readonly string[]
  readonly states: () => Live['states']
  readonly settings: () => Live['settings']
  /** how many map programs run here */
  readonly maps: () => number
  readonly answer: AnswerAsk
  /** the report has changed */
  readonly onChange: () => void
}

export class ClusterMember {
  readonly #context: MemberContext
  readonly #connection: Connection
  readonly #machines = new Machines()
  readonly #orders: SharedOrders
  readonly #mirror: Mirror
  readonly #cache: CacheFile
  readonly #sync: KeySync
  readonly #signOfLife: SignOfLife
  readonly #answers: RestartAnswers
  readonly #expiredOrders: ExpiredOrders
  /** the orders of this revision are known */
  #knownRevision = 0
  /** the orders of this revision are in the directory */
  #appliedRevision = 0
  #nextApplyAt = -Infinity
  #lastBeatAt = performance.now()
  #state: ClusterState = 'alone'
  #since = new Date().toISOString()

  /** @param name of this machine */
  constructor(settings: ClusterSettings, name: string, context: MemberContext) {
    const { directory, files, log, answer, onChange } = context
    this.#context = context
    this.#connection = new Connection(settings, name, log, onChange)
    this.#orders = new SharedOrders(name)
    this.#cache = new CacheFile(settings, name, log)
    const cache = this.#cache.read()
    for (const saved of cache.orders) {
      const { backend, kind, order, revision } = saved
      if (saved.isLost) this.#orders.restoreLost(saved)
      else this.#orders.put(backend, kind, order, revision, { saved })
    }
    this.#mirror = new Mirror(
      directory,
      files,
      log,
      new Map(Object.entries(cache.written)),
    )
    this.#sync = new KeySync(this.#connection, cache.header, {
      knownKeys: () => this.#orderKeys(),
      onOlderData: () => this.#onOlderData(),
      onKey: (key, value, source) => this.#onKey(key, value, source),
      onRevision: (revision, isOld) => this.#onRevision(revision, isOld),
      onRead: async engine => {
        const { keys } = this.#connection
        if (!this.#signOfLife.hasJoined)
          await this.#signOfLife.join(engine, this.#sync.get(keys.liveOf(name)))
      },
      onWatch: () => this.#signOfLife.write(),
    })
    this.#signOfLife = new SignOfLife(this.#connection, {
      formerInstance: cache.instance,
      content: () => this.#content(),
      onJoin: () => this.#saveCache(),
      onNameLost: () => this.#sync.restart(),
    })
    this.#answers = new RestartAnswers(
      this.#connection,
      answer,
      () => this.#signOfLife.lease,
    )
    this.#expiredOrders = new ExpiredOrders(this.#connection, this.#orders)
    if (cache.orders.length > 0)
      log.info(
        {
          orders: cache.orders.length,
          savedAt: new Date(cache.savedMs).toISOString(),
        },
        'using the cached orders until etcd answers',
      )
  }

  start(): void {
    this.#apply()
    void this.#sync.run(() => this.#state === 'together')
  }

  /**
   * Ends. The files stay, and the other machines see this one go at once.
   *
   * @param isForGood the configuration names another cluster, or none: removes the files
   *   that this machine wrote, and its name
   */
  stop(isForGood: boolean): void {
    if (isForGood) this.#mirror.removeAll()
    this.#saveCache()
    this.#connection.stop()
    this.#sync.restart()
    this.#answers.stop()
    void this.#signOfLife.leave(isForGood)
  }

  /** Called every 100 ms by the monitor. */
  beat(): void {
    const nowMs = performance.now()
    this.#orders.tick(nowMs - this.#lastBeatAt, this.#state === 'together')
    this.#lastBeatAt = nowMs
    this.#sync.checkWatch()
    this.#orders.correct(machine => this.#machines.offsetOf(machine))
    if (nowMs >= this.#nextApplyAt) this.#apply()
    this.#updateState()
    if (this.#sync.isReadDue) void this.#readAgain()
  }

  get report(): ClusterReport {
    const nowMs = Date.now()
    const name = this.#connection.machine
    const self = {
      states: this.#context.states(),
      settings: this.#context.settings(),
    }
    return {
      name,
      state: this.#state,
      since: this.#since,
      engine: { url: this.#sync.url, problem: this.#connection.problem },
      members: this.#machines.report(self, nowMs),
      differs:
        this.#state === 'alone' || this.#state === 'duplicate'
          ? {}
          : this.#machines.differs(self, name),
      orders: this.#orders.report(nowMs),
    }
  }

  async #readAgain(): Promise<void> {
    await this.#sync.readAgain()
    this.#saveCache()
  }

  /** After a start the view is empty, but orders may come from the cache. */
  #orderKeys(): string[] {
    return [...this.#orders.present.values()].map(({ backend, kind }) =>
      this.#connection.keys.order(backend, kind),
    )
  }

  #onOlderData(): void {
    this.#knownRevision = 0
    this.#appliedRevision = 0
    this.#orders.markAllLost()
  }

  #onKey(key: Key, value: KeyValue | undefined, source: KeySource): void {
    switch (key.kind) {
      case 'order':
        if (value === undefined) this.#orders.remove(key.backend, key.order)
        else
          this.#orders.put(
            key.backend,
            key.order,
            parseOrder(value.value, value.key),
            value.revision,
            { isOld: source.isOld },
          )
        break
      case 'live':
        this.#onLive(key.machine, value, source.isFresh)
        break
      case 'member':
        this.#machines.setMember(key.machine, value !== undefined)
        this.#context.onChange()
        break
      case 'ask':
        this.#answers.onAsk(key.backend, value)
        break
      case 'answer':
      case 'lock':
        break
    }
  }

  #onLive(
    machine: string,
    value: KeyValue | undefined,
    isFresh: boolean,
  ): void {
    const live = value && parseLive(value.value)
    if (live === undefined) {
      this.#machines.setAway(machine)
      this.#context.onChange()
    } else this.#machines.setLive(machine, live, isFresh, Date.now())
    if (machine !== this.#connection.machine) return
    this.#signOfLife.onOwnKey(value, isFresh)
    if (isFresh) this.#updateState()
  }

  #onRevision(revision: number, isOld: boolean): void {
    this.#knownRevision = Math.max(this.#knownRevision, revision)
    this.#apply()
    this.#context.onChange()
    this.#saveCache()
    if (isOld) this.#logLostOrders()
  }

  #logLostOrders(): void {
    for (const [file, { order }] of this.#orders.lost)
      this.#context.log.error(
        {
          file,
          order: order.id,
          remedy:
            'zope-failover cluster adopt writes it to etcd again; zope-failover ready NAME ends it',
        },
        'etcd has lost this order; it stays active',
      )
  }

  /** Puts the active orders into the directory. */
  #apply(): void {
    if (this.#signOfLife.isDuplicate) return
    const nowMs = Date.now()
    const names = new Set(this.#context.backends())
    const orders = new Map(
      [...this.#orders.active(nowMs)].filter(([, { backend }]) =>
        names.has(backend),
      ),
    )
    const startedAt = performance.now()
    const isNew = this.#appliedRevision !== this.#knownRevision
    if (this.#mirror.apply(orders, nowMs) && isNew) {
      this.#appliedRevision = this.#knownRevision
      // commands wait for it
      this.#signOfLife.write()
    }
    // many orders must not take time from the probes
    this.#nextApplyAt = performance.now() + 20 * (performance.now() - startedAt)
    if (this.#state === 'together') void this.#expiredOrders.remove(nowMs)
  }

  #content(): Omit<Live, 'instance' | 'version' | 'now'> {
    const { states, settings, maps, backends } = this.#context
    return {
      applied: this.#appliedRevision,
      states: states(),
      settings: settings(),
      own: this.#mirror.ownFiles(backends()),
      maps: maps(),
    }
  }

  #updateState(): void {
    const { machine, lastEchoAt, problem, settings } = this.#connection
    const state = presenceOf(
      {
        lastEchoAt: this.#signOfLife.hasJoined ? lastEchoAt : -Infinity,
        isDuplicate: this.#signOfLife.isDuplicate,
        lostOrders: this.#orders.lost.size,
      },
      settings.isolatedAfterMs,
      performance.now(),
    )
    if (state === this.#state) return
    this.#state = state
    this.#since = new Date().toISOString()
    this.#context.onChange()
    const fields = { name: machine, etcd: problem }
    if (state === 'together')
      this.#context.log.info(fields, 'together with the other machines')
    else if (state === 'alone')
      this.#context.log.warn(
        fields,
        'alone: no sign of life comes back from etcd; the last known orders stay active',
      )
  }

  #saveCache(): void {
    // The next member may use the same file. If that is stopped while it joins, the next
    // monitor waits until its lease has expired.
    if (this.#connection.signal.aborted) return
    this.#cache.save({
      instance: this.#signOfLife.lastInstance,
      header: this.#sync.header,
      orders: savedOrders(this.#orders),
      written: Object.fromEntries(this.#mirror.lastTexts),
    })
  }
}
