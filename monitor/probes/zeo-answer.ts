// What a ZEO server answers to `ruok` (ZEO/asyncio/server.py): its protocol's
// greeting, then one JSON text, each behind its length in four bytes. Pure.
import type { Transaction } from '../judgement/deep.ts'

export type Ruok =
  | {
      readonly kind: 'well'
      /** the newest transaction of its storages; null = none is told */
      readonly last: Transaction | null
    }
  /** more is to come */
  | { readonly kind: 'part' }
  | { readonly kind: 'foreign'; readonly why: string }

/** The question, with its length. */
export const ruok = Buffer.from('\0\0\0\x04ruok', 'latin1')

const maxBytes = 65_536

/** @param bytes all that came so far */
export function parseRuok(bytes: Buffer): Ruok {
  const greeting = messageAt(bytes, 0)
  if (greeting === undefined) return { kind: 'part' }
  if (!/^[A-Z]\d+$/.test(greeting.text.slice(0, 8)))
    return { kind: 'foreign', why: 'it does not greet as ZEO does' }
  const answer = messageAt(bytes, greeting.end)
  if (answer === undefined) return { kind: 'part' }
  const ids = [
    ...answer.text.matchAll(/(?<="last-transaction": ?")[\da-f]{16}(?=")/g),
  ].map(([id]) => id)
  if (!answer.text.startsWith('{'))
    return { kind: 'foreign', why: 'its answer is no JSON object' }
  const newest = ids.toSorted().at(-1)
  return {
    kind: 'well',
    last:
      newest === undefined || /^0+$/.test(newest)
        ? null
        : { id: newest, seconds: secondsOf(newest) },
  }
}

function messageAt(
  bytes: Buffer,
  start: number,
): { text: string; end: number } | undefined {
  if (bytes.length < start + 4) return undefined
  const length = bytes.readUInt32BE(start)
  // whatever says so, is no ZEO: read as one that has answered wrongly
  if (length > maxBytes) return { text: '', end: bytes.length }
  const end = start + 4 + length
  return bytes.length < end
    ? undefined
    : { text: bytes.toString('latin1', start + 4, end), end }
}

/** Seconds since 1970 in a transaction's id (persistent/TimeStamp). */
export function secondsOf(id: string): number {
  let minutes = Number.parseInt(id.slice(0, 8), 16)
  const part = (size: number): number => {
    const rest = minutes % size
    minutes = Math.floor(minutes / size)
    return rest
  }
  const minute = part(60)
  const hour = part(24)
  const day = part(31) + 1
  const month = part(12)
  const seconds = (Number.parseInt(id.slice(8), 16) * 60) / 2 ** 32
  return Date.UTC(1900 + minutes, month, day, hour, minute) / 1_000 + seconds
}
