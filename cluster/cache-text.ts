// What outlives a boot: the last known orders, and where etcd was in its history. Pure.
import { namePattern } from '../config/config.ts'
import { meaningOf, adminKinds } from '../sentinels/names.ts'
import { parseReport } from '../sentinels/reports.ts'
import { formatOrder, parseOrder } from './keys.ts'
import type { SharedOrder, SharedOrders } from './orders.ts'
import type { Header } from './view.ts'

export type Cache = {
  /** the prefix and the name that it belongs to */
  readonly site: string
  /** the last sign of life of this machine had it */
  readonly instance: string | null
  readonly header: Header | undefined
  readonly orders: readonly (SharedOrder & { readonly isLost: boolean })[]
  /** what this machine wrote into its directory, by file */
  readonly written: Readonly<Record<string, string>>
  /** ms since 1970 */
  readonly savedMs: number
}

export function emptyCache(site: string): Cache {
  return {
    site,
    instance: null,
    header: undefined,
    orders: [],
    written: {},
    savedMs: 0,
  }
}

/** All orders, as they are saved. */
export function savedOrders({
  present,
  lost,
}: Pick<SharedOrders, 'present' | 'lost'>): Cache['orders'] {
  return [
    ...[...present.values()].map(order => ({ ...order, isLost: false })),
    ...[...lost.values()].map(order => ({ ...order, isLost: true })),
  ]
}

export function formatCache(cache: Cache): string {
  return `${JSON.stringify({
    ...cache,
    orders: cache.orders.map(order => ({
      ...order,
      order: formatOrder(order.order),
    })),
  })}\n`
}

/** The empty cache for another site, and for what cannot be read. */
export function parseCache(text: string, site: string): Cache {
  const read = parseReport(text)
  if (read?.['site'] !== site) return emptyCache(site)
  const header = read['header']
  const { instance, orders, written, savedMs } = read
  return {
    site,
    instance: typeof instance === 'string' ? instance : null,
    header: isHeader(header) ? header : undefined,
    orders: (Array.isArray(orders) ? orders : []).flatMap(orderOf),
    written: Object.fromEntries(
      Object.entries(isFields(written) ? written : {}).filter(
        (entry): entry is [string, string] =>
          typeof entry[1] === 'string' && isAdminFile(entry[0]),
      ),
    ),
    savedMs: typeof savedMs === 'number' ? savedMs : 0,
  }
}

/** The name becomes a path. */
function isAdminFile(file: string): boolean {
  const meaning = meaningOf(file)
  return (
    meaning.kind === 'sentinel' &&
    adminKinds.some(kind => kind === meaning.sentinel)
  )
}

function orderOf(value: unknown): Cache['orders'][number][] {
  if (!isFields(value)) return []
  const { backend, order, revision, untilMs, isCorrected, isLost } = value
  const kind = adminKinds.find(one => one === value['kind'])
  if (
    kind === undefined ||
    typeof backend !== 'string' ||
    !namePattern.test(backend) ||
    typeof order !== 'string'
  )
    return []
  return [
    {
      backend,
      kind,
      order: parseOrder(order, `${backend}/${kind}`),
      revision: Number(revision) || 0,
      untilMs: typeof untilMs === 'number' ? untilMs : null,
      isCorrected: isCorrected === true,
      isLost: isLost === true,
    },
  ]
}

function isHeader(value: unknown): value is Header {
  return (
    isFields(value) &&
    typeof value['clusterId'] === 'string' &&
    Number.isSafeInteger(value['revision']) &&
    Number.isSafeInteger(value['term'])
  )
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
