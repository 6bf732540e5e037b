// The keys of a site in etcd, and their values. What comes from there is not
// trusted: names are checked, values are limited, text is made printable. Pure.
import { namePattern } from '../config/config.ts'
import { adminKinds, type AdminKind } from '../sentinels/names.ts'
import { printable } from '../text/printable.ts'

/** Bytes of a value that is read; a longer one counts as unreadable. */
export const maxValueBytes = 4_096
/** With more keys than this below the prefix nothing is believed. */
export const maxKeys = 10_000
const maxText = 1_000
/** The range of Date in ms: toISOString() throws beyond it. */
export const maxTime = 8.64e15

/** An order that every machine follows. */
export type Order = {
  /** unique; a repeated order has a new one */
  readonly id: string
  readonly by: string | null
  /** the machine whose clock `written` and `until` are from */
  readonly from: string | null
  readonly reason: string | null
  /** ms since 1970 */
  readonly written: number | null
  /** ms since 1970; null = without end */
  readonly until: number | null
  /** counts the renewals of `restart`; null = it lasts until `until` */
  readonly renewed: number | null
  /** an order that an operator ended while etcd had older data */
  readonly isEnded: boolean
}

/** The sign of life of one machine. */
export type Live = {
  /** differs for each start of a monitor */
  readonly instance: string
  readonly version: string
  /** its clock, ms since 1970 */
  readonly now: number
  /** the orders of this revision and of all before it are in its directory */
  readonly applied: number
  /** the backends that it does not call up */
  readonly states: Readonly<Record<string, string>>
  /** a hash of the settings of each backend; `*`: of everything else */
  readonly settings: Readonly<Record<string, string>>
  /** files that a person made there, such as `zope1.drain` */
  readonly own: readonly string[]
  /** map programs that run there */
  readonly maps: number
}

export type Ask = {
  readonly id: string
  readonly step: 'leave' | 'idle' | 'back'
}

/** What a machine answers to an Ask. */
export type Answer = {
  readonly id: string
  readonly step: string
  /** yes; wait: not now; no: it is not possible */
  readonly answer: 'yes' | 'wait' | 'no'
  readonly why: string
}

export type Lock = { readonly by: string; readonly from: string }

export type Key =
  | { readonly kind: 'member' | 'live'; readonly machine: string }
  | {
      readonly kind: 'order'
      readonly backend: string
      readonly order: AdminKind
    }
  | { readonly kind: 'ask'; readonly backend: string }
  | {
      readonly kind: 'answer'
      readonly backend: string
      readonly machine: string
    }
  | { readonly kind: 'lock'; readonly pool: string }

/** The names of the keys below a prefix. */
export class Keys {
  /** with a slash at its end */
  readonly all: string

  /** @param prefix of the configuration */
  constructor(prefix: string) {
    this.all = `${prefix}/v1/`
  }

  get orders(): string {
    return `${this.all}orders/`
  }

  /** Changes with each change of orders. */
  get changes(): string {
    return `${this.all}changes`
  }

  get live(): string {
    return `${this.all}live/`
  }

  get members(): string {
    return `${this.all}members/`
  }

  answers(backend: string): string {
    return `${this.all}answers/${backend}/`
  }

  member(machine: string): string {
    return `${this.members}${machine}`
  }

  liveOf(machine: string): string {
    return `${this.live}${machine}`
  }

  order(backend: string, kind: AdminKind): string {
    return `${this.orders}${backend}/${kind}`
  }

  ask(backend: string): string {
    return `${this.all}asks/${backend}`
  }

  answer(backend: string, machine: string): string {
    return `${this.answers(backend)}${machine}`
  }

  lock(pool: string): string {
    return `${this.all}locks/restart/${pool}`
  }

  /** Undefined for a key of another form, or with an impossible name. */
  parse(key: string): Key | undefined {
    if (!key.startsWith(this.all)) return undefined
    const [room = '', name = '', last, ...more] = key
      .slice(this.all.length)
      .split('/')
    if (more.length > 0) return undefined
    const isName = namePattern.test(name)
    const isPair = isName && last !== undefined
    switch (room) {
      case 'members':
      case 'live':
        return isName && last === undefined
          ? { kind: room === 'live' ? 'live' : 'member', machine: name }
          : undefined
      case 'orders': {
        const order = adminKinds.find(kind => kind === last)
        return isPair && order !== undefined
          ? { kind: 'order', backend: name, order }
          : undefined
      }
      case 'asks':
        return isName && last === undefined
          ? { kind: 'ask', backend: name }
          : undefined
      case 'answers':
        return isPair && namePattern.test(last)
          ? { kind: 'answer', backend: name, machine: last }
          : undefined
      case 'locks':
        return name === 'restart' &&
          last !== undefined &&
          namePattern.test(last)
          ? { kind: 'lock', pool: last }
          : undefined
      default:
        return undefined
    }
  }
}

