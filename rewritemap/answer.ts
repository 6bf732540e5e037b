// From a line to its answer, with the counts that the report shows. Pure but
// for its own memory: the table it was last given, the turns, the counts.
import { choose, chooseNext, noTurns } from './choose.ts'
import type { Turns } from './choose.ts'
import { formatAnswer, parseLookup } from './lookup.ts'
import type { AnswerStyle } from './lookup.ts'
import type { Table } from './table.ts'

export type Counts = {
  lookups: number
  /** malformed, too long, or for an unknown pool */
  malformed: number
  /** well-formed, but no backend was usable */
  unanswered: number
  /** bugs caught here */
  faults: number
  answers: Record<string, number>
}

export class Answerer {
  readonly #style: AnswerStyle
  #table: Table
  readonly #turns = new Map<string, Turns>()
  readonly counts: Counts = {
    lookups: 0,
    malformed: 0,
    unanswered: 0,
    faults: 0,
    answers: {},
  }

  constructor(style: AnswerStyle, table: Table) {
    this.#style = style
    this.#table = table
  }

  /** The lookups from now on are answered from this table. */
  take(table: Table): void {
    this.#table = table
    for (const pool of this.#turns.keys())
      if (!table.pools.has(pool)) this.#turns.delete(pool)
  }

  /**
   * One line -> one answer with its newline, whatever happens: an exception
   * here would leave httpd waiting for ever.
   */
  answer(line: string): string {
    this.counts.lookups++
    try {
      return this.#decide(line)
    } catch {
      // a bug; the count is reported as an error by the other thread
      this.counts.faults++
      return 'NULL\n'
    }
  }

  #decide(line: string): string {
    const lookup = parseLookup(line)
    const pool =
      lookup.kind === 'lookup' ? this.#table.pools.get(lookup.pool) : undefined
    if (lookup.kind === 'malformed' || pool === undefined) {
      this.counts.malformed++
      return formatAnswer(lookup.nonce, this.#style, null, null)
    }
    const { nonce, route, affinity } = lookup
    const turns = this.#turns.get(pool.name) ?? noTurns
    const decision = choose(pool, route, affinity, turns)
    if (decision.kind === 'nobody') {
      this.counts.unanswered++
      return formatAnswer(nonce, this.#style, null, null)
    }
    if (decision.turns !== turns) this.#turns.set(pool.name, decision.turns)
    const { member } = decision
    this.counts.answers[member.name] =
      (this.counts.answers[member.name] ?? 0) + 1
    if (this.#style !== 'pair')
      return formatAnswer(nonce, this.#style, member, null)
    const next = chooseNext(pool, member, affinity, decision.turns)
    return formatAnswer(
      nonce,
      this.#style,
      member,
      next.kind === 'nobody' ? null : next.member,
    )
  }
}
