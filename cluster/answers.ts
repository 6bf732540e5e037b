// etcd's answers, as its JSON gateway writes them: 64-bit numbers are strings, bytes
// are base64, and what is 0, false or empty is left out. Pure.
import type { Header, KeyValue } from './view.ts'

type Fields = Readonly<Record<string, unknown>>

/** Why a request failed, in etcd's terms. */
export type Failure =
  /** this member cannot do it now; another one may */
  | { readonly kind: 'away'; readonly why: string }
  /** the token is no longer valid: log in again */
  | { readonly kind: 'token' }
  /** etcd has no users: no token is needed */
  | { readonly kind: 'no-users' }
  | { readonly kind: 'refused'; readonly why: string }

/** What a watch reports. */
export type WatchLine =
  | { readonly kind: 'created'; readonly header: Header }
  | {
      readonly kind: 'events'
      readonly header: Header
      readonly events: readonly WatchEvent[]
    }
  /** what was asked for no longer exists: read everything again */
  | { readonly kind: 'compacted' }
  | { readonly kind: 'ended'; readonly failure: Failure }
  | { readonly kind: 'unreadable' }

export type WatchEvent =
  | { readonly kind: 'put'; readonly value: KeyValue }
  | {
      readonly kind: 'delete'
      readonly key: string
      readonly revision: number
    }

export function headerOf(answer: unknown): Header {
  const header = fieldsAt(answer, 'header')
  return {
    clusterId: textIn(header, 'cluster_id'),
    revision: numberAt(header, 'revision'),
    term: numberAt(header, 'raft_term'),
  }
}

export function valuesOf(answer: unknown): KeyValue[] {
  return listAt(answer, 'kvs').map(valueOf)
}

/** The values that the failure branch of a transaction has read. */
export function valuesOfTransaction(answer: unknown): KeyValue[] {
  return listAt(answer, 'responses').flatMap(one =>
    valuesOf(fieldsAt(one, 'response_range')),
  )
}

export function failureOf(status: number, body: unknown): Failure {
  const answer = fields(body)
  const nested = fieldsAt(body, 'error')
  const code = Number(answer['code'] ?? nested['grpc_code'] ?? -1)
  const why = (
    textIn(answer, 'message') ||
    textIn(nested, 'message') ||
    textIn(answer, 'error')
  )
    .replace(/^etcdserver: /, '')
    .slice(0, 200)
  if (
    code === 16 ||
    status === 401 ||
    /revision of auth store is old/.test(why)
  )
    return { kind: 'token' }
  if (/authentication is not enabled/.test(why)) return { kind: 'no-users' }
  // invalid argument, permission denied, failed precondition
  if ([3, 7, 9].includes(code))
    return { kind: 'refused', why: why === '' ? `status ${status}` : why }
  return { kind: 'away', why: why === '' ? `status ${status}` : why }
}

/** One line of the answer to /v3/watch. */
export function watchLine(text: string): WatchLine {
  let line: unknown
  try {
    line = JSON.parse(text)
  } catch {
    // the only possible error: it is not JSON
    return { kind: 'unreadable' }
  }
  if (fields(line)['error'] !== undefined)
    return { kind: 'ended', failure: failureOf(0, line) }
  const result = fieldsAt(line, 'result')
  const header = headerOf(result)
  if (numberAt(result, 'compact_revision') > 0) return { kind: 'compacted' }
  if (result['canceled'] === true)
    return {
      kind: 'ended',
      failure: watchEnd(textIn(result, 'cancel_reason')),
    }
  if (result['created'] === true) return { kind: 'created', header }
  return {
    kind: 'events',
    header,
    events: listAt(result, 'events').map((event): WatchEvent => {
      const value = valueOf(fieldsAt(event, 'kv'))
      return fields(event)['type'] === 'DELETE'
        ? { kind: 'delete', key: value.key, revision: value.revision }
        : { kind: 'put', value }
    }),
  }
}

/** The gateway gives no code for the end of a watch. */
function watchEnd(why: string): Failure {
  if (/permission denied/.test(why)) return { kind: 'refused', why }
  if (/auth token|user name is empty/.test(why)) return { kind: 'token' }
  return { kind: 'away', why: why === '' ? 'the watch ended' : why }
}

function valueOf(answer: unknown): KeyValue {
  const read = fields(answer)
  return {
    key: textOf(read['key']),
    value: textOf(read['value']),
    revision: numberAt(read, 'mod_revision'),
  }
}

function textOf(base64: unknown): string {
  return typeof base64 === 'string'
    ? Buffer.from(base64, 'base64').toString('utf8')
    : ''
}

function textIn(read: Fields, key: string): string {
  const value = read[key]
  return typeof value === 'string' ? value : ''
}

function numberAt(read: Fields, key: string): number {
  const value = Number(read[key] ?? 0)
  return Number.isSafeInteger(value) ? value : 0
}

function fieldsAt(value: unknown, key: string): Fields {
  return fields(fields(value)[key])
}

function listAt(value: unknown, key: string): readonly unknown[] {
  const list = fields(value)[key]
  return Array.isArray(list) ? list : []
}

function fields(value: unknown): Fields {
  return isFields(value) ? value : {}
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
