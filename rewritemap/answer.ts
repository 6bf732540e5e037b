// From a line to its answer. Pure but for its own memory: the table it was last
// given, the turns, the counts.
import { choose, chooseNext, noTurns } from '../choice/choose.ts'
import type { Turns } from '../choice/choose.ts'
import { formatAnswer, parseLookup } from './lookup.ts'
import type { AnswerStyle } from './lookup.ts'
import type { Table, TableMember } from '../choice/table.ts'

/** The places in the array of totals. */
export const total = {
  lookups: 0,
  /** malformed, too long, or for an unknown pool */
  malformed: 1,
  /** well-formed, but no backend was usable */
  unanswered: 2,
  /** bugs caught here */
  faults: 3,
  length: 4,
} as const

export class Answerer {
  readonly #style: AnswerStyle
  #table: Table
  readonly #turns = new Map<string, Turns>()
  readonly #totals: Float64Array
  #answers: Float64Array

  /**
   * @param totals where lookups are counted, `total.length` numbers
   * @param answers where answers are counted, by the backend's place in the
   *   configuration
   */
  constructor(
    style: AnswerStyle,
    table: Table,
    totals: Float64Array,
    answers: Float64Array,
  ) {
    this.#style = style
    this.#table = table
    this.#totals = totals
    this.#answers = answers
  }

  get table(): Table {
    return this.#table
  }

  /**
   * The lookups from now on are answered from this table.
   *
   * @param answers when the configuration is another one: where its answers are
   *   counted, going on from what its backends have so far
   */
  take(table: Table, answers?: Float64Array): void {
    if (answers !== undefined) {
      const places = placesOf(this.#table)
      for (const [name, place] of placesOf(table))
        answers[place] = this.#answers[places.get(name) ?? -1] ?? 0
      this.#answers = answers
      for (const pool of this.#turns.keys())
        if (!table.pools.has(pool)) this.#turns.delete(pool)
    }
    this.#table = table
  }

  /**
   * One line -> one answer with its newline, whatever happens: an exception
   * here would leave httpd waiting for ever.
   */
  answer(line: string): string {
    count(this.#totals, total.lookups)
    try {
      return this.#decide(line)
    } catch {
      this.noteFault()
      return 'NULL\n'
    }
  }

  /** A bug was caught; the other thread tells it. */
  noteFault(): void {
    count(this.#totals, total.faults)
  }

  #decide(line: string): string {
    const lookup = parseLookup(line)
    const pool =
      lookup.kind === 'lookup' ? this.#table.pools.get(lookup.pool) : undefined
    if (lookup.kind === 'malformed' || pool === undefined) {
      count(this.#totals, total.malformed)
      return formatAnswer(lookup.nonce, this.#style, null, null)
    }
    const { nonce, route, affinity } = lookup
    const turns = this.#turns.get(pool.name) ?? noTurns
    const decision = choose(pool, route, affinity, turns)
    if (decision.kind === 'nobody') {
      count(this.#totals, total.unanswered)
      return formatAnswer(nonce, this.#style, null, null)
    }
    if (decision.turns !== turns) this.#turns.set(pool.name, decision.turns)
    const { member } = decision
    count(this.#answers, member.backend)
    return formatAnswer(
      nonce,
      this.#style,
      member,
      this.#style === 'pair'
        ? memberOf(chooseNext(pool, member, route, affinity, decision.turns))
        : null,
    )
  }
}

function count(counts: Float64Array, place: number): void {
  counts[place] = (counts[place] ?? 0) + 1
}

function memberOf(decision: ReturnType<typeof choose>): TableMember | null {
  return decision.kind === 'backend' ? decision.member : null
}

/** Each backend's place in the configuration. */
function placesOf(table: Table): Map<string, number> {
  return new Map(
    [...table.pools.values()].flatMap(({ members }) =>
      members.map(({ name, backend }): [string, number] => [name, backend]),
    ),
  )
}
