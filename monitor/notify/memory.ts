// What a monitor leaves to the next one: what was reported, and what has not been
// delivered yet. Pure; the text is not trusted.
import * as z from 'zod'
import { sentence } from '../../text/printable.ts'
import { emptyLedger, type Ledger } from './decide.ts'
import { severities } from './fact.ts'
import { keyOf } from './notice.ts'
import { emptyQueue, maxQueued, type Queue } from './queue.ts'

/** Hidden: only the monitor reads it. */
export const memoryFile = '.notices.json'

export const channels = ['webhook', 'command'] as const
export type Channel = (typeof channels)[number]

export type Memory = {
  readonly ledger: Ledger
  readonly queues: Readonly<Record<Channel, Queue>>
}

export const emptyMemory: Memory = {
  ledger: emptyLedger,
  queues: { webhook: emptyQueue, command: emptyQueue },
}

const item = z.object({
  what: z.enum(['backend', 'pool', 'zeo', 'map', 'front', 'cluster']),
  name: z.string(),
  state: z.string(),
  severity: z.enum(severities),
  // those of an older version can be as long as a certificate
  reason: z.string().transform(sentence),
  since: z.string(),
})
/** Room for twenty lines, each with a reason. */
const maxText = 16_384

const notice = z.object({
  version: z.literal(1),
  id: z.string(),
  kind: z.enum(['change', 'reminder']),
  severity: z.enum(severities),
  time: z.string(),
  host: z.string(),
  title: z.string(),
  text: z.string().transform(text => text.slice(0, maxText)),
  changes: z.array(item.extend({ was: z.string() })),
  bad: z.array(item),
  total: z.object({ changes: z.int(), bad: z.int() }),
})
const queue = z.object({
  notices: z.array(notice).max(maxQueued),
  dropped: z.int(),
})
const memory = z.object({
  version: z.literal(1),
  told: z.array(item),
  madeMs: z.array(z.number()),
  count: z.int(),
  queues: z.object({ webhook: queue, command: queue }),
})

/** The text of the file; undefined = there is nothing to remember. */
export function memoryText({ ledger, queues }: Memory): string | undefined {
  const { reported, madeMs, count } = ledger
  const isEmpty =
    reported.size === 0 &&
    channels.every(channel => queues[channel].notices.length === 0)
  return isEmpty
    ? undefined
    : `${JSON.stringify({ version: 1, told: [...reported.values()], madeMs, count, queues })}\n`
}

/** Returns an empty memory if the text is not a valid one. */
export function parseMemory(text: string): Memory {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // JSON.parse throws only because of its input
    return emptyMemory
  }
  const parsed = memory.safeParse(value)
  if (!parsed.success) return emptyMemory
  const { told, madeMs, count, queues } = parsed.data
  return {
    ledger: {
      reported: new Map(told.map(one => [keyOf(one), one])),
      waiting: new Map(),
      madeMs,
      count,
    },
    queues,
  }
}
