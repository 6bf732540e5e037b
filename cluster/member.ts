// This machine among the others: it writes its sign of life, watches all keys, and puts
// the orders into the directory. Invariant: nothing that serves depends on it; when etcd
// is away, the files stay.
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { ClusterSettings } from '../config/config.ts'
import type { AdminKind } from '../sentinels/names.ts'
import { writeAside } from '../sentinels/write.ts'
import type { ClusterReport, ClusterState } from '../sentinels/reports.ts'
import { errorCode } from '../system/error-code.ts'
import { readRegularFile } from '../system/regular-file.ts'
import { version } from '../system/version.ts'
import type { WatchEvent } from './answers.ts'
import {
  formatCache,
  parseCache,
  savedOrders,
  type Cache,
} from './cache-text.ts'
import { Engine, type Watch } from './engine.ts'
import { EngineError } from './engine-error.ts'
import {
  formatLive,
  Keys,
  parseAsk,
  parseLive,
  parseOrder,
  type Answer,
  type Ask,
  type Key,
  type Live,
} from './keys.ts'
import { Machines } from './machines.ts'
import { Mirror, type Files } from './mirror.ts'
import { SharedOrders } from './orders.ts'
import {
  leaseSeconds,
  liveEveryMs,
  moveAfterMs,
  NameClaim,
  presenceOf,
  retryMs,
} from './presence.ts'
import { isOlder, View, type Header, type KeyValue } from './view.ts'

/** A watch alone can lose events (etcd 3.4 and 3.5 after a compaction). */
const fullReadMs = 30_000
/** Orders are acknowledged at once, but not more often than this. */
const liveGapMs = 20
/** After a watch that lasted longer, the next one begins without a pause. */
const goodMs = 1_000
/** An administrator has to change something: a login costs etcd much. */
const refusedMs = 2_000
const maxCacheBytes = 64 * 1024 * 1024

/** What the monitor knows. */
export type Surroundings = {
  readonly directory: string
  readonly files: Files
  readonly log: Logger
  /** names that may have administrators' files */
  readonly backends: () => readonly string[]
  readonly states: () => Live['states']
  readonly settings: () => Live['settings']
  readonly maps: () => number
  readonly answer: (
    backend: string,
    ask: Ask,
    sinceMs: number,
  ) => Promise<Omit<Answer, 'id' | 'step'>>
  /** the report has changed */
  readonly changed: () => void
}

export class ClusterMember {
  readonly #settings: ClusterSettings
  readonly #name: string
  readonly #around: Surroundings
  readonly #keys: Keys
  readonly #view = new View()
  readonly #machines = new Machines()
  readonly #orders: SharedOrders
  readonly #mirror: Mirror
  readonly #instance: string = randomUUID()
  readonly #formerInstance: string | null
  readonly #stop = new AbortController()
  /** asks that are being answered, by backend */
  readonly #asks = new Map<string, AbortController>()
  /** orders whose removal is under way, by key */
  readonly #removing = new Set<string>()
  #engine: Engine | undefined
  #watch: Watch | undefined
  #watchedMs = -Infinity
  #lease: string | undefined
  #liveRevision: number | undefined
  #liveMs = -Infinity
  #liveTimer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #isWanted = false
  #hasJoined = false
  readonly #claim = new NameClaim()
  #header: Header | undefined
  /** the orders of this revision are known, and in the directory */
  #knownRevision = 0
  #applied = 0
  #applyMs = -Infinity
  #fullReadMs = -Infinity
  #isReading = false
  #echoMs = -Infinity
  #beatMs = performance.now()
  #state: ClusterState = 'alone'
  #since = new Date().toISOString()
  #problem: string | null = 'etcd was not reached yet'
  #cacheText = ''
  #isCacheBroken = false
  #awaySinceMs = performance.now()

