// `restart` where several machines send requests to a backend: one restart at a time for
// each pool, every machine is asked whether the backend may leave, every machine must be
// idle. Invariant: a machine that cannot be asked stops it before the command, for its
// httpd may still send requests.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterSettings, Config } from '../config/config.ts'
import { effectOf } from '../cluster/effect.ts'
import { EngineError } from '../cluster/engine-error.ts'
import {
  formatOrder,
  parseAnswer,
  parseLock,
  parseOrder,
  type Ask,
} from '../cluster/keys.ts'
import { clusterReport, newId, OrderClient } from '../cluster/order-client.ts'
import { CommandError, UsageError } from '../system/command-error.ts'
import { formatDuration } from '../text/duration.ts'
import { suggestion } from '../text/suggest.ts'
import { applyAction } from './apply-action.ts'
import type { Hold } from './hold.ts'
import type { Progress } from './wait.ts'

/** The lock of a restart that was killed ends after this. */
const lockSeconds = 30
const renewMs = 10_000
const pollMs = 100

export type AskOptions = {
  readonly limitMs: number
  readonly progress: Progress
  readonly signal: AbortSignal
}

export class ClusterRestart {
  readonly #orders: OrderClient
  readonly #config: Config
  readonly #by: string
  readonly #without: readonly string[]
  readonly #lease: string
  readonly #timer: NodeJS.Timeout
  #problem: string | undefined

