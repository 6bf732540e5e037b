// From a line to its answer. Pure but for its own memory: the table it was last
// given, the turns, the counts.
import { choose, chooseNext, newRoundRobin } from '../choice/choose.ts'
import type { RoundRobin } from '../choice/choose.ts'
import type { Dialect } from './dialect.ts'
import type { Lookup } from './lookup.ts'
import { staleReport, PipeSync } from './pipe-sync.ts'
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
type CachedAnswer = {
  /** without the nonce, with the newline */
  readonly answer: string
  readonly backend: number
}

/** Visitors can make up routes: what is over this is decided each time. */
const maxKnown = 1_000

export class Answerer {
  readonly #dialect: Dialect
  #table: Table
  readonly #turns = new Map<string, RoundRobin>()
  readonly #totals: Float64Array
  #answers: Float64Array
  /** by question, until the next table */
  readonly #known = new Map<string, CachedAnswer>()
  readonly #isLockStep: boolean
  readonly #step = new PipeSync()

  /**
   * @param dialect how the program on the other end writes questions and reads
   *   answers
   * @param totals where lookups are counted, `total.length` numbers
   * @param answers where answers are counted, by the backend's place in the
   *   configuration
   * @param isLockStep behind httpd, which reads each answer before it asks
   *   again: only then may a line stay without one (step.ts)
   */
  constructor(
    dialect: Dialect,
    table: Table,
    totals: Float64Array,
    answers: Float64Array,
    isLockStep: boolean,
  ) {
    this.#isLockStep = isLockStep
    this.#dialect = dialect
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
      const nonce = this.#dialect.nonceOf(line)
      const question = this.#dialect.questionOf(line, nonce)
      const known = this.#known.get(question)
      if (known !== undefined) {
        count(this.#answers, known.backend)
        this.#step.answered(nonce)
        return nonce === null ? known.answer : nonce + known.answer
      }
      const lookup = this.#dialect.parse(line)
      if (
        this.#isLockStep &&
        lookup.kind === 'lookup' &&
        lookup.pool === staleReport
      )
        return this.#catchUp(lookup.nonce, lookup.route)
      const answer = this.#decide(line, lookup, question)
      this.#step.answered(lookup.nonce)
      return answer
    } catch {
      this.noteFault()
      this.#step.answered(null)
      return this.#dialect.fault(line)
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

  #decide(line: string, lookup: Lookup, question: string): string {
    const pool =
      lookup.kind === 'lookup' ? this.#table.pools.get(lookup.pool) : undefined
    if (lookup.kind === 'malformed' || pool === undefined) {
      count(this.#totals, total.malformed)
      return this.#dialect.noOpinion(lookup.nonce)
    }
    const { nonce, route, affinity } = lookup
    const turns = this.#turns.get(pool.name) ?? newRoundRobin
    const decision = choose(pool, route, affinity, turns)
    if (decision.kind === 'nobody') {
      count(this.#totals, total.unanswered)
      return this.#dialect.nobody(nonce)
    }
    const { member } = decision
    const next = this.#dialect.namesNext
      ? chooseNext(pool, member, route, affinity, decision.roundRobin)
      : null
    const answer = this.#dialect.format(
      line,
      lookup,
      member,
      next?.kind === 'backend' ? next.member : null,
    )
    if (answer === null) {
      count(this.#totals, total.malformed)
      return this.#dialect.noOpinion(nonce)
    }
    if (decision.roundRobin !== turns)
      this.#turns.set(pool.name, decision.roundRobin)
    count(this.#answers, member.backend)
    if (
      question !== '' &&
      isSettled(decision) &&
      (next === null || isSettled(next)) &&
      this.#known.size < maxKnown
    )
      this.#known.set(question, {
        answer: answer.slice(nonce?.length ?? 0),
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
