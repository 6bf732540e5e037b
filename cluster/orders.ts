// The orders that all machines follow: which are active now, and what their files must
// contain. Invariant: what a person wrote is never replaced or removed, and no order ends
// because etcd is away, is empty or has older data. Pure.
import { formatAdminNote, parseAdminNote } from '../sentinels/content.ts'
import { sentinelFile, type AdminKind } from '../sentinels/names.ts'
import type { OrderReport } from '../sentinels/reports.ts'
import { printable } from '../text/printable.ts'
import { maxTime, type Order } from './keys.ts'

export type SharedOrder = {
  readonly backend: string
  readonly kind: AdminKind
  readonly order: Order
  /** of its key in etcd */
  readonly revision: number
  /** when it ends by the clock of this machine; null = no end */
  readonly untilMs: number | null
  /** `untilMs` takes the difference of the clocks into account, or need not */
  readonly isCorrected: boolean
}

/** A clock that differs by less is not corrected: the difference is not exact. */
const exactMs = 1_000
/** The order of `restart` ends when it is not renewed for this long. */
const renewalLimitMs = 60_000
/** The same while this machine is alone and can see no renewal. */
const renewalLimitAloneMs = 600_000

/** The last renewal of the order of a restart, and the time since then. */
type Renewal = {
  readonly id: string
  readonly renewed: number
  readonly quietMs: number
  readonly aloneMs: number
}

export class SharedOrders {
  /** by file */
  readonly #present = new Map<string, SharedOrder>()
  /** etcd no longer has them, although they were not ended */
  readonly #lost = new Map<string, SharedOrder>()
  readonly #renewals = new Map<string, Renewal>()
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
   * @param isOld it comes with older data: it was not given just now
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
    // it is back, was ended, or was given again: a person has decided
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
    const renewal = this.#renewals.get(file)
    if (order.renewed === null) this.#renewals.delete(file)
    else if (renewal?.id !== order.id || renewal.renewed !== order.renewed)
      this.#renewals.set(file, {
        id: order.id,
        renewed: order.renewed,
        quietMs: 0,
        aloneMs: 0,
      })
  }

  /** etcd no longer has it: it was ended. */
  remove(backend: string, kind: AdminKind): void {
    const file = sentinelFile(backend, kind)
    this.#present.delete(file)
    this.#renewals.delete(file)
  }

  /** etcd has older data: all that is known counts as lost until etcd names it again. */
  markAllLost(): void {
    for (const [file, order] of this.#present) this.#lost.set(file, order)
    this.#present.clear()
  }

  /** An order that was lost before the monitor was restarted. */
  restoreLost(order: SharedOrder): void {
    this.#lost.set(sentinelFile(order.backend, order.kind), order)
  }

  /**
   * Time passes. The order of a restart ends when it is not renewed.
   *
   * @param isTogether renewals would be seen
   */
  tick(elapsedMs: number, isTogether: boolean): void {
    for (const [file, renewal] of this.#renewals)
      this.#renewals.set(file, {
        ...renewal,
        quietMs: isTogether ? renewal.quietMs + elapsedMs : renewal.quietMs,
        aloneMs: isTogether ? 0 : renewal.aloneMs + elapsedMs,
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
        untilMs: Math.abs(offset) < exactMs ? until : inRange(until - offset),
        isCorrected: true,
      })
    }
  }

  /** The active orders, by file. @param nowMs since 1970 */
  active(nowMs: number): Map<string, SharedOrder> {
    return new Map(
      [...this.#lost, ...this.#present].filter(
        ([file, order]) => !this.#isExpired(file, order, nowMs),
      ),
    )
  }

  /** Orders in etcd that have expired: any machine removes them. */
  expired(nowMs: number): SharedOrder[] {
    return [...this.#present]
      .filter(([file, order]) => this.#isExpired(file, order, nowMs))
      .map(([, order]) => order)
  }

  report(nowMs: number): Record<string, OrderReport> {
    return Object.fromEntries(
      [...this.active(nowMs)].map(([file, { order, untilMs }]) => [
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

  #isExpired(file: string, { untilMs }: SharedOrder, nowMs: number): boolean {
    if (untilMs !== null && untilMs <= nowMs) return true
    const renewal = this.#renewals.get(file)
    return (
      renewal !== undefined &&
      (renewal.quietMs >= renewalLimitMs ||
        renewal.aloneMs >= renewalLimitAloneMs)
    )
  }
}

/** A clock that is far off must not produce an invalid date. */
function inRange(timeMs: number): number {
  return Math.max(-maxTime, Math.min(maxTime, timeMs))
}

/** What the file of an order must contain. */
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
  | 'keep'
  | 'write'
  /** it was removed by hand; the order is still active */
  | 'restore'
  | 'remove'
  /** it is a person's, or there is none and none is needed */
  | 'leave'

/**
 * @param content of the file; null = it does not exist
 * @param target the content that the active order needs; undefined = no order is active
 * @param lastText what this machine wrote there last; undefined = nothing
 * @param nowMs since 1970
 */
export function fileStep(
  content: string | null,
  target: string | undefined,
  lastText: string | undefined,
  nowMs: number,
): FileStep {
  if (target === undefined)
    return content !== null && content === lastText ? 'remove' : 'leave'
  if (content === target) return 'keep'
  if (content === null) return lastText === target ? 'restore' : 'write'
  if (content === lastText) return 'write'
  const { until } = parseAdminNote(content).value
  // a file that has expired does not count
  return until !== null && until <= nowMs ? 'write' : 'leave'
}
