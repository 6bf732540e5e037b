// Gives orders to all machines, and reports where they are active. For the commands and
// the status page.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterSettings, Config } from '../config/config.ts'
import {
  adminKinds,
  monitorReportFile,
  type AdminKind,
} from '../sentinels/names.ts'
import {
  isMonitorReport,
  parseReport,
  type ClusterReport,
} from '../sentinels/reports.ts'
import { readRegularFile } from '../system/regular-file.ts'
import { machineName } from './credentials.ts'
import { Engine, type Transaction } from './engine.ts'
import { EngineError } from './engine-error.ts'
import { formatOrder, Keys, parseLive, type Live, type Order } from './keys.ts'
import { effectOf, effectText, type Effect } from './effect.ts'
import type { Operation } from './requests.ts'
import type { KeyValue } from './view.ts'

/** How long a command waits for the other machines. */
const waitMs = 2_000
const pollMs = 20
/** An election takes up to 2.4 s, and it begins when the old leader is missed. */
const retryForMs = 4_000

export function newId(): string {
  return randomBytes(8).toString('hex')
}

/** A command's connection to the cluster. */
export class OrderClient {
  readonly engine: Engine
  readonly keys: Keys
  readonly machine: string
  readonly #directory: string
  /** the revision of the last change */
  #lastRevision: number | undefined

  /** @throws {EngineError} when a file of the settings cannot be read */
  constructor(settings: ClusterSettings, directory: string) {
    this.engine = new Engine(settings, retryForMs)
    this.keys = new Keys(settings.prefix)
    this.machine = machineName(settings)
    this.#directory = directory
  }

  close(): void {
    this.engine.close()
  }

  /**
   * Gives an order.
   *
   * @param note its end in ms since 1970, and why
   * @returns where it is active, in words: `drain on fe1 fe2`
   * @throws {EngineError} when it is not known to be active; of the kind `unsure` when
   *   it may become active
   */
  async give(
    backend: string,
    kind: AdminKind,
    note: Pick<Order, 'by' | 'reason' | 'until'>,
  ): Promise<string> {
    const value = formatOrder({
      ...note,
      id: newId(),
      from: this.machine,
      written: Date.now(),
      renewed: null,
      isEnded: false,
    })
    const key = this.keys.order(backend, kind)
    const revision = await this.change([{ put: key, value }])
    const effect = await this.waitForEffect(backend, revision)
    const until =
      note.until === null
        ? ''
        : ` until ${new Date(Math.ceil(note.until / 1_000) * 1_000).toISOString()}`
    return effectText(`${kind}${until}`, { ...effect, own: [] })
  }

  /**
   * Ends all orders about a backend.
   *
   * @returns what was ended, and where
   * @throws {EngineError} as `give` does
   */
  async end(backend: string): Promise<string> {
    const lost = Object.entries(this.#report()?.orders ?? {}).flatMap(
      ([file, { isLost }]) => (isLost ? [file] : []),
    )
    const { values } = await this.engine.read(`${this.keys.orders}${backend}/`)
    const kinds = adminKinds.filter(
      kind =>
        values.some(({ key }) => key === this.keys.order(backend, kind)) ||
        lost.includes(`${backend}.${kind}`),
    )
    const steps = kinds.map((kind): Operation => {
      const key = this.keys.order(backend, kind)
      // the others keep what etcd has lost until they see its end
      return lost.includes(`${backend}.${kind}`)
        ? { put: key, value: formatOrder(endOrder()) }
        : { remove: key }
    })
    if (steps.length === 0) return 'nothing was set for all machines'
    const revision = await this.change(steps)
    const effect = await this.waitForEffect(backend, revision)
    return effectText(`no longer ${kinds.join(', ')}`, {
      ...effect,
      // the command removes those here
      own: effect.own.filter(one => !one.startsWith(`${this.machine} `)),
    })
  }

  /**
   * Changes orders, once. What a frozen member of etcd has received it does when it wakes,
   * long after another member did it, or its opposite. So each change has a condition
   * that the next one ends: the revision of one key.
   *
   * @returns the revision of the change
   * @throws {EngineError} of the kind `unsure` when it may be done later
   */
  async change(steps: readonly Operation[]): Promise<number> {
    const key = this.keys.changes
    const value = newId()
    // what follows is only sent to an etcd that answers
    let is =
      this.#lastRevision ??
      revisionOf((await this.engine.read(key, false)).values)
    for (;;) {
      const { isDone, header, values }: Transaction = await this.engine
        .transaction(
          [{ key, is }],
          [{ put: key, value }, ...steps],
          [{ get: key }],
        )
        .catch(toUnsure)
      is = isDone ? header.revision : revisionOf(values)
      this.#lastRevision = is
      // the answer to an earlier attempt may have been lost
      if (isDone || values[0]?.value === value) return is
    }
  }

  /**
   * Waits until all live machines have applied the orders of a revision, for two
   * seconds at most. While etcd does not answer, none is known to have applied them.
   */
  async waitForEffect(backend: string, revision: number): Promise<Effect> {
    const end = performance.now() + waitMs
    for (;;) {
      const machines = await this.machines().catch(unlessUnusable)
      const report = this.#report()
      const effect = effectOf(
        backend,
        revision,
        machines ??
          new Map(
            Object.keys(report?.members ?? {}).map(name => [name, undefined]),
          ),
        report,
      )
      const isComplete =
        machines !== undefined && effect.pending.every(({ isLive }) => !isLive)
      if (isComplete || performance.now() >= end) return effect
      await sleep(pollMs)
    }
  }

  /** All members, with the sign of life of those that are live. */
  async machines(): Promise<Map<string, Live | undefined>> {
    const [members, live] = await Promise.all([
      this.engine.read(this.keys.members),
      this.engine.read(this.keys.live),
    ])
    const machines = new Map<string, Live | undefined>()
    for (const { key } of members.values) {
      const parsed = this.keys.parse(key)
      if (parsed?.kind === 'member') machines.set(parsed.machine, undefined)
    }
    for (const { key, value } of live.values) {
      const parsed = this.keys.parse(key)
      if (parsed?.kind === 'live')
        machines.set(parsed.machine, parseLive(value))
    }
    return machines
  }

  /** What the monitor here reports; undefined = nothing usable. */
  #report(): ClusterReport | undefined {
    return clusterReport(this.#directory)
  }
}

/** 0: there is none yet. */
function revisionOf([found]: readonly KeyValue[]): number {
  return found?.revision ?? 0
}

function toUnsure(err: unknown): never {
  if (!(err instanceof EngineError) || err.kind === 'refused') throw err
  throw new EngineError('unsure', err.message)
}

function unlessUnusable(err: unknown): undefined {
  if (!(err instanceof EngineError)) throw err
}

const maxReportBytes = 32 * 1024 * 1024

/** The part of monitor.json about the other machines. */
export function clusterReport(
  directory: Config['directory'],
): ClusterReport | undefined {
  const read = readRegularFile(
    `${directory}/${monitorReportFile}`,
    maxReportBytes,
  )
  const report = read.kind === 'bytes' ? parseReport(read.text) : undefined
  return isMonitorReport(report) ? report.cluster : undefined
}

function endOrder(): Order {
  return {
    id: newId(),
    by: null,
    from: null,
    reason: null,
    written: Date.now(),
    until: null,
    renewed: null,
    isEnded: true,
  }
}
