// A ZEO server's answer to `ruok` (ZEO/asyncio/server.py): the greeting of its
// protocol, then one JSON text, each preceded by its length in four bytes. Pure.
import type { Transaction } from '../health/deep.ts'
import { secondsOf } from '../health/transactions.ts'

type Ruok =
  | {
      readonly kind: 'well'
      /**
       * the newest transaction of its storage; null = none, or it has several storages
       * and it is not known which one a Zope uses
       */
      readonly last: Transaction | null
    }
  /** more is to come */
  | { readonly kind: 'part' }
  | { readonly kind: 'foreign'; readonly why: string }

/** The request, with its length. */
export const ruok = Buffer.from('\0\0\0\x04ruok', 'latin1')

const maxBytes = 65_536

/** @param bytes everything received so far */
export function parseRuok(bytes: Buffer): Ruok {
  const greeting = messageAt(bytes, 0)
  if (greeting === undefined) return { kind: 'part' }
  if (!/^[A-Z]\d+$/.test(greeting.text.slice(0, 8)))
    return { kind: 'foreign', why: 'its greeting is not that of ZEO' }
  const answer = messageAt(bytes, greeting.end)
  if (answer === undefined) return { kind: 'part' }
  const ids = [
    ...answer.text.matchAll(/(?<="last-transaction": ?")[\da-f]{16}(?=")/g),
  ].map(([id]) => id)
  if (!answer.text.startsWith('{'))
    return { kind: 'foreign', why: 'its answer is not a JSON object' }
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
  // not a ZEO server: treat it as a wrong answer
  if (length > maxBytes) return { text: '', end: bytes.length }
  const end = start + 4 + length
  return bytes.length < end
    ? undefined
    : { text: bytes.toString('latin1', start + 4, end), end }
}