  private constructor(
    orders: OrderClient,
    config: Config,
    by: string,
    without: readonly string[],
    lease: string,
  ) {
    this.#orders = orders
    this.#config = config
    this.#by = by
    this.#without = without
    this.#lease = lease
    this.#timer = setInterval(() => {
      void this.#renew()
    }, renewMs)
    this.#timer.unref()
  }

  /**
   * Locks the pools of these backends.
   *
   * @param names the backends
   * @param without machines that are out of service, according to the operator
   * @throws {CommandError} when another restart has a pool, or etcd cannot be used
   */
  static async begin(
    config: Config,
    settings: ClusterSettings,
    names: readonly string[],
    by: string,
    without: readonly string[],
  ): Promise<ClusterRestart> {
    let orders: OrderClient | undefined
    try {
      orders = new OrderClient(settings, config.directory)
      const machines = await orders.machines()
      for (const name of without)
        if (!machines.has(name))
          throw new UsageError(
            `--without must be a machine of the cluster, got ${name}${suggestion(name, [...machines.keys()])}`,
          )
      const lease = await orders.engine.grant(lockSeconds)
      const value = JSON.stringify({ by, from: orders.machine, id: newId() })
      const pools = config.pools.filter(({ members }) =>
        members.some(({ name }) => names.includes(name)),
      )
      for (const pool of pools) {
        const key = orders.keys.lock(pool.name)
        const put = await orders.engine.transaction(
          [{ key, is: 'absent' }],
          [{ put: key, value, lease }],
          [{ get: key }],
        )
        // the answer to an earlier attempt may have been lost
        if (put.isDone || put.values[0]?.value === value) continue
        await orders.engine.revoke(lease)
        const holder = parseLock(put.values[0]?.value ?? '')
        throw new CommandError(
          `pool ${pool.name} is being restarted by ${holder.by} on ${holder.from}; wait until that has ended`,
        )
      }
      return new ClusterRestart(orders, config, by, without, lease)
    } catch (err) {
      orders?.close()
      if (err instanceof EngineError)
        throw new CommandError(
          `not restarted: ${err.message}; without etcd the other machines cannot be asked`,
          { cause: err },
        )
      throw err
    }
  }

  /** Ends the locks. */
  async end(): Promise<void> {
    clearInterval(this.#timer)
    // otherwise it expires
    await this.#orders.engine.revoke(this.#lease).catch(ignore)
    this.#orders.close()
  }

  hold(backend: string): Hold {
    return new ClusterHold(
      this.#orders,
      this.#config.directory,
      backend,
      this.#by,
    )
  }

  /**
   * Asks every machine until all say yes.
   *
   * @throws an Error with the reason: a machine says no, cannot be asked, or takes too long
   */
  async ask(
    backend: string,
    step: Ask['step'],
    { limitMs, progress, signal }: AskOptions,
  ): Promise<void> {
    const { engine, keys } = this.#orders
    const key = keys.ask(backend)
    const id = newId()
    const value = JSON.stringify({ id, step })
    const end = performance.now() + limitMs
    await engine.transaction([], [{ put: key, value, lease: this.#lease }])
    try {
      for (;;) {
        signal.throwIfAborted()
        if (this.#problem !== undefined) throw new Error(this.#problem)
        const why = await this.#pendingReason(backend, id)
        if (why === undefined) return
        progress.live(`${backend}: ${why}`)
        if (performance.now() >= end)
          throw new Error(`${why} for ${formatDuration(limitMs)}`)
        await sleep(pollMs, undefined, { signal }).catch(ignore)
      }
    } finally {
      await engine
        .transaction(
          [],
          [{ remove: key }, { remove: keys.answers(backend), isPrefix: true }],
        )
        .catch(ignore)
    }
  }

  /**
   * What a machine waits for; undefined: every machine has said yes.
   *
   * @throws an Error when a machine says no, or cannot be asked
   */
  async #pendingReason(
    backend: string,
    id: string,
  ): Promise<string | undefined> {
    const { engine, keys, machine } = this.#orders
    const answers = new Map(
      (await engine.read(keys.answers(backend))).values.flatMap(one => {
        const parsed = keys.parse(one.key)
        const answer = parseAnswer(one.value)
        return parsed?.kind === 'answer' && answer?.id === id
          ? [[parsed.machine, answer] as const]
          : []
      }),
    )
    const machines = new Map(
      [...(await this.#orders.machines())].filter(
        ([name]) => !this.#without.includes(name),
      ),
    )
    const { pending } = effectOf(
      backend,
      0,
      machines,
      clusterReport(this.#config.directory),
    )
    const [away] = pending
    if (away !== undefined)
      throw new Error(
        `${away.name} cannot be asked (${away.why}), and its httpd may still send requests to ${backend}; if it is out of service, type: --without ${away.name}`,
      )
    let why: string | undefined
    for (const name of machines.keys()) {
      const answer = answers.get(name)
      const here = name === machine ? '' : `${name}: `
      if (answer?.answer === 'no') throw new Error(`${here}${answer.why}`)
      if (answer?.answer !== 'yes')
        why ??= `${here}${answer?.why ?? 'no answer yet'}`
    }
    return why
  }

  async #renew(): Promise<void> {
    try {
      if (!(await this.#orders.engine.keepAlive(this.#lease)))
        this.#problem = 'the lock of this restart has expired'
    } catch {
      // it is renewed again later; etcd ends the lock if that takes too long
    }
  }
}

/** How often the order of a restart is renewed: it ends 60 s after the last renewal. */
const holdRenewMs = 15_000

class ClusterHold implements Hold {
  readonly #orders: OrderClient
  readonly #directory: string
  readonly #backend: string
  readonly #key: string
  readonly #by: string
  readonly #id = newId()
  reason = ''
  sinceMs = 0
  isTaken = false
  #revision = 0
  #renewed = 0
  #isLost = false
  #timer: NodeJS.Timeout | undefined

  constructor(
    orders: OrderClient,
    directory: string,
    backend: string,
    by: string,
  ) {
    this.#orders = orders
    this.#directory = directory
    this.#backend = backend
    this.#key = orders.keys.order(backend, 'maint')
    this.#by = by
  }

  async take(reason: string): Promise<void> {
    this.reason = reason
    const put = await this.#orders.engine.transaction(
      [{ key: this.#key, is: 'absent' }],
      [{ put: this.#key, value: this.#value(0) }],
      [{ get: this.#key }],
    )
    const found = put.values[0]
    // the answer to an earlier attempt may have been lost
    const isOurs =
      found !== undefined && parseOrder(found.value, found.key).id === this.#id
    if (!put.isDone && !isOurs)
      throw new Error(`${this.#backend} is already in maint on all machines`)
    this.#revision = found?.revision ?? put.header.revision
    this.isTaken = true
    this.#timer = setInterval(() => {
      // the order then ends by itself, or a later step reports it
      void this.#write(this.#renewed + 1).catch(ignore)
    }, holdRenewMs)
    this.#timer.unref()
    await this.#orders.waitForEffect(this.#backend, this.#revision)
    this.sinceMs = Date.now()
  }

  async setReason(reason: string): Promise<void> {
    this.reason = reason
    await this.#write(this.#renewed + 1)
  }

  isOurs(): boolean {
    return this.isTaken && !this.#isLost
  }

  check(): void {
    if (!this.isOurs())
      throw new Error(
        `the order maint of ${this.#backend} was changed by another operator`,
      )
  }

  async leave(reason: string): Promise<void> {
    clearInterval(this.#timer)
    this.reason = reason
    try {
      if (this.isOurs()) await this.#write(null)
    } catch (err) {
      if (!(err instanceof EngineError)) throw err
      // without renewals the order ends: keep the backend out on this machine
      applyAction(this.#directory, this.#backend, 'maint', {
        reason,
        by: this.#by,
        until: null,
      })
    }
  }

  async release(): Promise<void> {
    clearInterval(this.#timer)
    if (!this.isOurs()) return
    const { isDone, header } = await this.#orders.engine.transaction(
      [{ key: this.#key, is: this.#revision }],
      [{ remove: this.#key }],
    )
    if (isDone) await this.#orders.waitForEffect(this.#backend, header.revision)
  }

  /** @param renewed null = without an end */
  async #write(renewed: number | null): Promise<void> {
    if (!this.isOurs()) return
    const put = await this.#orders.engine.transaction(
      [{ key: this.#key, is: this.#revision }],
      [{ put: this.#key, value: this.#value(renewed) }],
      [{ get: this.#key }],
    )
    const found = put.values[0]
    if (put.isDone) this.#revision = put.header.revision
    else if (
      found !== undefined &&
      parseOrder(found.value, found.key).id === this.#id
    )
      this.#revision = found.revision
    else this.#isLost = true
    this.#renewed = renewed ?? this.#renewed
  }

  #value(renewed: number | null): string {
    return formatOrder({
      id: this.#id,
      by: this.#by,
      from: this.#orders.machine,
      reason: this.reason,
      written: Date.now(),
      until: null,
      renewed,
      isEnded: false,
    })
  }
}

function ignore(): void {}
