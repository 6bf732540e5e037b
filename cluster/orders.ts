// The orders that all machines follow: which are in force now, and what their files must
// hold. Invariant: what a person wrote is never replaced or removed, and no order ends
// because etcd is away, empty or older. Pure.
import { formatAdminNote, parseAdminNote } from '../sentinels/content.ts'
import { sentinelFile, type AdminKind } from '../sentinels/names.ts'
import type { OrderReport } from '../sentinels/reports.ts'
import { printable } from '../text/printable.ts'
import type { Order } from './keys.ts'

export type SharedOrder = {
  readonly backend: string
  readonly kind: AdminKind
  readonly order: Order
  /** of its key in etcd */
  readonly revision: number
  /** when it ends by the clock of this machine; null = no end */
  readonly untilMs: number | null
  /** `untilMs` takes the difference of the clocks into account, or needs not */
  readonly isCorrected: boolean
}

/** A clock that differs by less is not corrected: the difference is not exact. */
const exactMs = 1_000
/** The order of `restart` ends when it is not renewed for this long. */
export const holdMs = 60_000
/** The same while this machine is alone and can see no renewal. */
export const holdAloneMs = 600_000

type Hold = {
  readonly id: string
  readonly renewed: number
  readonly quietMs: number
  readonly aloneMs: number
}

export class SharedOrders {
  /** by file */
  readonly #present = new Map<string, SharedOrder>()
  /** etcd no longer has them, although no one has ended them */
  readonly #lost = new Map<string, SharedOrder>()
  readonly #holds = new Map<string, Hold>()
  readonly #machine: string

  /** @param machine the name of this one */
  constructor(machine: string) {
    this.#machine = machine
  }

  get lost(): ReadonlyMap<string, SharedOrder> {
    return this.#lost
  }

  get present(): ReadonlyMap<string, SharedOrder> {
    return this.#present
  }

  /**
   * etcd has this order.
   *
   * @param saved what a cache has of it
   * @param isOld it comes with older data: no one has given it just now
   */
  put(
    backend: string,
    kind: AdminKind,
    order: Order,
    revision: number,
    {
      saved,
      isOld = false,
    }: {
      saved?: Pick<SharedOrder, 'untilMs' | 'isCorrected'>
      isOld?: boolean
    } = {},
  ): void {
    const file = sentinelFile(backend, kind)
    const before = this.#present.get(file)
    const lost = this.#lost.get(file)
    // back again, ended, or given again: a person has decided
    if (
      lost !== undefined &&
      (lost.order.id === order.id ||
        (!isOld && (order.isEnded || before?.order.id !== order.id)))
    )
      this.#lost.delete(file)
    if (order.isEnded) {
      this.remove(backend, kind)
      return
    }
    const isSame =
      before?.order.id === order.id && before.order.until === order.until
    const known = saved ?? (isSame ? before : undefined)
    this.#present.set(file, {
      backend,
      kind,
      order,
      revision,
      untilMs: known?.untilMs ?? order.until,
      isCorrected:
        known?.isCorrected ??
        (order.until === null ||
          order.from === null ||
          order.from === this.#machine),
    })
    const hold = this.#holds.get(file)
    if (order.renewed === null) this.#holds.delete(file)
    else if (hold?.id !== order.id || hold.renewed !== order.renewed)
      this.#holds.set(file, {
        id: order.id,
        renewed: order.renewed,
        quietMs: 0,
        aloneMs: 0,
      })
  }

  /** etcd has it no more: it was ended. */
  remove(backend: string, kind: AdminKind): void {
    const file = sentinelFile(backend, kind)
    this.#present.delete(file)
    this.#holds.delete(file)
  }

  /** etcd has older data: all that is known counts as lost until etcd names it again. */
  loseAll(): void {
    for (const [file, order] of this.#present) this.#lost.set(file, order)
    this.#present.clear()
  }

  /**
   * What was lost, from before a restart of the monitor.
   */
  restoreLost(order: SharedOrder): void {
    this.#lost.set(sentinelFile(order.backend, order.kind), order)
  }

  /**
   * Time passes. The order of a restart ends when it is not renewed.
   *
   * @param isTogether renewals would be seen
   */
  tick(elapsedMs: number, isTogether: boolean): void {
    for (const [file, hold] of this.#holds)
      this.#holds.set(file, {
        ...hold,
        quietMs: isTogether ? hold.quietMs + elapsedMs : hold.quietMs,
        aloneMs: isTogether ? 0 : hold.aloneMs + elapsedMs,
      })
  }

  /** @param offsetOf the clock of a machine minus ours; undefined = not known yet */
  correct(offsetOf: (machine: string) => number | undefined): void {
    for (const [file, order] of this.#present) {
      const { until, from } = order.order
      if (order.isCorrected || until === null || from === null) continue
      const offset = offsetOf(from)
      if (offset === undefined) continue
      this.#present.set(file, {
        ...order,
        untilMs: Math.abs(offset) < exactMs ? until : until - offset,
        isCorrected: true,
      })
    }
  }

  /** The orders that are in force, by file. @param nowMs since 1970 */
  inForce(nowMs: number): Map<string, SharedOrder> {
    return new Map(
      [...this.#lost, ...this.#present].filter(
        ([file, order]) => !this.#isOver(file, order, nowMs),
      ),
    )
  }

  /** Orders in etcd that are over: any machine removes them. */
  over(nowMs: number): SharedOrder[] {
    return [...this.#present]
      .filter(([file, order]) => this.#isOver(file, order, nowMs))
      .map(([, order]) => order)
  }

  report(nowMs: number): Record<string, OrderReport> {
    return Object.fromEntries(
      [...this.inForce(nowMs)].map(([file, { order, untilMs }]) => [
        file,
        {
          id: order.id,
          by: order.by,
          from: order.from,
          reason: order.reason,
          until: untilMs === null ? null : new Date(untilMs).toISOString(),
          isLost: !this.#present.has(file),
        },
      ]),
    )
  }

  #isOver(file: string, { untilMs }: SharedOrder, nowMs: number): boolean {
    if (untilMs !== null && untilMs <= nowMs) return true
    const hold = this.#holds.get(file)
    return (
      hold !== undefined &&
      (hold.quietMs >= holdMs || hold.aloneMs >= holdAloneMs)
    )
  }
}

/** What the file of an order must hold. */
export function fileTextOf({ order, untilMs }: SharedOrder): string {
  return formatAdminNote({
    reason: order.reason === null ? null : printable(order.reason),
    by:
      order.from === null
        ? order.by
        : `${order.by ?? 'an operator'} on ${order.from}`,
    until: untilMs,
    order: order.id,
  })
}

/** What to do about one file. */
export type FileStep =
  /** it is as it must be, and ours */
  | 'ours'
  | 'write'
  /** it was removed by hand; the order is still in force */
  | 'write-again'
  | 'remove'
  /** a person's, or none, and none is wanted */
  | 'leave'

/**
 * @param found the content of the file; null = there is none
 * @param wanted what the order in force wants there; undefined = none is in force
 * @param written what this machine wrote there last; undefined = nothing
 * @param nowMs since 1970
 */
export function fileStep(
  found: string | null,
  wanted: string | undefined,
  written: string | undefined,
  nowMs: number,
): FileStep {
  if (wanted === undefined)
    return found !== null && found === written ? 'remove' : 'leave'
  if (found === wanted) return 'ours'
  if (found === null) return written === wanted ? 'write-again' : 'write'
  if (found === written) return 'write'
  const { until } = parseAdminNote(found).value
  // a file that has expired counts as none
  return until !== null && until <= nowMs ? 'write' : 'leave'
}