  /** @param name of this machine */
  constructor(settings: ClusterSettings, name: string, around: Surroundings) {
    this.#settings = settings
    this.#name = name
    this.#around = around
    this.#keys = new Keys(settings.prefix)
    this.#orders = new SharedOrders(name)
    const cache = this.#readCache()
    this.#formerInstance = cache.instance
    this.#header = cache.header
    for (const saved of cache.orders)
      if (saved.isLost) this.#orders.restoreLost(saved)
      else {
        const { backend, kind, order, revision } = saved
        this.#orders.put(backend, kind, order, revision, { saved })
      }
    this.#mirror = new Mirror(
      around.directory,
      around.files,
      around.log,
      new Map(Object.entries(cache.written)),
    )
    if (cache.orders.length > 0)
      around.log.info(
        {
          orders: cache.orders.length,
          savedAt: new Date(cache.savedMs).toISOString(),
        },
        'orders of all machines: using the last known ones until etcd answers',
      )
  }

  start(): void {
    this.#apply()
    void this.#run()
  }

  /**
   * Ends. The files stay, and the others see this machine go at once.
   *
   * @param isLeaving the configuration names another cluster, or none: removes the files
   *   that this machine wrote, and its name
   */
  stop(isLeaving: boolean): void {
    if (isLeaving) this.#mirror.removeAll()
    this.#saveCache()
    this.#stop.abort()
    this.#watch?.stop()
    clearTimeout(this.#liveTimer)
    for (const ask of this.#asks.values()) ask.abort()
    void this.#sayGoodbye(isLeaving)
  }

  /** Called every 100 ms by the monitor. */
  beat(): void {
    const nowMs = performance.now()
    this.#orders.tick(nowMs - this.#beatMs, this.#state === 'together')
    this.#beatMs = nowMs
    if (
      this.#watch !== undefined &&
      nowMs - Math.max(this.#echoMs, this.#watchedMs) >= moveAfterMs
    ) {
      // a frozen member gives no error: its watch is just silent
      this.#engine?.avoid(this.#watch.url)
      this.#problem = `no sign of life came back through ${this.#watch.url}`
      this.#watch.stop()
      this.#watch = undefined
    }
    this.#orders.correct(machine => this.#machines.offsetOf(machine))
    if (nowMs >= this.#applyMs) this.#apply()
    this.#updateState()
    if (this.#watch !== undefined && nowMs - this.#fullReadMs >= fullReadMs)
      void this.#readAgain()
  }

  get report(): ClusterReport {
    const nowMs = Date.now()
    const self = {
      states: this.#around.states(),
      settings: this.#around.settings(),
    }
    return {
      name: this.#name,
      state: this.#state,
      since: this.#since,
      engine: {
        url: this.#watch?.url ?? null,
        problem: this.#problem,
      },
      members: this.#machines.report(self, nowMs),
      differs:
        this.#state === 'alone' || this.#state === 'duplicate'
          ? {}
          : this.#machines.differs(self, this.#name),
      orders: this.#orders.report(nowMs),
    }
  }

  /** Reads everything, then watches; again and again. */
  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      const startMs = performance.now()
      let waitMs = retryMs(startMs - this.#awaySinceMs, Math.random())
      try {
        this.#engine ??= new Engine(this.#settings)
        await this.#readAll(this.#engine)
        if (!this.#hasJoined) await this.#join(this.#engine)
        await this.#watchUntilItEnds(this.#engine)
      } catch (err) {
        this.#note(err)
        if (this.#state !== 'together') {
          // changed certificates and passwords count at the next attempt
          this.#engine?.close()
          this.#engine = undefined
        }
        if (err instanceof EngineError && err.kind === 'refused')
          waitMs = refusedMs
      }
      // one that worked for a while is replaced at once
      if (performance.now() - startMs > goodMs) waitMs = 0
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => {
        // stopped
      })
    }
  }

  /** @throws {EngineError} */
  async #readAll(engine: Engine): Promise<void> {
    const read = await engine.read(this.#keys.all)
    if (this.#stop.signal.aborted) return
    this.#fullReadMs = performance.now()
    if (read.isCut)
      throw new EngineError(
        'refused',
        `etcd holds more than 10000 keys below ${this.#keys.all}: remove foreign keys`,
      )
    const isOld = isOlder(this.#header, read.header)
    if (isOld) {
      this.#knownRevision = 0
      this.#applied = 0
      this.#around.log.error(
        { seen: this.#header, now: read.header },
        'etcd has older data than before: nothing is taken away; orders that it lost stay in force',
      )
      this.#orders.loseAll()
    }
    this.#header = read.header
    const changed = this.#view.load(this.#keys.all, read, isOld)
    // after a start the view is empty, but orders may come from the cache
    const known = [...this.#orders.present.values()].map(order =>
      this.#keys.order(order.backend, order.kind),
    )
    for (const key of new Set([...changed, ...known]))
      this.#take(key, { isFresh: false, isOld })
    this.#applyUpTo(read.header.revision)
    if (!isOld) return
    // it waits for a revision that will come again only later
    this.#watch?.stop()
    this.#tellOlderData()
    // a restart must go on asking a machine that is away
    for (const key of changed)
      if (
        this.#keys.parse(key)?.kind === 'member' &&
        this.#view.get(key) === undefined
      )
        await this.#putMember(engine, key)
  }

  /** @throws {EngineError} */
  async #putMember(engine: Engine, key: string): Promise<void> {
    await engine.transaction(
      [{ key, is: 'absent' }],
      [{ put: key, value: memberText() }],
    )
  }

  #tellOlderData(): void {
    for (const [file, { order }] of this.#orders.lost)
      this.#around.log.error(
        {
          file,
          order: order.id,
          remedy:
            'zope-failover cluster adopt writes it to etcd again; zope-failover ready NAME ends it',
        },
        'order was lost by etcd and stays in force',
      )
  }

  async #readAgain(): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    try {
      if (this.#engine !== undefined) await this.#readAll(this.#engine)
    } catch (err) {
      this.#fullReadMs = performance.now()
      this.#note(err)
    } finally {
      this.#isReading = false
    }
    this.#saveCache()
  }

  /** Takes the name of this machine, unless another machine has it. */
  async #join(engine: Engine): Promise<void> {
    const key = this.#keys.liveOf(this.#name)
    const found = this.#view.get(key)
    const former = found && parseLive(found.value)?.instance
    const other =
      former !== undefined && former === this.#formerInstance
        ? undefined
        : this.#otherIn(found)
    if (other !== undefined)
      throw new EngineError(
        'refused',
        `another machine is called ${this.#name}, with version ${other.version}; waiting until it is gone`,
      )
    this.#liveRevision = found?.revision
    const lease = await engine.grant(leaseSeconds)
    const put = await engine.transaction(
      [{ key, is: found?.revision ?? 'absent' }],
      [
        { put: key, value: formatLive(this.#live()), lease },
        {
          put: this.#keys.member(this.#name),
          value: memberText(),
        },
      ],
      [{ get: key }],
    )
    if (!put.isDone)
      throw new EngineError('unreachable', 'the name was taken meanwhile')
    this.#lease = lease
    this.#liveRevision = put.header.revision
    this.#claim.won()
    this.#hasJoined = true
    this.#liveMs = performance.now()
    this.#saveCache()
    this.#around.log.info(
      { name: this.#name, prefix: this.#settings.prefix },
      'joined the other machines',
    )
  }

  /**
   * The instance of another machine that has the name of this one; logs it once.
   * Undefined: the sign of life is our own, or cannot be read.
   */
  #otherIn(found: KeyValue | undefined): Live | undefined {
    const live = found && parseLive(found.value)
    if (live === undefined || live.instance === this.#instance) return undefined
    if (found !== undefined && this.#claim.see(live.instance, found.revision))
      this.#around.log.error(
        {
          name: this.#name,
          remedy: 'give each machine its own cluster.name',
        },
        'another machine has the name of this one: running alone',
      )
    return live
  }

  /** Another machine has taken the name meanwhile. */
  #loseName(): void {
    this.#hasJoined = false
    this.#watch?.stop()
  }

  async #watchUntilItEnds(engine: Engine): Promise<void> {
    const from = (this.#header?.revision ?? 0) + 1
    this.#watch = await engine.watch(this.#keys.all, from, line => {
      if (line.kind === 'created') {
        this.#watchedMs = performance.now()
        this.#writeLive()
        // etcd accepts a revision that it does not have yet, and reports nothing until then
        if (isOlder(this.#header, line.header)) void this.#readAgain()
      } else if (line.kind === 'events') {
        // a member that lags behind may not know the newest term
        if (this.#header !== undefined)
          this.#header = {
            ...this.#header,
            revision: Math.max(this.#header.revision, line.header.revision),
          }
        const kinds = line.events.map(event => this.#takeEvent(event))
        if (kinds.includes('order')) this.#applyUpTo(line.header.revision)
      }
    })
    const watch = this.#watch
    this.#watchedMs = performance.now()
    this.#writeLive()
    if (this.#stop.signal.aborted) watch.stop()
    const end = await watch.ended
    if (this.#watch === watch) this.#watch = undefined
    if (end.kind === 'failed') this.#report(`${watch.url}: ${end.why}`)
  }

  /** The kind of the key. */
  #takeEvent(event: WatchEvent): Key['kind'] | undefined {
    const isNew =
      event.kind === 'put'
        ? this.#view.put(event.value)
        : this.#view.remove(event.key, event.revision)
    if (!isNew) return undefined
    const key = event.kind === 'put' ? event.value.key : event.key
    return this.#take(key, { isFresh: true, isOld: false })
  }

  /** Follows what the view now has under a key. */
  #take(
    name: string,
    { isFresh, isOld }: { isFresh: boolean; isOld: boolean },
  ): Key['kind'] | undefined {
    const key = this.#keys.parse(name)
    const found = this.#view.get(name)
    switch (key?.kind) {
      case 'order':
        this.#takeOrder(key.backend, key.order, found, isOld)
        break
      case 'live':
        this.#takeLive(key.machine, found, isFresh)
        break
      case 'member':
        this.#machines.setMember(key.machine, found !== undefined)
        this.#around.changed()
        break
      case 'ask':
        this.#takeAsk(key.backend, found)
        break
      case 'answer':
      case 'lock':
      case undefined:
        break
    }
    return key?.kind
  }

  #takeOrder(
    backend: string,
    kind: AdminKind,
    found: KeyValue | undefined,
    isOld: boolean,
  ): void {
    if (found === undefined) this.#orders.remove(backend, kind)
    else
      this.#orders.put(
        backend,
        kind,
        parseOrder(found.value, found.key),
        found.revision,
        { isOld },
      )
  }

  /** The orders of this revision are known: puts them into the directory. */
  #applyUpTo(revision: number): void {
    this.#knownRevision = Math.max(this.#knownRevision, revision)
    this.#apply()
    this.#around.changed()
    this.#saveCache()
  }

  #takeLive(
    machine: string,
    found: KeyValue | undefined,
    isFresh: boolean,
  ): void {
    const live = found && parseLive(found.value)
    if (live === undefined) {
      this.#machines.away(machine)
      this.#around.changed()
      if (machine === this.#name && this.#hasJoined) {
        // a lease that was lost, or an operator: join again
        this.#liveRevision = undefined
        this.#lease = undefined
        this.#writeLive()
      }
      return
    }
    this.#machines.alive(machine, live, isFresh, Date.now())
    if (machine !== this.#name) return
    if (this.#otherIn(found) !== undefined) {
      if (this.#hasJoined) this.#loseName()
      return
    }
    if (isFresh) this.#seeEcho()
    this.#liveRevision = found?.revision
  }

  #seeEcho(): void {
    this.#echoMs = performance.now()
    this.#awaySinceMs = this.#echoMs
    this.#problem = null
    this.#updateState()
  }

  #takeAsk(backend: string, found: KeyValue | undefined): void {
    this.#asks.get(backend)?.abort()
    this.#asks.delete(backend)
    const ask = found && parseAsk(found.value)
    if (ask === undefined) return
    const stop = new AbortController()
    this.#asks.set(backend, stop)
    void this.#answerUntil(backend, ask, stop.signal)
  }

  /** Answers as often as the answer changes, until the question is gone. */
  async #answerUntil(
    backend: string,
    ask: Ask,
    signal: AbortSignal,
  ): Promise<void> {
    const sinceMs = Date.now()
    let before = ''
    while (!signal.aborted) {
      const answer = await this.#around.answer(backend, ask, sinceMs)
      const value = JSON.stringify({ id: ask.id, step: ask.step, ...answer })
      if (signal.aborted) return
      try {
        if (value !== before && this.#engine !== undefined) {
          await this.#engine.transaction(
            [],
            [
              {
                put: this.#keys.answer(backend, this.#name),
                value,
                ...(this.#lease !== undefined && { lease: this.#lease }),
              },
            ],
          )
          before = value
        }
      } catch (err) {
        this.#note(err)
      }
      await sleep(200, undefined, { signal, ref: false }).catch(() => {
        // answered
      })
    }
  }

  /** Soon; at once when an order was applied. */
  #writeLive(): void {
    if (!this.#hasJoined || this.#stop.signal.aborted) return
    if (this.#writing !== undefined) {
      this.#isWanted = true
      return
    }
    clearTimeout(this.#liveTimer)
    const waitMs = this.#liveMs + liveGapMs - performance.now()
    this.#liveTimer = setTimeout(
      () => {
        void this.#writeLiveNow()
      },
      Math.max(0, waitMs),
    )
    this.#liveTimer.unref()
  }

  async #writeLiveNow(): Promise<void> {
    const engine = this.#engine
    let nextMs = liveEveryMs
    if (engine !== undefined && this.#hasJoined) {
      this.#isWanted = false
      this.#liveMs = performance.now()
      try {
        this.#writing = this.#putLive(engine)
        await this.#writing
      } catch (err) {
        this.#note(err)
        nextMs = retryMs(performance.now() - this.#awaySinceMs, Math.random())
      }
      this.#writing = undefined
    }
    if (this.#stop.signal.aborted) return
    if (this.#isWanted) {
      this.#writeLive()
      return
    }
    clearTimeout(this.#liveTimer)
    this.#liveTimer = setTimeout(() => {
      void this.#writeLiveNow()
    }, nextMs)
    this.#liveTimer.unref()
  }

  /** @throws {EngineError} */
  async #putLive(engine: Engine): Promise<void> {
    if (this.#lease === undefined || !(await engine.keepAlive(this.#lease)))
      this.#lease = await engine.grant(leaseSeconds)
    const key = this.#keys.liveOf(this.#name)
    const put = await engine.transaction(
      [{ key, is: this.#liveRevision ?? 'absent' }],
      [{ put: key, value: formatLive(this.#live()), lease: this.#lease }],
      [{ get: key }],
    )
    if (put.isDone) {
      this.#liveRevision = put.header.revision
      return
    }
    // a write whose answer was lost, or another machine
    const [found] = put.values
    if (this.#otherIn(found) !== undefined) {
      this.#loseName()
      return
    }
    this.#liveRevision = found?.revision
    this.#isWanted = true
  }

  #live(): Live {
    const { states, settings, maps, backends } = this.#around
    return {
      instance: this.#instance,
      version,
      now: Date.now(),
      applied: this.#applied,
      states: states(),
      settings: settings(),
      own: this.#mirror.ownFiles(backends()),
      maps: maps(),
    }
  }

  /** Puts the orders in force into the directory. */
  #apply(): void {
    if (this.#claim.isDuplicate) return
    const nowMs = Date.now()
    const names = new Set(this.#around.backends())
    const orders = new Map(
      [...this.#orders.inForce(nowMs)].filter(([, { backend }]) =>
        names.has(backend),
      ),
    )
    const startMs = performance.now()
    if (this.#mirror.apply(orders, nowMs)) {
      const isNew = this.#applied !== this.#knownRevision
      this.#applied = this.#knownRevision
      // commands wait for it
      if (isNew) this.#writeLive()
    }
    // many orders must not take time from the probes
    this.#applyMs = performance.now() + 20 * (performance.now() - startMs)
    void this.#removeOver(nowMs)
  }

  /** Orders that are over leave etcd; whichever machine is first removes them. */
  async #removeOver(nowMs: number): Promise<void> {
    if (this.#engine === undefined || this.#state !== 'together') return
    for (const { backend, kind, revision } of this.#orders.over(nowMs)) {
      const key = this.#keys.order(backend, kind)
      if (this.#removing.has(key)) continue
      this.#removing.add(key)
      try {
        // not all machines at once
        await sleep(Math.random() * 2_000, undefined, {
          ref: false,
          signal: this.#stop.signal,
        })
        if (
          this.#orders.present.get(`${backend}.${kind}`)?.revision === revision
        )
          await this.#engine.transaction(
            [{ key, is: revision }],
            [{ remove: key }],
          )
      } catch (err) {
        if (!this.#stop.signal.aborted) this.#note(err)
      }
      this.#removing.delete(key)
    }
  }

  #updateState(): void {
    const state = presenceOf(
      {
        echoMs: this.#hasJoined ? this.#echoMs : -Infinity,
        isDuplicate: this.#claim.isDuplicate,
        lost: this.#orders.lost.size,
      },
      this.#settings.isolatedAfterMs,
      performance.now(),
    )
    if (state === this.#state) return
    this.#state = state
    this.#since = new Date().toISOString()
    this.#around.changed()
    const fields = { name: this.#name, etcd: this.#problem }
    if (state === 'together')
      this.#around.log.info(fields, 'together with the other machines')
    else if (state === 'alone')
      this.#around.log.warn(
        fields,
        'alone: etcd gives no sign of life; the last known orders stay in force',
      )
  }

  /** An error must not end the monitor: it judges the backends all the same. */
  #note(err: unknown): void {
    if (err instanceof EngineError) this.#report(err.message)
    else
      this.#around.log.error({ err }, 'unexpected error while talking to etcd')
  }

  /** Remembers a problem, and logs it once. */
  #report(problem: string): void {
    if (problem === this.#problem) return
    this.#problem = problem
    this.#around.changed()
    this.#around.log.warn({ problem }, 'etcd cannot be used')
  }

  #readCache(): Cache {
    const { prefix, cache } = this.#settings
    const read = readRegularFile(cache, maxCacheBytes)
    return parseCache(
      read.kind === 'bytes' ? read.text : '',
      `${prefix} ${this.#name}`,
    )
  }

  #saveCache(): void {
    const { prefix, cache } = this.#settings
    const content: Cache = {
      site: `${prefix} ${this.#name}`,
      instance: this.#hasJoined ? this.#instance : this.#formerInstance,
      header: this.#header,
      orders: savedOrders(this.#orders),
      written: Object.fromEntries(this.#mirror.written),
      savedMs: 0,
    }
    const text = formatCache(content)
    if (text === this.#cacheText) return
    try {
      mkdirSync(dirname(cache), { recursive: true })
      writeAside(
        dirname(cache),
        basename(cache),
        formatCache({ ...content, savedMs: Date.now() }),
        0o640,
      )
      this.#cacheText = text
      this.#isCacheBroken = false
    } catch (err) {
      if (this.#isCacheBroken) return
      this.#isCacheBroken = true
      this.#around.log.error(
        {
          file: cache,
          err: errorCode(err),
          remedy: `let the monitor write there: StateDirectory=zope-failover in its unit, or set cluster.cache`,
        },
        'cannot save the orders: after a boot without etcd none would be in force',
      )
    }
  }

  /** The others see that this machine goes, without waiting for its lease. */
  async #sayGoodbye(isLeaving: boolean): Promise<void> {
    const engine = this.#engine
    if (engine === undefined) return
    try {
      // it would come back
      await this.#writing
      if (this.#lease !== undefined) await engine.revoke(this.#lease)
      if (isLeaving && this.#hasJoined)
        await engine.transaction(
          [],
          [{ remove: this.#keys.member(this.#name) }],
        )
    } catch (err) {
      // the lease runs out by itself
      this.#note(err)
    }
    engine.close()
  }
}

function memberText(): string {
  return JSON.stringify({ since: new Date().toISOString() })
}
