// From a line to its answer. Pure but for its own memory: the table it was last
// given, the turns, the counts.
import { choose, chooseNext, noTurns } from '../choice/choose.ts'
import type { Turns } from '../choice/choose.ts'
import { formatAnswer, nonceOf, parseLookup, questionOf } from './lookup.ts'
import type { AnswerStyle, Lookup } from './lookup.ts'
import { staleReport, Step } from './step.ts'
import type { Table } from '../choice/table.ts'

/** The places in the array of totals. */
export const total = {
  lookups: 0,
  /** malformed, too long, or for an unknown pool */
  malformed: 1,
  /** well-formed, but no backend was usable */
  unanswered: 2,
  /** bugs caught here */
  faults: 3,
  /** left without an answer, for httpd had one too many (step.ts) */
  outOfStep: 4,
  length: 5,
} as const

/** What depends on pool and route alone, decided once for each table. */
type Known = {
  /** without the nonce, with the newline */
  readonly answer: string
  readonly backend: number
}

/** Visitors can make up routes: what is over this is decided each time. */
const maxKnown = 1_000

export class Answerer {
  readonly #style: AnswerStyle
  #table: Table
  readonly #turns = new Map<string, Turns>()
  readonly #totals: Float64Array
  #answers: Float64Array
  /** by question, until the next table */
  readonly #known = new Map<string, Known>()
  readonly #isLockStep: boolean
  readonly #step = new Step()

  /**
   * @param totals where lookups are counted, `total.length` numbers
   * @param answers where answers are counted, by the backend's place in the
   *   configuration
   * @param isLockStep behind httpd, which reads each answer before it asks
   *   again: only then may a line stay without one (step.ts)
   */
  constructor(
    style: AnswerStyle,
    table: Table,
    totals: Float64Array,
    answers: Float64Array,
    isLockStep: boolean,
  ) {
    this.#isLockStep = isLockStep
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
    this.#known.clear()
  }

  /**
   * One line -> one answer with its newline, whatever happens: an exception
   * here would leave httpd waiting for ever. Nothing ('') only behind httpd, and
   * when an answer that nobody has read is certainly there.
   */
  answer(line: string): string {
    count(this.#totals, total.lookups)
    try {
      const nonce = nonceOf(line)
      const question = questionOf(line, nonce)
      const known = this.#known.get(question)
      if (nonce !== null && known !== undefined) {
        count(this.#answers, known.backend)
        this.#step.answered(nonce)
        return nonce + known.answer
      }
      const lookup = parseLookup(line)
      if (
        this.#isLockStep &&
        lookup.kind === 'lookup' &&
        lookup.pool === staleReport
      )
        return this.#catchUp(lookup.nonce, lookup.route)
      const answer = this.#decide(lookup, question)
      this.#step.answered(lookup.nonce)
      return answer
    } catch {
      this.noteFault()
      this.#step.answered(null)
      return 'NULL\n'
    }
  }

  /** The answer has no nonce, so as not to pass for the question's own. */
  #catchUp(nonce: string | null, other: string | null): string {
    if (this.#step.omits(nonce, other)) {
      count(this.#totals, total.outOfStep)
      return ''
    }
    this.#step.answered(null)
    return 'NULL\n'
  }

  /** A bug was caught; the other thread tells it. */
  noteFault(): void {
    count(this.#totals, total.faults)
  }

  #decide(lookup: Lookup, question: string): string {
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
    const next =
      this.#style === 'pair'
        ? chooseNext(pool, member, route, affinity, decision.turns)
        : null
    const answer = formatAnswer(
      nonce,
      this.#style,
      member,
      next?.kind === 'backend' ? next.member : null,
    )
    if (
      nonce !== null &&
      isSettled(decision) &&
      (next === null || isSettled(next)) &&
      this.#known.size < maxKnown
    )
      this.#known.set(question, {
        answer: answer.slice(nonce.length),
        backend: member.backend,
      })
    return answer
  }
}

/** Neither a matter of turns nor of the affinity key. */
function isSettled(decision: ReturnType<typeof choose>): boolean {
  return (
    decision.kind === 'nobody' ||
    decision.way === 'only' ||
    decision.way === 'route'
  )
}

function count(counts: Float64Array, place: number): void {
  counts[place] = (counts[place] ?? 0) + 1
}

/** Each backend's place in the configuration. */
function placesOf(table: Table): Map<string, number> {
  return new Map(
    [...table.pools.values()].flatMap(({ members }) =>
      members.map(({ name, backend }): [string, number] => [name, backend]),
    ),
  )
}