/**
 * The first key after all keys that begin with `prefix`: etcd's `range_end`.
 *
 * @param prefix ASCII
 */
export function rangeEnd(prefix: string): string {
  return (
    prefix.slice(0, -1) +
    String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
  )
}

/**
 * An order. A value that cannot be read is an order without end, as a file that
 * cannot be read is.
 *
 * @param key names it when its value cannot be read
 */
export function parseOrder(value: string, key: string): Order {
  const read = objectIn(value)
  const id = textAt(read, 'id') ?? ''
  return {
    id: /^[\w-]{1,64}$/.test(id)
      ? id
      : `unreadable-${key.replaceAll(/[^\w-]/g, '-').slice(-40)}`,
    by: textAt(read, 'by'),
    from: nameAt(read, 'from'),
    reason: textAt(read, 'reason'),
    written: numberAt(read, 'written'),
    until: numberAt(read, 'until'),
    renewed: numberAt(read, 'renewed'),
    isEnded: read?.['isEnded'] === true,
  }
}

export function formatOrder(order: Order): string {
  return JSON.stringify({
    ...order,
    ...(order.isEnded ? {} : { isEnded: undefined }),
  })
}

/** Undefined when it says nothing usable. */
export function parseLive(value: string): Live | undefined {
  const read = objectIn(value)
  const instance = textAt(read, 'instance')
  const now = numberAt(read, 'now')
  if (instance === null || now === null) return undefined
  return {
    instance,
    version: textAt(read, 'version') ?? '?',
    now,
    applied: numberAt(read, 'applied') ?? 0,
    states: textsAt(read, 'states'),
    settings: textsAt(read, 'settings'),
    own: listAt(read, 'own'),
    maps: numberAt(read, 'maps') ?? 0,
  }
}

/** As JSON, with less detail where it would be too long. */
export function formatLive(live: Live): string {
  const all = JSON.stringify(live)
  if (Buffer.byteLength(all) <= maxValueBytes) return all
  const { settings, ...rest } = live
  const short = JSON.stringify({
    ...rest,
    settings: { '*': Object.values(settings).join('').slice(0, 64) },
    states: Object.fromEntries(Object.entries(live.states).slice(0, 40)),
    own: live.own.slice(0, 20),
  })
  return short
}

/** A machine that orders and restarts wait for. @param nowMs since 1970 */
export function memberText(nowMs: number): string {
  return JSON.stringify({ since: new Date(nowMs).toISOString() })
}

export function parseAsk(value: string): Ask | undefined {
  const read = objectIn(value)
  const id = textAt(read, 'id')
  const step = (['leave', 'idle', 'back'] as const).find(
    one => one === read?.['step'],
  )
  return id === null || step === undefined ? undefined : { id, step }
}

export function parseAnswer(value: string): Answer | undefined {
  const read = objectIn(value)
  const id = textAt(read, 'id')
  const step = textAt(read, 'step')
  const answer = (['yes', 'wait', 'no'] as const).find(
    one => one === read?.['answer'],
  )
  return id === null || step === null || answer === undefined
    ? undefined
    : { id, step, answer, why: textAt(read, 'why') ?? '' }
}

export function parseLock(value: string): Lock {
  const read = objectIn(value)
  return {
    by: textAt(read, 'by') ?? 'another user',
    from: textAt(read, 'from') ?? 'another machine',
  }
}

type Fields = Readonly<Record<string, unknown>>

function objectIn(text: string): Fields | undefined {
  if (Buffer.byteLength(text) > maxValueBytes) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isFields(value) ? value : undefined
  } catch {
    // the only possible error: it is not JSON
    return undefined
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textAt(read: Fields | undefined, key: string): string | null {
  const value = read?.[key]
  return typeof value === 'string' && value !== ''
    ? printable(value.slice(0, maxText))
    : null
}

function nameAt(read: Fields | undefined, key: string): string | null {
  const text = textAt(read, key)
  return text !== null && namePattern.test(text) ? text : null
}

function numberAt(read: Fields | undefined, key: string): number | null {
  const value = read?.[key]
  return typeof value === 'number' &&
    Number.isSafeInteger(value) &&
    Math.abs(value) <= maxTime
    ? value
    : null
}

function textsAt(
  read: Fields | undefined,
  key: string,
): Readonly<Record<string, string>> {
  const value = read?.[key]
  return Object.fromEntries(
    Object.entries(isFields(value) ? value : {}).flatMap(([name, text]) =>
      typeof text === 'string' && (name === '*' || namePattern.test(name))
        ? [[name, printable(text.slice(0, 100))]]
        : [],
    ),
  )
}

function listAt(read: Fields | undefined, key: string): string[] {
  const value = read?.[key]
  return (Array.isArray(value) ? value : []).flatMap(one =>
    typeof one === 'string' ? [printable(one.slice(0, 100))] : [],
  )
}
