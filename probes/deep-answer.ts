// What an answer to the deep probe says about the database. The page is the view in
// examples/zope, or any page that must read from the database. Pure.
import * as z from 'zod'
import type { DeepOutcome } from '../health/deep.ts'
import { describe, type Outcome } from '../health/outcome.ts'

const transaction = z
  .object({ id: z.string().regex(/^[\da-f]{16}$/), time: z.number() })
  .transform(({ id, time }) => ({ id, seconds: time }))
  .nullable()

const view = z.object({
  version: z.literal(1),
  roundTrip: z.object({
    ms: z.number().nullable(),
    ageMs: z.number().nullable(),
    pendingMs: z.number().nullable(),
    error: z.string().nullable(),
  }),
  transaction: z.object({ own: transaction, server: transaction }),
})

type View = z.output<typeof view>

/**
 * @param outcome of the request, every status allowed
 * @param allowed whether the status passes
 */
export function deepOutcome(
  outcome: Outcome,
  isAllowed: boolean,
  ms: number,
  body: string,
): DeepOutcome {
  if (outcome.kind !== 'pass' || 'by' in outcome)
    return { kind: 'none', why: describe(outcome) }
  const parsed = viewOf(body)
  if (parsed !== undefined)
    return isAllowed
      ? {
          kind: 'fresh',
          ms: parsed.roundTrip.ms ?? 0,
          own: parsed.transaction.own,
          server: parsed.transaction.server,
        }
      : { kind: 'gone', why: silenceOf(parsed), own: parsed.transaction.own }
  return isAllowed
    ? { kind: 'fresh', ms, own: null, server: null }
    : { kind: 'gone', why: `status ${outcome.status}`, own: null }
}

function viewOf(body: string): View | undefined {
  try {
    return view.safeParse(JSON.parse(body)).data
  } catch {
    // JSON.parse throws only because of its input: a page, not the view
    return undefined
  }
}

function silenceOf({ roundTrip }: View): string {
  if (roundTrip.pendingMs !== null)
    return `no answer for ${Math.round(roundTrip.pendingMs)} ms`
  return `no round trip (${(roundTrip.error ?? 'unknown').replace(/[^\w.]/g, '').slice(0, 60)})`
}
