// What a ZEO server answers to `ruok` (ZEO/asyncio/server.py): its protocol's
// greeting, then one JSON text, each behind its length in four bytes. Pure.
import type { Transaction } from '../health/deep.ts'
import { secondsOf } from '../health/transactions.ts'

export type Ruok =
  | {
      readonly kind: 'well'
      /**
       * the newest transaction of its storage; null = none, or it has several
       * storages: a Zope uses one of them, and which one is not known
       */
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
  const [id] = ids
  const isKnown = id !== undefined && ids.length === 1 && !/^0+$/.test(id)
  return {
    kind: 'well',
    last: isKnown ? { id, seconds: secondsOf(id) } : null,
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
